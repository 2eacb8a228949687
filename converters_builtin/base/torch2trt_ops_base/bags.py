"""Bags of embeddings."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import (
    arange,
    broadcast,
    compare,
    elementwise,
    old_gather,
    narrow,
    ndim_of,
    reduce,
    select,
    size,
    size_math,
    sizes,
    unsqueeze,
)

from .search import insertion_point

E, R = trt.ElementWiseOperation, trt.ReduceOperation
SUM, MEAN, MAX = range(3)


def _not_a_matrix(
    call: Call, input: torch.Tensor, weight: Any, offsets: Any = None, *args: Any, **kwargs: Any
) -> str | None:
    max_norm = args[0] if args else kwargs.get("max_norm")
    if max_norm is not None:
        return "max_norm changes the weight when it is called"
    return None if input.dim() == 2 else "bags with offsets are converted as aten._embedding_bag"


@converter("torch.nn.functional.embedding_bag", rejects=_not_a_matrix)
def embedding_bag_rows(
    ctx: Context,
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> trt.ITensor:
    """torch.nn.functional.embedding_bag(input, weight, ...) where each row of the input is a bag"""
    indices = ctx.tensor(input)
    if padding_idx is None:
        inside = broadcast(ctx, torch.tensor(True), sizes(ctx, indices))
    else:
        inside = compare(ctx, E.EQUAL, indices, padding_idx % weight.shape[0], negate=True)
    return _bags(
        ctx, _rows(ctx, weight, indices, per_sample_weights), inside, {"sum": SUM, "mean": MEAN, "max": MAX}[mode]
    )


@converter("aten._embedding_bag.default", "aten._embedding_bag_forward_only.default")
def embedding_bag(
    ctx: Context,
    weight: Any,
    indices: Any,
    offsets: Any,
    scale_grad_by_freq: bool = False,
    mode: int = SUM,
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int = -1,
) -> tuple[trt.ITensor | None, ...]:
    """_embedding_bag(Tensor weight, Tensor indices, Tensor offsets, ...) -> (Tensor, Tensor, Tensor, Tensor)"""
    offsets, indices = ctx.tensor(offsets), ctx.tensor(indices)
    if include_last_offset:
        offsets = narrow(ctx, offsets, 0, 0, size_math(ctx, E.SUB, size(ctx, offsets, 0), 1))
    position = arange(ctx, size(ctx, indices, 0))
    bag = elementwise(ctx, E.SUB, insertion_point(ctx, offsets, position, right=True), 1)
    inside = compare(ctx, E.EQUAL, unsqueeze(ctx, arange(ctx, size(ctx, offsets, 0)), [1]), bag)
    if padding_idx >= 0:
        inside = elementwise(ctx, E.AND, inside, compare(ctx, E.EQUAL, indices, padding_idx, negate=True))
    return _bags(ctx, _rows(ctx, weight, indices, per_sample_weights), inside, mode), None, None, None


def _rows(ctx: Context, weight: Any, indices: trt.ITensor, per_sample_weights: Any) -> trt.ITensor:
    rows = old_gather(ctx, weight, indices, 0)
    if per_sample_weights is None:
        return rows
    return elementwise(ctx, E.PROD, rows, unsqueeze(ctx, per_sample_weights, [ndim_of(per_sample_weights)]))


def _bags(ctx: Context, rows: trt.ITensor, inside: trt.ITensor, mode: int) -> trt.ITensor:
    """One row for each bag, of the rows (shared by all bags, or its own) that are inside of it; 0 for an empty bag."""
    dtype = ctx.call.results[0].dtype
    empty = float("-inf") if mode == MAX else 0.0
    terms = select(ctx, unsqueeze(ctx, inside, [2]), rows, empty, dtype)
    result = reduce(ctx, R.MAX if mode == MAX else R.SUM, terms, 1)
    if mode == SUM:
        return result
    count = reduce(ctx, R.SUM, inside, 1, keepdim=True, dtype=torch.int64)
    if mode == MEAN:
        return elementwise(ctx, E.DIV, result, elementwise(ctx, E.MAX, count, 1), dtype)
    return select(ctx, compare(ctx, E.EQUAL, count, 0), 0.0, result, dtype)
