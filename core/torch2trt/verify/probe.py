"""Seeing inside a network: the same plan once more, with the results of calls as outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import torch

from ..network.build import build
from ..network.lower import Network, lower
from ..plan.plan import Plan
from ..program.call import Ref
from ..runtime.reference import ReferenceRunner
from ..runtime.runner import Runner
from ..runtime.session import Session

#: makes what runs a network
RunnerOf = Callable[[Network], Runner]


def on_interpreter(network: Network) -> Runner:
    """The reference interpreter, which fuses nothing."""
    return ReferenceRunner(network.network, network.builder, network.constants)


def on_engine(network: Network) -> Runner:
    """An engine, on a GPU."""
    return Session(build(network, network.plan))


class Probe:
    """A network of a plan whose outputs are those of the module and the results of some calls.

    An output keeps TensorRT from fusing across it, so an engine may be right as a probe and wrong as it is.

    Args:
        plan: the plan.
        breaks: the names of the calls.
        runner_of: what runs the network.
    """

    def __init__(self, plan: Plan, breaks: Iterable[str], runner_of: RunnerOf) -> None:
        settings = replace(plan.settings, progress=False)
        self.plan, self.runner_of = plan, runner_of
        self.network = lower(replace(plan, breaks=plan.breaks | {*breaks}, settings=settings), *plan.segments)
        self._runner = runner_of(self.network)

    def __call__(self, tensors: Mapping[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], dict[Ref, torch.Tensor]]:
        """The outputs by name, and the results of calls that can be seen."""
        outputs = run(self._runner, tensors)
        visible = {**tensors, **outputs}
        results = self.network.results.items()
        return outputs, {ref: visible[tensor.name] for ref, tensor in results if tensor.name in visible}


def run(runner: Runner, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The outputs of a runner where the inputs are, wherever it runs."""
    device = getattr(runner, "device", None)
    if device is None:
        return runner(tensors)
    home = next((tensor.device for tensor in tensors.values()), torch.device("cpu"))
    outputs = runner({name: tensor.to(device) for name, tensor in tensors.items()})
    return {name: tensor.to(home) for name, tensor in outputs.items()}


def exposable(plan: Plan) -> list[str]:
    """The calls whose results can be outputs, in order."""
    return [planned.call.name for planned in plan.calls if planned.action == "convert"]
