"""The product of one row in Triton, which only the kernel for CUDA imports: it is not there without a GPU."""

# ruff: noqa: ANN001, ANN202, N803  # Triton takes no types of Python's for parameters, and writes constants large
from __future__ import annotations

from typing import Final

import torch
import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from .ahead import ahead

_GATES: Final = {"": 0, "silu": 1, "gelu": 2, "gelu_tanh": 3}
#: rows of the weight for a program, columns at a time, warps: what was fastest of many for one shape or another
_TRIED: Final = ((1, 1024, 4), (2, 1024, 2), (1, 2048, 2), (2, 2048, 4))


@triton.jit  # type: ignore[untyped-decorator]
def _gated(first, second, GATE: tl.constexpr):  # type: ignore[no-untyped-def]
    if GATE == 1:
        return first * tl.sigmoid(first) * second
    if GATE == 2:
        return 0.5 * first * (1 + tl.erf(first * 0.7071067811865476)) * second
    # the hyperbolic tangent, by the logistic function
    inner = 1.5957691216057308 * (first + 0.044715 * first * first * first)
    return first * tl.sigmoid(inner) * second


@triton.jit  # type: ignore[untyped-decorator]
def _sums(  # type: ignore[no-untyped-def]
    x,
    rows,
    others,
    scale,
    inside,
    FEATURES: tl.constexpr,
    GATE: tl.constexpr,
    AHEAD: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """The row times rows of the weight, and those of the gate; and its own squares."""
    sums = tl.zeros((inside.shape[0], COLUMNS), tl.float32)
    passed = tl.zeros((inside.shape[0], COLUMNS if GATE else 1), tl.float32)
    squares = tl.zeros((COLUMNS,), tl.float32)
    for start in tl.static_range(0, FEATURES, COLUMNS):
        columns = start + tl.arange(0, COLUMNS)
        there = columns < FEATURES
        both = inside[:, None] & there[None, :]
        # each weight is read once
        part = tl.load(rows + columns[None, :], both, 0, eviction_policy="evict_first")
        if GATE:
            other = tl.load(others + columns[None, :], both, 0, eviction_policy="evict_first")
        if AHEAD and start == 0:
            gdc_wait()
        row = tl.load(x + columns, there, 0).to(tl.float32)
        if scale is not None:
            squares += row * row
            row *= tl.load(scale + columns, there, 0).to(tl.float32)
        sums += part.to(tl.float32) * row[None, :]
        if GATE:
            passed += other.to(tl.float32) * row[None, :]
    return sums, passed, squares


@triton.autotune(  # type: ignore[untyped-decorator]
    [triton.Config({"RESULTS": results, "COLUMNS": columns}, num_warps=warps) for results, columns, warps in _TRIED],
    key=["count", "FEATURES", "GATE"],
)
@triton.jit  # type: ignore[untyped-decorator]
def _product(  # type: ignore[no-untyped-def]
    x,
    weight,
    bias,
    residual,
    scale,
    out,
    eps,
    count,
    FEATURES: tl.constexpr,
    GATE: tl.constexpr,
    AHEAD: tl.constexpr,
    RESULTS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """Some results.  The row is normalized behind the sum: its length is of no use before."""
    if AHEAD:
        gdc_launch_dependents()
    results = tl.program_id(0) * RESULTS + tl.arange(0, RESULTS)
    inside = results < count
    rows = weight + results.to(tl.int64)[:, None] * FEATURES
    others = rows + count.to(tl.int64) * FEATURES
    sums, passed, squares = _sums(x, rows, others, scale, inside, FEATURES, GATE, AHEAD, COLUMNS)
    made = tl.sum(sums, 1)
    if scale is not None:
        length = tl.rsqrt(tl.sum(squares, 0) / FEATURES + eps)
        made *= length
    if bias is not None:
        made += tl.load(bias + results, inside, 0).to(tl.float32)
    if GATE:
        second = tl.sum(passed, 1)
        if scale is not None:
            second *= length
        if bias is not None:
            second += tl.load(bias + count + results, inside, 0).to(tl.float32)
        made = _gated(made, second, GATE)
    if residual is not None:
        made += tl.load(residual + results, inside, 0).to(tl.float32)
    tl.store(out + results, made.to(out.dtype.element_ty), inside)


def launch_product(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    residual: torch.Tensor | None,
    scale: torch.Tensor | None,
    eps: float,
    gate: str,
) -> torch.Tensor:
    """The operator on a GPU, on the current stream: the weights are read once, and nothing else is to speak of."""
    count, features = weight.shape[0] // (2 if gate else 1), weight.shape[1]
    out = x.new_empty((*x.shape[:-1], count))
    given = [None if one is None else one.contiguous() for one in (x, weight, bias, residual, scale)]

    def grid(chosen):  # type: ignore[no-untyped-def]
        return (triton.cdiv(count, chosen["RESULTS"]),)

    queued = ahead(x.device)
    _product[grid](*given, out, eps, count, features, _GATES[gate], bool(queued), **queued)
    return out
