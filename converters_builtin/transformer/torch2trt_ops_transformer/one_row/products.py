"""Products of one row, with the normalization before them and the gate and the sum behind them, as one call each."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import torch
from torch2trt import Call, Program, Ref

from . import GATES
from .program import Calls, aten, is_one_row, like, without_unused

_PRODUCT: Final = torch.ops.torch2trt_transformer.one_row_product.default
_CASTS: Final = (torch.float32, torch.float16, torch.bfloat16)


class Normalized(NamedTuple):
    """A row that is divided by the root of the mean of its squares."""

    row: Ref
    #: ``[features]``, that it is multiplied with
    scale: Ref
    eps: float


@dataclass(frozen=True, eq=False)
class Site:
    """Calls that one product takes the place of."""

    #: whose place and name it takes
    at: Call
    #: ``aten.linear``: one, or two for a gate
    linears: Sequence[Call]
    gate: str = ""
    residual: Ref | None = None


@dataclass(eq=False)
class _Sites:
    """What is found in a program."""

    by_name: dict[str, Site] = field(default_factory=dict)
    #: products of one row each that are made as one, by the first of them
    groups: dict[str, list[Call]] = field(default_factory=dict)


def with_products(program: Program) -> Program | None:
    """The program with products of one row in one call each; None where it has none."""
    calls = Calls(program)
    sites = _found(program, calls)
    made: list[Call] = []
    if not sites.by_name and not sites.groups:
        return None
    parts = {member.name for group in sites.groups.values() for member in group}
    for call in program.calls:
        if call.name in sites.by_name:
            made += _one(sites.by_name[call.name], calls)
        elif call.name in sites.groups:
            made += _several(sites.groups[call.name], calls)
        elif call.name not in parts:
            made.append(call)
    return without_unused(program, made)


def _found(program: Program, calls: Calls) -> _Sites:
    linears = [call for call in program.calls if _is_product(call)]
    sites, taken = _Sites(), set[str]()
    for call in program.calls:
        site = _gated(call, calls) or _added(call, calls)
        if site is not None:
            sites.by_name[call.name] = site
            taken |= {linear.name for linear in site.linears}
    groups = collections.defaultdict(list)
    for linear in linears:
        if linear.name not in taken:
            groups[linear.operands[0][0], _bias(linear) is None].append(linear)
    sites.groups = {group[0].name: group for group in groups.values()}
    return sites


def _is_product(call: Call | None) -> bool:
    """Whether it is a product of one row and a weight of the model's."""
    if call is None or call.target.obj is not aten.linear.default or call.kwargs or not is_one_row(call.result):
        return False
    operands, (row, weight, *_) = call.operands[0], call.args
    dense = row.dtype in _CASTS and weight.dtype == row.dtype and weight.dim() == 2
    return dense and all(ref is None or ref.kind == "constant" for ref in operands[1:])


def _bias(linear: Call) -> Ref | None:
    return linear.operands[0][2] if len(linear.operands[0]) > 2 else None


def _gated(call: Call, calls: Calls) -> Site | None:
    """Of a call that multiplies one product, through an activation, with another one of the same row."""
    if call.target.obj is not aten.mul.Tensor or not is_one_row(call.result):
        return None
    for active, passed in calls.pairs(call):
        gate, origin = _activation(calls.origin(active, cast=True), calls)
        first, second = (calls.made(calls.origin(ref), aten.linear.default) for ref in (origin, passed))
        if not gate or not _is_product(first) or not _is_product(second):
            continue
        assert first is not None
        assert second is not None
        alike = first.operands[0][0] == second.operands[0][0] and first.args[1].shape == second.args[1].shape
        biases = (_bias(first) is None) == (_bias(second) is None)
        if alike and biases and first.result.dtype == call.result.dtype:
            return Site(call, (first, second), gate)
    return None


def _activation(ref: Any, calls: Calls) -> tuple[str, Any]:
    """Which of the activations a value comes of, and of what."""
    if (call := calls.made(ref, aten.silu.default)) is not None:
        return "silu", calls.origin(call.operands[0][0], cast=True)
    if (call := calls.made(ref, aten.gelu.default)) is not None:
        name = "gelu_tanh" if call.kwargs.get("approximate") == "tanh" else "gelu"
        return name, calls.origin(call.operands[0][0], cast=True)
    for value, share in calls.pairs(calls.made(ref, aten.mul.Tensor)):
        logistic = calls.made(calls.origin(share, cast=True), aten.sigmoid.default)
        if logistic is not None:
            value, given = (calls.origin(one, cast=True) for one in (value, logistic.operands[0][0]))
            if value == given:
                return "silu", value
    return "", None


def _added(call: Call, calls: Calls) -> Site | None:
    """Of a call that adds a product to something."""
    if call.target.obj is not aten.add.Tensor or not is_one_row(call.result):
        return None
    for made, residual in calls.pairs(call):
        linear = calls.made(made, aten.linear.default)
        if linear is None or not _is_product(linear) or not calls.is_used_once(linear) or not isinstance(residual, Ref):
            continue
        value, result = calls.value(residual), call.result
        if is_one_row(value) and value.shape == result.shape and value.dtype == linear.result.dtype == result.dtype:
            return Site(call, (linear,), residual=residual)
    return None


def _one(site: Site, calls: Calls) -> Iterable[Call]:
    return _product(site.at, site.at.name, site.linears, calls, site.gate, site.residual)


def _several(group: Sequence[Call], calls: Calls) -> Iterable[Call]:
    """Products of one row as one, of which each is a part."""
    if len(group) == 1:
        yield from _product(group[0], group[0].name, group, calls)
        return
    whole = f"{group[0].name}_packed"
    yield from (packed := [*_product(group[0], whole, group, calls)])
    begin = 0
    for linear in group:
        end = begin + linear.result.shape[-1]
        operands = -1, begin, end
        part = like(
            linear,
            aten.slice.Tensor,
            linear.name,
            (Ref("call", whole), *operands),
            (packed[-1].result, *operands),
            linear.result.shape,
        )
        yield part
        begin = end


def _product(
    at: Call, name: str, linears: Sequence[Call], calls: Calls, gate: str = "", residual: Ref | None = None
) -> Iterable[Call]:
    """The call of the operator, after those that join its constants."""
    assert gate in ("", *GATES)
    results = sum(linear.result.shape[-1] for linear in linears)
    joined: list[tuple[Any, Any]] = []
    for title, refs in (("weights", [linear.operands[0][1] for linear in linears]), ("biases", [*map(_bias, linears)])):
        values: list[Any] = [ref and calls.value(ref) for ref in refs]
        if len(refs) > 1 and None not in refs:
            call = like(at, aten.cat.default, f"{name}_{title}", (refs,), (values,), (results, *values[0].shape[1:]))
            yield call
            joined.append((Ref("call", call.name), call.result))
        else:
            joined.append((refs[0], values[0]))
    row, normalized = linears[0].operands[0][0], _normalized(linears[0], calls)
    scale, eps = (None, 0.0) if normalized is None else normalized[1:]
    row = row if normalized is None else normalized.row
    given = [row, joined[0][0], joined[1][0], residual, scale]
    known = [calls.value(row), joined[0][1], joined[1][1], *(one and calls.value(one) for one in (residual, scale))]
    width = results // 2 if gate else results
    made = like(linears[0], _PRODUCT, name, (*given, eps, gate), (*known, eps, gate), (*at.result.shape[:-1], width))
    yield replace(made, module_path=at.module_path, module_type=at.module_type, source=at.source)


def _normalized(linear: Call, calls: Calls) -> Normalized | None:
    """How the row of a product is normalized, where the call that does it is of the operators that models write."""
    dtype = linear.args[0].dtype
    whole = calls.origin(linear.operands[0][0])
    for scale, rest in calls.pairs(calls.made(whole, aten.mul.Tensor)):
        if not isinstance(scale, Ref) or scale.kind != "constant" or calls.value(scale).dim() != 1:
            continue
        for row, factor in calls.pairs(calls.made(calls.origin(rest, cast=True), aten.mul.Tensor)):
            eps, squared = _length(factor, calls)
            own = calls.origin(row, cast=True)
            if eps is not None and calls.origin(squared, cast=True) == own and calls.value(own).dtype == dtype:
                return Normalized(own, scale, eps)
    return None


def _length(ref: Any, calls: Calls) -> tuple[float | None, Any]:
    """What is added to the mean of squares of which the inverse root is taken, and what is squared."""
    root = calls.made(ref, aten.rsqrt.default)
    total = root and calls.made(root.operands[0][0], aten.add.Tensor)
    mean = total and calls.made(total.operands[0][0], aten.mean.dim)
    power = mean and calls.made(mean.operands[0][0], aten.pow.Tensor_Scalar)
    if not total or not mean or not power or total.kwargs or mean.kwargs or power.operands[0][1] != 2:
        return None, None
    eps, (dims, *keep) = total.operands[0][1], mean.operands[0][1:]
    last = [dim % power.result.dim() for dim in dims] == [power.result.dim() - 1]
    return (float(eps), power.operands[0][0]) if isinstance(eps, float) and last and keep == [True] else (None, None)
