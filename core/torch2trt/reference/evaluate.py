"""Evaluate the steps of a schedule over a list of slots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from .errors import InterpreterError
from .steps import AnyStep, BranchStep, Iteration, LoopOutput, LoopStep, Step

Slots = list[Any]
_CPU = torch.device("cpu")


def evaluate(steps: Sequence[AnyStep], slots: Slots, device: torch.device) -> None:
    """Evaluate ``steps`` in order; they read, fill and release ``slots``."""
    on_cpu = device.type == "cpu"
    for step in steps:
        if type(step) is Step:
            args = [slots[slot] for slot in step.inputs]
            if not on_cpu:
                _place(args, _CPU if step.host else device, step.control_from)
            try:
                result = step.kernel(*args)
            except InterpreterError:
                raise
            except Exception as error:
                raise InterpreterError(f"{step.node} cannot be evaluated with {_describe(args)}: {error}") from error
            del args  # like `result` below, it would keep tensors alive that the step releases
            if len(step.outputs) == 1:
                slots[step.outputs[0]] = result
            else:
                for slot, tensor in zip(step.outputs, result, strict=True):
                    slots[slot] = tensor
            del result
        elif isinstance(step, LoopStep):
            _loop(step, slots, device)
        elif isinstance(step, BranchStep):
            _branch(step, slots, device)
        for slot in step.release:
            slots[slot] = None


def _place(args: list[Any], device: torch.device, control_from: int) -> None:
    for index, value in enumerate(args[:control_from]):
        if isinstance(value, torch.Tensor) and value.device != device:
            args[index] = value.to(device)


def _describe(args: Sequence[Any]) -> str:
    return ", ".join(f"{a.dtype}{list(a.shape)}" if isinstance(a, torch.Tensor) else repr(a) for a in args)


def _branch(step: BranchStep, slots: Slots, device: torch.device) -> None:
    branch = 0 if bool(slots[step.condition]) else 1
    for output, value in step.inputs:
        slots[output] = slots[value]
    evaluate(step.branches[branch], slots, device)
    for output, value in step.results[branch]:
        slots[output] = slots[value]


def _loop(step: LoopStep, slots: Slots, device: torch.device) -> None:
    """The WHILE limit is evaluated before each iteration, on the values that the iteration starts with.

    A LAST_VALUE output of a recurrence is the value that the next iteration would start with.
    """
    count = None if step.count is None else int(slots[step.count])
    collected: dict[int, list[torch.Tensor]] = {r.output: [] for r in step.results if r.length is not None}
    state = [slots[recurrence.initial] for recurrence in step.recurrences]
    iteration = 0
    while True:
        for recurrence, value in zip(step.recurrences, state, strict=True):
            slots[recurrence.output] = value
        if count is not None and iteration >= count:
            break
        for iterator in step.iterators:
            slots[iterator.output] = _slice(step, iterator, slots[iterator.input], iteration, count)
        evaluate(step.condition, slots, device)
        if step.proceed is not None and not bool(slots[step.proceed]):
            break
        evaluate(step.body, slots, device)
        for result in step.results:
            if result.length is not None:
                collected[result.output].append(slots[result.value])
        state = [slots[recurrence.following] for recurrence in step.recurrences]
        iteration += 1
    for result in step.results:
        if result.length is None:
            slots[result.output] = slots[result.value]
        else:
            length = int(slots[result.length])
            slots[result.output] = _concatenated(result, collected[result.output], length, device)


def _slice(
    step: LoopStep, iterator: Iteration, source: torch.Tensor, iteration: int, count: int | None
) -> torch.Tensor:
    """The slice of ``source`` that the loop's iterator yields in this iteration."""
    if iterator.reverse and count is None:
        raise InterpreterError(f"{step.node}: a reverse iterator needs a COUNT limit")
    index = iteration if count is None or not iterator.reverse else count - 1 - iteration
    if not 0 <= index < source.shape[iterator.axis]:
        raise InterpreterError(f"{step.node}: slice {index} is beyond axis {iterator.axis} of {_describe([source])}")
    return source.select(iterator.axis, index)


def _concatenated(result: LoopOutput, parts: list[torch.Tensor], length: int, device: torch.device) -> torch.Tensor:
    """The values of the iterations as ``length`` slices, with zeros for missing ones (which TensorRT leaves undefined).

    REVERSE stores iteration i at ``length - 1 - i``, so the zeros come first.
    """
    if not parts or length == 0:
        shape = list(parts[0].shape) if parts else [max(extent, 0) for extent in result.declared.shape or ()]
        shape.insert(result.axis, length)
        return torch.zeros(shape, dtype=result.declared.dtype, device=device)
    padded = parts[:length] + [torch.zeros_like(parts[0])] * (length - len(parts))
    return torch.stack(padded[::-1] if result.reverse else padded, dim=result.axis)
