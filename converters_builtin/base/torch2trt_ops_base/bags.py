"""Bags of embeddings."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import (
    arange,
    compare,
    elementwise,
    gather,
    narrow,
    reduce,
    select,
    size,
    size_math,
    unsqueeze,
)

from .search import insertion_point

E, R = trt.ElementWiseOperation, trt.ReduceOperation
SUM, MEAN, MAX = range(3)


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
        padding = compare(ctx, E.EQUAL, indices, padding_idx, negate=True)
        inside = elementwise(ctx, E.AND, inside, padding)
    rows = gather(ctx, weight, indices, 0)
    if per_sample_weights is not None:
        rows = elementwise(ctx, E.PROD, rows, unsqueeze(ctx, per_sample_weights, [1]))
    count = reduce(ctx, R.SUM, inside, 1, keepdim=True, dtype=torch.int64)
    return _bags(ctx, rows, inside, count, mode), None, None, None


def _bags(ctx: Context, rows: trt.ITensor, inside: trt.ITensor, count: trt.ITensor, mode: int) -> trt.ITensor:
    """One row for each bag, of the rows that are inside of it: (bags, rows, features) reduced; 0 for an empty bag."""
    empty = float("-inf") if mode == MAX else 0.0
    dtype = ctx.call.results[0].dtype
    terms = select(ctx, unsqueeze(ctx, inside, [2]), rows, empty, dtype)
    result = reduce(ctx, R.MAX if mode == MAX else R.SUM, terms, 1)
    if mode == MEAN:
        return elementwise(ctx, E.DIV, result, elementwise(ctx, E.MAX, count, 1), dtype)
    return select(ctx, compare(ctx, E.EQUAL, count, 0), 0.0, result, dtype) if mode == MAX else result
