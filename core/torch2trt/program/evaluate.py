"""Evaluating calls of a program with PyTorch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import torch
from torch.utils import _pytree as pytree

from .call import Call, ModuleOperand, Ref
from .program import Program

_aten = torch.ops.aten
#: what a trace takes for views of tensors with its own strides, which those of a run need not have
VIEWS: Final = (_aten.view.default, _aten._unsafe_view.default)


class Step:
    """One call, ready to run again and again.

    Args:
        call: the call.
        device: where it runs.
        traced: where the program was traced: calls that name this device run on ``device``.
        known: the values that are the same at every run; a module that has all of its own there is copied with them.
    """

    def __init__(
        self,
        call: Call,
        device: torch.device,
        traced: torch.device | None = None,
        known: Mapping[Ref, Any] | None = None,
    ) -> None:
        self.call = call
        operands, self._spec = pytree.tree_flatten(call.operands)
        self._leaves = [_prepared(operand, device, traced or device, known) for operand in operands]
        self._open = [index for index, leaf in enumerate(self._leaves) if isinstance(leaf, (Ref, ModuleOperand))]
        self._may_write = call.target.level != "operator"

    @property
    def refs(self) -> list[Ref]:
        """What it needs at every run."""
        leaves = [self._leaves[index] for index in self._open]
        return [ref for leaf in leaves for ref in ([leaf] if isinstance(leaf, Ref) else leaf.state.values())]

    @property
    def operands(self) -> Any:
        """``(args, kwargs)`` with a :class:`Ref` for every value that is not known."""
        return pytree.tree_unflatten(self._leaves, self._spec)

    def __call__(self, value: Callable[[Ref], Any]) -> list[Any]:
        """The leaves of what PyTorch returns, with ``value`` of everything that is not known."""
        leaves = list(self._leaves)
        for index in self._open:
            leaf = leaves[index]
            leaves[index] = value(leaf) if isinstance(leaf, Ref) else leaf.bind(value)
        if self._may_write:  # into what it gets
            leaves = [leaf.clone() if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]
        args, kwargs = pytree.tree_unflatten(leaves, self._spec)
        if self.call.target.obj in VIEWS:
            return [torch.reshape(*args, **kwargs)]
        return self.call.run(args, kwargs)


def results_of(call: Call, results: Sequence[Any]) -> dict[Ref, Any]:
    """The results of a call as other calls name them."""
    named = {Ref("call", call.name, index): result for index, result in enumerate(results)}
    return {**named, Ref("call", call.name): results[0]} if len(results) == 1 else named


def last_uses(calls: Iterable[Call], outputs: Iterable[Any]) -> dict[str, list[Ref]]:
    """For each call the values that nothing needs after it, its own results included; inputs are among them."""
    last: dict[Ref, str] = {}
    uses: dict[str, list[Ref]] = {}
    for call in calls:
        own = [Ref("call", call.name), *(Ref("call", call.name, index) for index in range(len(call.results)))]
        last.update(dict.fromkeys([*own, *call.refs], call.name))
        uses[call.name] = []
    for output in outputs:
        last.pop(output, None)
    for ref, name in last.items():
        uses[name].append(ref)
    return uses


def evaluate(
    program: Program, inputs: Mapping[str, Any], device: torch.device, traced: torch.device | None = None
) -> list[Any]:
    """The outputs of a program, such as the body of a loop, for inputs on ``device``."""
    values: dict[Ref, Any] = {Ref("input", name): value for name, value in inputs.items()}
    values |= {Ref("constant", name): tensor.to(device) for name, tensor in program.constants.items()}
    unused = last_uses(program.calls, program.outputs)
    for call in program.calls:
        values |= results_of(call, Step(call, device, traced)(values.__getitem__))
        for ref in unused[call.name]:
            values.pop(ref, None)
    return [values[output] if isinstance(output, Ref) else output for output in program.outputs]


def device_of(program: Program) -> torch.device:
    """Where a program was traced, which its calls that make tensors name."""
    tensors = [value for value in (*program.inputs.values(), *program.constants.values()) if hasattr(value, "device")]
    return tensors[0].device if tensors else torch.device("cpu")


def _prepared(operand: Any, device: torch.device, traced: torch.device, known: Mapping[Ref, Any] | None) -> Any:
    if isinstance(operand, Ref):
        return operand if known is None else known.get(operand, operand)
    if isinstance(operand, ModuleOperand) and known is not None and all(ref in known for ref in operand.state.values()):
        bound = operand.bind(known.__getitem__)
        return copy.deepcopy(bound) if bound is operand.module else bound  # which the user may change
    if isinstance(operand, Program):
        return _callable(operand, device, traced)
    return device if isinstance(operand, torch.device) and operand == traced else operand


def _callable(body: Program, device: torch.device, traced: torch.device) -> Any:
    def run(*inputs: Any) -> Any:
        outputs = evaluate(body, dict(zip(body.inputs, inputs, strict=True)), device, traced)
        return outputs[0] if body.single else tuple(outputs)

    return run
