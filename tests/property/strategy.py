"""What hypothesis may choose: rows, views, changes in place, scalars at the limits, and what is returned."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

import torch
from hypothesis import assume
from hypothesis import strategies as st
from torch2trt.testing import Sample

from .build import Builder
from .program import Program, Sizes
from .rows import ROWS

_SIZES: list[Sizes] = [
    *({}, {}),
    *({"n": (2, 3, 4)}, {"n": (3, 3, 5)}, {"n": (4, 6, 9)}),
    {"n": (2, 4, 5), "m": (3, 5, 6)},
]
_EDGES: list[Sizes] = [
    *({"n": (1, 2, 4)}, {"n": (0, 2, 3)}, {"n": (0, 1, 2)}, {"n": (1, 1, 2)}),
    *({"n": (1, 3, 4), "m": (2, 4, 5)}, {"n": (0, 3, 4), "m": (1, 2, 3)}),
]
#: what programs may have beside rows, views, numbers and changes in place
EXTRAS = {
    "edges": "dynamic sizes whose range begins at 0 or 1",
    "aliases": "inputs that are one tensor, or views of one another",
    "special": "inputs with infinities, NaN and the limits of their dtype",
}
_NUMBERS = {
    "float": ["2", "0.5", "0", "-1", "1e-7", "65504.0", "-1e9", "3.4e38", "float('inf')", "-float('inf')"],
    "int": ["2", "-3", "0", "1", "(2**31 - 1)", "(-2**31)", "2**40", "(2**63 - 1)", "(-2**63)", "0.5"],
    "bool": ["1", "True", "0", "2", "0.5"],
}
# PyTorch on the CPU rounds what is added to halves to one itself; its kernels for GPUs do not, and neither do we
_NUMBERS["half"] = [number for number in _NUMBERS["float"] if number != "3.4e38"]
#: {v} and {w}: tensors; {s}: a number.  Not unbind: a change of one of its results fixes dynamic sizes when PyTorch
#: makes the program functional
_VIEWS = [
    *("{v}[1:]", "{v}[:, 1:]", "{v}[..., ::2]", "{v}[-1]", "{v}[:, -1]", "{v}[None]", "{v}[:]", "{v}.t()"),
    *("{v}.transpose(0, -1)", "{v}.flatten()", "{v}.reshape(-1)", "{v}.unsqueeze(-1)", "{v}.squeeze()"),
    *("{v}.view({v}.shape)", "{v}.expand(2, *{v}.shape)", "{v}.narrow(0, 0, 1)", "{v}.chunk(2)"),
    *("{v}.reshape({v}.shape[0], -1)", "{v}.diagonal()", "{v}.flip(0)", "{v}.detach()"),
]
_CHANGES = [
    *("{v}.add_({s})", "{v}.mul_({s})", "{v}.sub_({w})", "{v} += {w}", "{v} *= {s}", "{v}.zero_()", "{v}.neg_()"),
    *("{v}[1:].add_({s})", "{v}[:, 1:].mul_({s})", "{v}[..., ::2].fill_({s})", "{v}[0] = {s}", "{v}[..., -1] = {w}"),
    *("{v}[:1] = {w}[:1]", "{v}.transpose(0, -1).sub_({s})", "{v}.copy_({w})", "{v}.clamp_(min={s})", "{v}.relu_()"),
    *("{v}.masked_fill_({v} > 0, {s})", "{v}.view(-1)[0] = {s}", "{v}[[0, -1]] = {s}", "{v}.div_({s})", "{v} //= 2"),
    *("{v}.copy_({v}.flip(0))", "{v}.index_add_(0, torch.tensor([0]), {w}[:1])"),
]
_VALUES = [
    *("{v} + {s}", "{v} * {s}", "{s} - {v}", "{v} / {s}", "{v} // 3", "{v} % 3", "{v} % -2", "{v} ** 2", "{v} > {s}"),
    *("{v} == {s}", "torch.where({v} > 0, {v}, {s})", "{v}.clamp({s})", "{v}.masked_fill({v} > 0, {s})"),
    *(
        "torch.full_like({v}, {s})",
        "{v} + {w}",
        "{v} * {w}",
        "torch.where({v} > 0, {v}, {w})",
        "torch.maximum({v}, {w})",
    ),
    *(
        "torch.cat([{v}, {w}])",
        "torch.cat([{v}, {w}], -1)",
        "torch.stack([{v}, {v}])",
        "{v} @ {w}",
        "{v} + {v}.shape[0]",
    ),
    *("{v} * {v}.size(-1)", "{v}.sum()", "{v}.sum(0)", "{v}.mean(-1)", "{v}.any(0)", "{v}.cumsum(0)", "{v}.clone()"),
    *("{v}.to(torch.float32)", "{v}.to(torch.float16)", "{v}.to(torch.bool)", "{v}.new_zeros({v}.shape[0], 2)"),
    *(
        "torch.arange({v}.shape[0])",
        "{v}.masked_fill({w} > 0, {s})",
        "torch.ones_like({v}).mul_({s})",
        "{v}.clone().t_()",
    ),
]
_ALIASES = ["{v}", "{v}[:]", "{v}[1:]", "{v}.t()", "{v}.view({v}.shape)", "{v}[:, 1:]"]
_ALONE = ["3", "2.5", "True", "None", "'text'"]


class _Choices:
    """A builder with hypothesis's choices."""

    def __init__(self, draw: Callable[[Any], Any], extras: Collection[str]) -> None:
        self.draw = draw
        self.extras = extras
        self.sizes: Sizes = draw(st.sampled_from(_SIZES + _EDGES * ("edges" in extras)))
        self.floating = draw(st.sampled_from([torch.float32, torch.float16]))
        self.special = "special" in extras and self.seldom(6)
        self.builder = Builder(self.sizes)

    def seldom(self, one_of: int) -> bool:
        return bool(self.draw(st.integers(1, one_of)) == one_of)

    def tensor(self) -> str:
        """One of the tensors, most likely a late one."""
        return str(self.draw(st.sampled_from(self.builder.pool[::-1])))

    def row(self) -> None:
        """Call a row with tensors that there are or new inputs."""
        keys = _KEYS[self.floating]
        key = self.draw(st.sampled_from(keys))
        case = ROWS[key]
        dims: Any = case.dynamic if self.sizes else None
        dynamic = [dims] if isinstance(dims, Mapping) else list(dims or ())
        dynamic += [{}] * (len(case.inputs) - len(dynamic))
        pool, given = [*self.builder.pool], len(self.builder.inputs)
        arguments = [
            self._argument(key, index, named or {}, self._order(dynamic), pool) for index, named in enumerate(dynamic)
        ]
        if not self.builder.call(key, self.floating, arguments):
            self.builder.forget(given)

    def _order(self, dynamic: list[Mapping[int, str] | None]) -> list[str]:
        return list(dict.fromkeys(name for named in dynamic for name in (named or {}).values()))

    def _argument(self, key: str, index: int, named: Mapping[int, str], order: list[str], pool: list[str]) -> str:
        sample = ROWS[key].inputs[index]
        if isinstance(sample, torch.Tensor):
            return self.builder.give(f"given({key!r}, {index})")
        sample = replace(sample, dtype=self.floating if sample.dtype is torch.float32 else sample.dtype)
        if pool and not self.seldom(2 if index else 6):
            text = self.builder.fitted(self.tensor(), sample, list(named))
            if text:
                return text
        symbols = dict(zip(order, self.sizes, strict=False))
        shape = [symbols.get(named.get(i, ""), str(size)) for i, size in enumerate(sample.shape)]
        return self.give(shape, sample)

    def give(self, shape: list[str], sample: Sample) -> str:
        plain = (sample.low, sample.high) in ((-2, 2), (-5, 6))
        options = [
            f"({', '.join(shape)}{',' * (len(shape) == 1)})",
            str(sample.dtype),
            *([] if (sample.low, sample.high) == (-2, 2) else [f"{sample.low:g}", f"{sample.high:g}"]),
            *([f"seed={len(self.builder.inputs)}"] if self.builder.inputs else []),
            *(["special=True"] if self.special and plain else []),
        ]
        name = self.builder.give(f"sample({', '.join(options)})")
        self.builder.pool.append(name)
        return name

    def plain(self) -> None:
        """An input that no row asks for."""
        dtype = self.draw(st.sampled_from([self.floating, torch.int64, torch.int32, torch.bool]))
        shape = self.draw(st.sampled_from([("2", "3"), ("4",), ("2", "3", "4"), ("1", "4"), ()]))
        symbols = [*self.sizes][: len(shape)]
        self.give([*symbols, *shape[len(symbols) :]], Sample((), dtype))

    def statement(self, templates: list[str]) -> str:
        """One of the templates with tensors and numbers filled in."""
        template = self.draw(st.sampled_from(templates))
        v = self.tensor()
        dtype = self.builder.dtype(v)
        kind = "bool" if dtype is torch.bool else "int"
        if dtype.is_floating_point:
            kind = "half" if dtype.itemsize == 2 else "float"
        w = self.tensor() if "{w}" in template else ""
        s = self.draw(st.sampled_from(_NUMBERS[kind])) if "{s}" in template else ""
        return str(template.format(v=v, w=w, s=s))

    def alias(self) -> None:
        """An input that is another, or a view of it."""
        inputs = [f"x{i}" for i in range(len(self.builder.inputs))]
        text = self.draw(st.sampled_from(_ALIASES)).format(v=self.draw(st.sampled_from(inputs)))
        try:
            self.builder.pool.append(self.builder.give(text))
        except (IndexError, RuntimeError):
            self.builder.inputs.pop()

    def step(self) -> None:
        """One more statement."""
        kind = self.draw(
            st.sampled_from(["row", "row", "row", "value", "value", "view", "view", "change", "change", "alias"])
        )
        if not self.builder.pool or kind == "row":
            self.row()
        elif kind == "value":
            self.builder.assign(self.statement(_VALUES))
        elif kind == "view":
            self.builder.assign(self.statement(_VIEWS))
        elif kind == "change":
            self.builder.run(self.statement(_CHANGES))
        elif "aliases" in self.extras:
            self.alias()

    def result(self) -> str:
        """What is returned: often the last value, else several, an input as it is, numbers, nested."""
        last = self.builder.pool[-1]
        if self.seldom(2):
            leaf = st.sampled_from([*self.builder.pool[::-1], *_ALONE, f"list({last}.shape)", f"{last}.dim()"])
            first, second, third = (self.draw(leaf) for _ in range(3))
            shape = self.draw(st.sampled_from(_STRUCTURES))
            return str(shape.format(last=last, a=first, b=second, c=third))
        return last


_STRUCTURES = ["{last}, {a}", "{last}, {last}", "[{a}, {last}]", "{{'a': {last}, 'b': ({a}, {{'c': {b}}})}}"]
_STRUCTURES += ["({last},)", "{last}, ({a}, [{b}, {c}])"]
_KEYS = {dtype: [key for key, case in ROWS.items() if dtype in case.dtypes] for dtype in (torch.float32, torch.float16)}


@st.composite
def programs(draw: Callable[[Any], Any], extras: Collection[str] = tuple(EXTRAS)) -> Program:
    """Modules of two to six statements, with those of ``EXTRAS`` that are named."""
    choices = _Choices(draw, extras)
    if choices.seldom(4):
        choices.plain()
    else:
        choices.row()
    # a choice before each step: hypothesis makes a program smaller by leaving out both
    for _ in range(5):
        if choices.seldom(4):
            break
        choices.step()
    assume(choices.builder.body and choices.builder.pool)
    return choices.builder.finish(choices.result(), described=draw(st.booleans()))
