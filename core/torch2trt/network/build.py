"""Building: optimization profile, builder configuration, and the serialized engine with its manifest."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

import torch

from .. import _trt, log
from .._trt import trt
from ..errors import BuildError
from ..packs.loading import Packs
from ..packs.plugins import packs_with_plugins
from ..plan.plan import Plan
from ..plan.planned import walk
from ..program.leaves import TensorSpec
from ..program.profiles import in_profiles
from ..runtime.engine import Engine, why_not_loadable
from ..settings import Settings
from .given import network_key
from .lower import Network
from .progress import watched

#: the names that only TensorRT for RTX has, which the stubs do not know
_rtx: Any = trt


def build(network: Network, plan: Plan, cache: MutableMapping[str, Engine] | None = None) -> Engine:
    """The serialized engine of a network; works without a GPU with TensorRT for RTX.

    Args:
        network: what the plan was lowered to.
        plan: the plan.
        cache: engines by the key of all that makes them; an engine that it has is not built again.  What an engine says
            of its origin, such as the lines of calls, is the present plan's all the same.

    Raises:
        BuildError: TensorRT refused; its own messages are in the error.
    """
    if cache is None:
        return _build(network, plan)
    key = network_key(network, plan)
    engine = cache.get(key)
    if engine is None or why_not_loadable(engine.flavor, engine.version):
        engine = cache[key] = _build(network, plan)
    return dataclasses.replace(engine, provenance=provenance(network, plan))


def _build(network: Network, plan: Plan) -> Engine:
    inputs = list(network.segment.inputs.values())
    layers_of = functools.partial(_layers_of, network)
    serialized = serialize(network.builder, network.network, inputs, plan.settings, plan.packs, layers_of)
    assert _trt.FLAVOR is not None
    return Engine(serialized, _trt.FLAVOR, trt.__version__, provenance(network, plan))


def serialize(
    builder: trt.Builder,
    network: trt.INetworkDefinition,
    inputs: Sequence[TensorSpec],
    settings: Settings,
    packs: Packs,
    layers_of: Callable[[Sequence[str]], str] = lambda messages: "",
) -> bytes:
    """The serialized engine of a network.

    Args:
        builder: made the network.
        network: the network.
        inputs: its inputs, in order.
        settings: how to build.
        packs: whose hooks configure the build.
        layers_of: says of the layers that TensorRT's messages name what they are, for the end of an error.

    Raises:
        BuildError: TensorRT could not build it.
    """
    config = builder.create_builder_config()
    _apply(settings, config)
    for specs in in_profiles(inputs):
        profile = builder.create_optimization_profile()
        for index, spec in enumerate(specs):
            low, best, high = zip(*spec.ranges, strict=True) if spec.ranges else ((), (), ())
            profile.set_shape(spec.name, low, best, high)
            if network.get_input(index).is_shape_tensor:
                profile.set_shape_input(spec.name, *map(list, zip(*spec.values, strict=True)))
        config.add_optimization_profile(profile)
    packs.call_all("torch2trt_configure_build", config=config, network=network, settings=settings)
    with watched(config, settings), log.verbose(settings.verbose), log.record_errors() as messages:
        serialized = builder.build_serialized_network(network, config)
    if serialized is None:
        raise BuildError(f"TensorRT could not build the engine:{log.format_messages(messages)}{layers_of(messages)}")
    return bytes(serialized)


def _apply(settings: Settings, config: trt.IBuilderConfig) -> None:
    if settings.workspace is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, settings.workspace)
    if settings.optimization_level is not None:
        config.builder_optimization_level = settings.optimization_level
    if settings.refittable:
        _check_refittable()
        config.set_flag(trt.BuilderFlag.REFIT)
    if settings.weight_streaming is not None:
        config.set_flag(trt.BuilderFlag.WEIGHT_STREAMING)
    # an engine is named after what made it: layers, tensors and their origin can be read back from it
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if settings.compute_capabilities:
        _set_compute_capabilities(config, settings.compute_capabilities)


def _check_refittable() -> None:
    if _trt.FLAVOR == "rtx" and not torch.cuda.is_available():
        raise BuildError(
            "TensorRT for RTX builds engines with refittable=True on a machine with a GPU alone; build it there, "
            "or let the interpreter run the module with build=False"
        )


def _set_compute_capabilities(config: Any, capabilities: Sequence[str]) -> None:
    config.num_compute_capabilities = len(capabilities)
    for index, capability in enumerate(capabilities):
        config.set_compute_capability(_rtx.ComputeCapability.__members__["SM" + capability.replace(".", "")], index)


def _layers_of(network: Network, messages: Sequence[str]) -> str:
    """The calls whose layers TensorRT's messages name, one a line, for the end of an error."""
    calls = {}
    for index in range(network.network.num_layers):
        layer = network.network.get_layer(index)
        # the number at the end of a name may be the beginning of a longer one
        if "#" in layer.name and any(re.search(re.escape(layer.name) + r"(?![\d_])", text) for text in messages):
            origin = json.loads(layer.metadata)
            calls[origin["name"]] = (
                f"\n  {layer.name} is of {origin['target']} in {origin['module'] or 'the model'} at "
                f"{origin['source'] or 'an unknown line'}, converted by {origin['converter']} "
                f"(pack {origin['pack']}, {origin['converter_source']})"
            )
    return "".join(calls.values())


def provenance(network: Network, plan: Plan) -> dict[str, Any]:
    """What an engine's manifest says of where its layers come from."""
    calls = list(walk(network.segment.calls))
    used = [planned.converter for planned in calls if planned.converter]
    return {
        "settings": plan.settings.to_dict(),
        "packs": [dataclasses.asdict(pack) for pack in plan.packs.packs],
        "plugins": packs_with_plugins(plan.packs, used, {made.creator for made in network.constants.plugins}),
        "calls": [planned.to_dict() for planned in calls],
        "breaks": sorted(plan.breaks),
    }
