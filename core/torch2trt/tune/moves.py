"""Views, permutations and copies of a program as few: what only moves elements is done once, where it is needed.

A module such as ``nn.MultiheadAttention`` takes a packed projection apart in a dozen steps, of which some copy.  Here
each value knows which axes of an earlier one it shows, and what computes with it gets it in one view, one permutation
and one view more.  A product whose result is only moved is computed of rows in the order that they have before that.

Programs of static sizes only: others stay as they are, call by call.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import torch
from torch.utils import _pytree as pytree

from ..program.call import Call, ModuleOperand, Ref, Target
from ..program.evaluate import VIEWS, results_of
from ..program.program import Program
from .axes import Axis, Moved, joined, place, regrouped, selected, whole, within

_aten = torch.ops.aten
_VIEW: Final = Target("aten.view.default", "operator", _aten.view.default)
_PERMUTE: Final = Target("aten.permute.default", "operator", _aten.permute.default)
_SELECT: Final = Target("aten.select.int", "operator", _aten.select.int)
#: what puts the same elements, in the same order, into other dimensions
_REGROUPED: Final = (*VIEWS, _aten.squeeze.dims, _aten.unsqueeze.default)
_MOVES: Final = (*_REGROUPED, _aten.permute.default, _aten.clone.default, _aten.select.int)


def with_few_moves(program: Program) -> Program:
    """The program with as few moves as there can be; it computes the same."""
    return _Moves(program).program()


class _Moves:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._calls: list[Call] = []
        self._values: dict[Ref, Any] = {Ref("input", name): value for name, value in program.inputs.items()}
        self._values |= {Ref("constant", name): value for name, value in program.constants.items()}
        self._moved: dict[Ref, Moved] = {}
        #: what was computed of moved values
        self._made: dict[Moved, Ref] = {}
        self._users: dict[str, list[Call]] = collections.defaultdict(list)
        for call in program.calls:
            for name in {ref.name for ref in call.refs if ref.kind == "call"}:
                self._users[name].append(call)
        self._returned = {one.name for one in program.outputs if isinstance(one, Ref)}

    def program(self) -> Program:
        for call in self._program.calls:
            moved = self._move(call)
            if moved is None:
                self._add(call)
                continue
            self._values |= results_of(call, call.results)
            self._moved |= dict.fromkeys(results_of(call, call.results), moved)
        last = self._program.calls[-1] if self._program.calls else None
        outputs = tuple(
            self._needed(one, last) if isinstance(one, Ref) and last else one for one in self._program.outputs
        )
        return replace(self._program, calls=tuple(self._calls), outputs=outputs)

    def _move(self, call: Call) -> Moved | None:
        """What a call shows of an earlier value; None where it computes, or is not known to move."""
        target, args = call.target.obj, call.operands[0]
        if not args or not isinstance(args[0], Ref) or not _is_static(call.result):
            return None
        known = self._shown(args[0])
        if known is None:
            return None
        if target in _REGROUPED:
            dims = regrouped([axis for dim in known.dims for axis in dim], call.result.shape)
            return None if dims is None else replace(known, dims=dims)
        if target is _aten.permute.default:
            return replace(known, dims=tuple(known.dims[dim] for dim in args[1]))
        if target is _aten.clone.default:
            return known
        if target is _aten.select.int:
            return selected(known, args[1], args[2])
        return self._product_before(call, known) if target is _aten.linear.default else None

    def _product_before(self, call: Call, known: Moved) -> Moved | None:
        """The result of a product whose rows stand in another order than its operand has them in, in that order."""
        users, given = self._users[call.name], [axis for dim in known.dims[:-1] for axis in dim]
        ordered = sorted(given, key=place)
        if given == ordered or call.name in self._returned or not users or not all(map(_moves, users)):
            return None
        rows = joined(ordered)
        shape, columns = [axis.size for axis in rows], call.result.shape[-1]
        operand = replace(known, dims=(*((axis,) for axis in rows), known.dims[-1]))
        ref = self._ref_of(operand, [*shape, call.args[0].shape[-1]], call)
        args, kwargs = call.operands
        made = replace(
            call,
            name=f"{call.name}_rows",
            operands=((ref, *args[1:]), kwargs),
            args=(self._values[ref], *call.args[1:]),
            result=call.result.new_empty((*shape, columns)),
        )
        self._add(made)
        dims = tuple(tuple(within(axis, rows) for axis in dim) for dim in known.dims[:-1])
        return Moved(Ref("call", made.name), (*dims, (Axis(len(rows), columns, 1),) if columns != 1 else ()))

    def _shown(self, ref: Ref) -> Moved | None:
        if ref in self._moved:
            return self._moved[ref]
        value = self._values[ref]
        return whole(ref, value) if _is_static(value) else None

    def _add(self, call: Call) -> None:
        """A call that computes, of values as they are needed."""

        def needed(operand: Any) -> Any:
            if isinstance(operand, ModuleOperand):
                return replace(operand, state={name: self._needed(ref, call) for name, ref in operand.state.items()})
            return self._needed(operand, call) if isinstance(operand, Ref) else operand

        operands = pytree.tree_map(needed, call.operands)
        self._calls.append(replace(call, operands=operands))
        self._values |= results_of(call, call.results)

    def _needed(self, ref: Ref, call: Call) -> Ref:
        """A value for a call, in as few moves as there can be."""
        moved = self._moved.get(ref)
        return ref if moved is None else self._ref_of(moved, self._values[ref].shape, call)

    def _ref_of(self, moved: Moved, shape: Sequence[int], call: Call) -> Ref:
        if moved not in self._made:
            self._made[moved] = self._carried_out(moved, shape, call)
        return self._made[moved]

    def _carried_out(self, moved: Moved, shape: Sequence[int], call: Call) -> Ref:
        fixed = dict(moved.fixed)
        axes = sorted((*(axis for dim in moved.dims for axis in dim), *fixed), key=place)
        ref = self._do(_VIEW, moved.base, [[axis.size for axis in axes]], call)
        for dim in reversed([dim for dim, axis in enumerate(axes) if axis in fixed]):
            ref = self._do(_SELECT, ref, [dim, fixed[axes[dim]]], call)
        left = [axis for axis in axes if axis not in fixed]
        order = [left.index(axis) for dim in moved.dims for axis in dim]
        if order != sorted(order):
            ref = self._do(_PERMUTE, ref, [order], call)
        return self._do(_VIEW, ref, [list(shape)], call)

    def _do(self, target: Target, ref: Ref, rest: list[Any], call: Call) -> Ref:
        """One move for ``call``."""
        value = self._values[ref]
        if target is _VIEW and list(value.shape) == rest[0]:
            return ref
        # views of what lies in memory in another order copy, as they do when the program runs
        result = torch.reshape(value, rest[0]) if target is _VIEW else target.obj(value, *rest)
        name = f"{call.name}_moved_{len(self._calls)}"
        origin = (call.module_path, call.module_type, call.source)
        self._calls.append(Call(target, name, ((ref, *rest), {}), (value, *rest), {}, result, *origin))
        self._values |= results_of(self._calls[-1], [result])
        return Ref("call", name)


def _moves(call: Call) -> bool:
    return call.target.obj in _MOVES


def _is_static(value: Any) -> bool:
    return (
        isinstance(value, torch.Tensor) and all(isinstance(size, int) for size in value.shape) and 0 not in value.shape
    )
