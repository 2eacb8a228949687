"""A program as its calls are looked for, and calls that take the place of some."""

from __future__ import annotations

import collections
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import torch
from torch.utils import _pytree as pytree
from torch2trt import Call, Program, Ref, Target

aten: Final = torch.ops.aten
_RANDOM: Final = torch.Tag.nondeterministic_seeded
#: what shows the same elements where it keeps sizes and dtype
_SAME: Final = (
    *(aten.alias.default, aten.clone.default, aten.slice.Tensor, aten.expand.default),
    *(aten.view.default, aten._unsafe_view.default, aten.reshape.default, aten._to_copy.default),
)


class Calls:
    """The calls of a program by what they make.

    Args:
        program: the program.
    """

    def __init__(self, program: Program) -> None:
        self._by_name = {call.name: call for call in program.calls}
        self._program = program
        refs = [ref for call in program.calls for ref in call.refs]
        outputs = [one for one in program.outputs if isinstance(one, Ref)]
        self._uses = collections.Counter(ref.name for ref in (*refs, *outputs) if ref.kind == "call")

    def made(self, ref: Any, *targets: Any) -> Call | None:
        """The call of one of the targets whose one result it is."""
        call = self._by_name.get(ref.name) if isinstance(ref, Ref) and ref.kind == "call" else None
        return call if call is not None and call.target.obj in targets and len(call.results) == 1 else None

    def value(self, ref: Ref) -> Any:
        """What stands for it when a program is traced."""
        if ref.kind != "call":
            return self._program.example_value(ref)
        call = self._by_name[ref.name]
        return call.result if ref.index is None else call.results[ref.index]

    def is_used_once(self, call: Call) -> bool:
        """Whether nothing else needs what it makes."""
        return self._uses[call.name] == 1

    def origin(self, ref: Any, *, cast: bool = False) -> Any:
        """What it shows all elements of, in the same sizes; with ``cast`` in another dtype of floating point too."""
        while (call := self.made(ref, *_SAME)) is not None:
            before, after = call.args[0], call.result
            floating = cast and before.dtype.is_floating_point and after.dtype.is_floating_point
            alike = before.shape == after.shape and before.device == after.device
            if not alike or not (floating or before.dtype == after.dtype):
                break
            ref = call.operands[0][0]
        return ref

    def pairs(self, call: Call | None) -> Iterator[tuple[Any, Any]]:
        """Both orders of the two operands of a call; none of no call, or of one that scales the second."""
        if call is not None and not call.kwargs:
            first, second = call.operands[0][:2]
            yield first, second
            yield second, first


def like(
    call: Call, target: Any, name: str, operands: Sequence[Any], args: Sequence[Any], shape: Sequence[int]
) -> Call:
    """A call for another one, from the same place of the model, with a result like its.

    Args:
        call: the other one.
        target: the overload that is called.
        name: of the call.
        operands, args: what it takes, and what stands for that.
        shape: of the result.
    """
    title = str(target).removeprefix("torch.ops.")
    return replace(
        call,
        target=Target(title, "operator", target),
        name=name,
        operands=(tuple(operands), {}),
        args=tuple(args),
        kwargs={},
        result=call.result.new_empty(tuple(shape)),
        used=None,
        declined=(),
    )


def with_shared_places(program: Program) -> Program:
    """The program with what is computed of whole numbers computed once: each layer of a model makes places anew."""
    known: dict[Any, Ref] = {}
    other: dict[Any, Any] = {}
    calls = []

    def first(operand: Any) -> Any:
        return other.get(operand, operand) if isinstance(operand, Ref) else operand

    for call in program.calls:
        call = replace(call, operands=pytree.tree_map(first, call.operands))
        if _makes_places(call):
            leaves, structure = pytree.tree_flatten(call.operands)
            own = Ref("call", call.name)
            made = known.setdefault((call.target, *((type(leaf), leaf) for leaf in leaves), str(structure)), own)
            if made != own:
                other[own] = made
                continue
        calls.append(call)
    return replace(program, calls=tuple(calls), outputs=tuple(map(first, program.outputs)))


def _makes_places(call: Call) -> bool:
    whole = isinstance(call.result, torch.Tensor) and call.result.dtype is torch.int64
    tags = call.target.overload.tags if call.target.overload is not None else (_RANDOM,)
    return whole and _RANDOM not in tags and all(map(_is_plain, pytree.tree_leaves(call.operands)))


def _is_plain(operand: Any) -> bool:
    """Whether an operand is what it is compared as."""
    return operand is None or isinstance(operand, (Ref, int, float, str, torch.dtype, torch.device, torch.layout))


def is_one_row(value: Any) -> bool:
    """Whether a tensor is one row of a matrix, of a floating-point dtype."""
    return (
        isinstance(value, torch.Tensor)
        and value.dtype.is_floating_point
        and value.dim() > 0
        and all(isinstance(size, int) for size in value.shape)
        and math.prod(value.shape[:-1]) == 1
    )


def without_unused(program: Program, calls: Sequence[Call]) -> Program:
    """The program with these calls, as far as its outputs need them."""
    needed = {one.name for one in program.outputs if isinstance(one, Ref)}
    kept = []
    for call in reversed(calls):
        if call.name in needed:
            kept.append(call)
            needed |= {ref.name for ref in call.refs if ref.kind == "call"}
    return replace(program, calls=tuple(reversed(kept)))
