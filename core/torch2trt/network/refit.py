"""Refitting: an engine takes the weights of another model, without being built again.

What a network holds of a model is more than its parameters: batch norm that was folded, a cast, a table that was
computed.  So the other model is planned and lowered as the first was, and everything that is not a weight has to be the
same; then each weight of the engine is the one that the other network has in its place, whatever it was made of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from .. import log
from .._trt import trt
from ..errors import ConversionError, EngineError
from ..plan.plan import Plan
from ..plan.segments import renamed
from ..program.signature import Signature
from ..reference.layers import read_layers
from ..reference.weights import WITH_WEIGHTS, held
from ..runtime.choose import will_interpret
from ..runtime.engine import Engine, deserialized
from ..runtime.module import TRTModule
from ..runtime.reference import ReferenceRunner
from .build import provenance
from .given import parts
from .lower import Network, lower

#: a weight by the name of its layer and what it is there
Place = tuple[str, str]
#: how many names an error has
_SHOWN: Final = 5


_CURE: Final = "convert it by itself"


def refittable(finish: Callable[[Plan], TRTModule], replan: Callable[[Any], Plan], plan: Plan) -> TRTModule:
    """The module of a plan, which takes other weights.

    Args:
        finish: lowers, builds and loads a plan.
        replan: plans another model as this one was.
        plan: the plan.
    """
    module = finish(replace(plan, finish=finish))
    if module.lowered is not None:
        module.refitting = Refitting.of(replan, module.lowered)
    return module


@dataclass(frozen=True, eq=False)
class Refitting:
    """What a module has to know of its network to take other weights."""

    #: plans another model as the module's own was
    replan: Callable[[Any], Plan]
    signature: Signature
    breaks: frozenset[str]
    #: what makes each layer, by its name, and the digest of each weight
    layers: Mapping[str, str]
    digests: Mapping[Place, str]

    @classmethod
    def of(cls, replan: Callable[[Any], Plan], network: Network) -> Refitting:
        """For the module of a network, while the network has the weights of its engine."""
        signature = network.plan.program.signature
        assert signature is not None
        return cls(replan, signature, network.plan.breaks, _layers(network), _digests(network))

    def __call__(self, model: Any, engine: Engine | None) -> tuple[Refitting, Network, Engine | None, ReferenceRunner]:
        """What a module of an ``engine`` becomes with the weights of ``model``; changes nothing.

        Raises:
            ConversionError: the model has other calls, sizes or inputs than the module's own.
            EngineError: the engine cannot take the weights, or there is no GPU to change it on.
        """
        network = self._lowered(model)
        digests = _digests(network)
        refitted = None if engine is None else self._refitted(engine, network, digests)
        copied = will_interpret(network.plan.settings)
        reference = ReferenceRunner(network.network, network.builder, network.constants, copy=copied)
        return replace(self, digests=digests), network, refitted, reference

    def _lowered(self, model: Any) -> Network:
        plan = replace(self.replan(model), breaks=self.breaks)
        if not plan.is_one_engine or _without_lines(plan.program.signature) != _without_lines(self.signature):
            raise ConversionError(f"the model takes or returns something else than the converted one; {_CURE}")
        network = lower(plan, renamed(plan.segments[0], dict(self.signature.tensor_names)))
        layers = _layers(network)
        if different := [name for name in {**self.layers, **layers} if self.layers.get(name) != layers.get(name)]:
            raise ConversionError(
                f"the model has other calls, sizes or numbers than the converted one, in {_listed(different)}; {_CURE}"
            )
        return network

    def _refitted(self, engine: Engine, network: Network, digests: Mapping[Place, str]) -> Engine:
        loaded = deserialized(engine.serialized)  # another one: where this fails, nothing has changed
        refitter = trt.Refitter(loaded, log.logger())
        places = {(layer, role.name) for layer, role in zip(*refitter.get_all(), strict=True)}
        weights = {(one.layer.name, one.role): one.weights for one in held(network.network)}
        if fixed := [place for place in weights.keys() - places if digests[place] != self.digests[place]]:
            raise EngineError(
                f"TensorRT cannot change weights of the engine that are others now, of "
                f"{_listed(sorted({layer for layer, _ in fixed}))}; {_CURE}"
            )
        with log.record_errors() as messages:
            done = all(
                refitter.set_weights(layer, getattr(trt.WeightsRole, role), weights[layer, role])
                for layer, role in sorted(places & weights.keys())
            )
            if not done or not refitter.refit_cuda_engine():
                raise EngineError(f"TensorRT cannot refit the engine; {_CURE}:{log.format_messages(messages)}")
        origin = {**provenance(network, network.plan), "settings": engine.provenance["settings"]}
        kernels = engine.kernels or engine.digest
        return replace(engine, serialized=bytes(loaded.serialize()), provenance=origin, loaded=None, kernels=kernels)


def _without_lines(signature: Signature | None) -> Signature | None:
    """A calling convention without the lines of the model's files, and the names that somebody chose for the engine."""
    if signature is None:
        return None
    guards = tuple(replace(guard, source="") for guard in signature.guards)
    return replace(signature, guards=guards, tensor_names=())


class _Everything:
    """A container that has everything."""

    def __contains__(self, _: object) -> bool:
        return True


def _layers(network: Network) -> dict[str, str]:
    """What makes each layer, by its name, but the values of its weights."""
    layers: dict[str, str] = {}
    with log.record_errors():  # of attributes that are not set
        for node in read_layers(network.network).nodes:
            if node.name in layers:
                raise ConversionError(f"two layers have the name {node.name!r}, by which refittable=True knows them")
            layers[node.name] = repr(list(parts(node, _Everything() if node.kind in WITH_WEIGHTS else ())))
    for one in held(network.network):
        layers[one.layer.name] += f" {one.role} {one.dtype} {one.memory.numel()}"
    return {**layers, "plugins": repr(network.constants.plugins)}


def _digests(network: Network) -> dict[Place, str]:
    return {
        (one.layer.name, one.role): hashlib.sha256(one.memory.numpy().data).hexdigest() for one in held(network.network)
    }


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
