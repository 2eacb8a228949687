"""Keeping calls in float32 in a program of a lower precision: ``keep_fp32``.

The calls stand as they were traced, with casts around what is kept.  What goes from one kept call to the next is never
rounded between, weights are those of the model, and dtypes that a kept call names are float32 too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
from torch.utils import _pytree as pytree

from ..dtypes import short_name
from ..program.call import Call, ModuleOperand, Ref, Target
from ..program.program import Program

_CAST: Final = Target("aten._to_copy.default", "operator", torch.ops.aten._to_copy.default)
_LOW: Final = (torch.float16, torch.bfloat16)
_WIDE: Final = (torch.float32, torch.float64)


def in_float32(program: Program, kept: Mapping[str, str]) -> Program:
    """The program with some calls in float32.

    Args:
        program: the program.
        kept: what keeps them there, in words, by their names.
    """
    return _Raising(program, kept).program()


class _Raising:
    """One program, call by call."""

    def __init__(self, program: Program, kept: Mapping[str, str], *, every: str = "") -> None:
        self._program, self._kept, self._every = program, kept, every
        self._calls: list[Call] = []
        #: example values, by what calls name
        self._values: dict[Ref, Any] = {Ref("input", name): value for name, value in program.inputs.items()}
        self._values |= {Ref("constant", name): value for name, value in program.constants.items()}
        #: what was low as it was traced and is float32 now, with the dtype that it had
        self._raised: dict[Ref, torch.dtype] = {}
        #: what is read just now
        self._at: Call | None = None
        self._casts: dict[tuple[Ref, torch.dtype], Ref] = {}
        #: of values that were cast from float32 alone, what they were cast from
        self._sources: dict[Ref, Ref] = {}

    def program(self) -> Program:
        """The program with its kept calls, and casts around them."""
        program = self._program
        inputs = program.inputs
        if self._every:  # a program that a kept call runs
            inputs = pytree.tree_map(_float32, dict(inputs))
            for name, value in program.inputs.items():
                if (dtype := getattr(value, "dtype", None)) in _LOW:
                    self._values[Ref("input", name)] = inputs[name]
                    self._raised[Ref("input", name)] = dtype
        for call in program.calls:
            self._add(call)
        wanted = self._wide if self._every else self._as_traced
        outputs = tuple(wanted(one) if isinstance(one, Ref) else one for one in program.outputs)
        return dataclasses.replace(program, inputs=inputs, calls=tuple(self._calls), outputs=outputs)

    def _add(self, call: Call) -> None:
        self._at = call
        why = self._every or self._kept.get(call.name, "")
        # a kept value that is cast to float32 is not rounded before
        widens = call.target.obj is _CAST.obj and call.kwargs.get("dtype") in _WIDE
        made = self._changed(call, self._wide if why else _same if widens else self._as_traced, why)
        if why:
            made = dataclasses.replace(made, kept=why, result=pytree.tree_map(_float32, call.result))
        elif source := self._source(call):
            self._sources[Ref("call", call.name)] = source
        self._calls.append(made)
        for index, (before, now) in enumerate(zip(call.results, made.results, strict=True)):
            refs = [Ref("call", call.name, index), *([Ref("call", call.name)] if len(call.results) == 1 else [])]
            self._values |= dict.fromkeys(refs, now)
            if getattr(before, "dtype", None) != getattr(now, "dtype", None):
                self._raised |= dict.fromkeys(refs, before.dtype)

    def _changed(self, call: Call, ref_of: Callable[[Ref], Ref], why: str) -> Call:
        """A call that takes other values, and names float32 where it is kept."""

        def changed(operand: Any) -> Any:
            if isinstance(operand, Ref):
                return ref_of(operand)
            if isinstance(operand, ModuleOperand):
                state = {name: ref_of(ref) for name, ref in operand.state.items()}
                return dataclasses.replace(operand, state=state)
            if why and isinstance(operand, Program):
                return _Raising(operand, {}, every=why).program()
            return torch.float32 if why and isinstance(operand, torch.dtype) and operand in _LOW else operand

        leaves, spec = pytree.tree_flatten(call.operands)
        examples = pytree.tree_leaves((call.args, call.kwargs))
        others = [changed(leaf) for leaf in leaves]
        values = [
            example if one is other and other not in self._raised else self._example(other)
            for one, other, example in zip(leaves, others, examples, strict=True)
        ]
        (args, kwargs), operands = pytree.tree_unflatten(values, spec), pytree.tree_unflatten(others, spec)
        return dataclasses.replace(call, operands=operands, args=tuple(args), kwargs=kwargs)

    def _example(self, operand: Any) -> Any:
        if isinstance(operand, Ref):
            return self._values[operand]
        return operand.bind(self._values.__getitem__) if isinstance(operand, ModuleOperand) else operand

    def _wide(self, ref: Ref) -> Ref:
        """A value in float32, not rounded where it need not be."""
        if ref in self._sources:
            return self._sources[ref]
        low = getattr(self._values[ref], "dtype", None) in _LOW
        return self._cast(ref, torch.float32) if low else ref

    def _as_traced(self, ref: Ref) -> Ref:
        """A value in the dtype that it had when it was traced."""
        return self._cast(ref, self._raised[ref]) if ref in self._raised else ref

    def _cast(self, ref: Ref, dtype: torch.dtype) -> Ref:
        if (ref, dtype) not in self._casts:
            # with a dot, which is in no name of a traced call
            name = f"{str(ref).removeprefix('%')}.{short_name(dtype)}"
            value, told = self._values[ref], {"dtype": dtype}
            where = (self._at.module_path, self._at.module_type, self._at.source) if self._at else ()
            self._calls.append(Call(_CAST, name, ((ref,), told), (value,), told, value.to(dtype), *where))
            self._casts[ref, dtype] = Ref("call", name)
            self._values[Ref("call", name)] = self._calls[-1].result
        return self._casts[ref, dtype]

    def _source(self, call: Call) -> Ref | None:
        """The model's own float32 tensor or input that a call only casts; None for any other call."""
        (args, kwargs) = call.operands
        if (
            call.target.obj is not _CAST.obj
            or len(args) != 1
            or not isinstance(args[0], Ref)
            or set(kwargs) > {"dtype"}
        ):
            return None
        outside = args[0].kind in ("input", "constant") and self._values[args[0]].dtype is torch.float32
        return args[0] if outside and kwargs.get("dtype") in _LOW else None


def _same(ref: Ref) -> Ref:
    return ref


def _float32(value: Any) -> Any:
    """An example value in float32, where it was in a low precision."""
    return value.to(torch.float32) if isinstance(value, torch.Tensor) and value.dtype in _LOW else value
