"""Bags of embeddings."""

from __future__ import annotations

import operator

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

from .search import insertion_point

R = trt.ReduceOperation
#: PyTorch's numbers for what a bag makes of its rows
SUM, MEAN, MAX = range(3)
_MODES = {"sum": SUM, "mean": MEAN, "max": MAX}


def _not_a_matrix(input: torch.Tensor, max_norm: float | None) -> str | None:
    if max_norm is not None:
        return "max_norm changes the weight when it is called"
    return None if input.dim() == 2 else "bags with offsets are converted as aten._embedding_bag"


@converter("torch.nn.functional.embedding_bag", rejects=_not_a_matrix)
def embedding_bag_rows(
    ctx: Context,
    input: Value,
    weight: Value,
    offsets: Value | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Value | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> trt.ITensor:
    """torch.nn.functional.embedding_bag(input, weight, ...) where each row of the input is a bag"""
    indices, table = ctx.tensor(input), ctx.tensor(weight)
    if padding_idx is None:
        inside = lib.expand(ctx, torch.tensor(True), lib.sizes(ctx, indices))
    else:
        inside = lib.ne(ctx, indices, padding_idx % table.shape[0])
    return _bags(ctx, _rows(ctx, table, indices, per_sample_weights), inside, _MODES[mode])


@converter("aten._embedding_bag.default", "aten._embedding_bag_forward_only.default")
def embedding_bag(
    ctx: Context,
    weight: Value,
    indices: Value,
    offsets: Value,
    scale_grad_by_freq: bool = False,
    mode: int = SUM,
    sparse: bool = False,
    per_sample_weights: Value | None = None,
    include_last_offset: bool = False,
    padding_idx: int = -1,
) -> tuple[trt.ITensor | None, ...]:
    """_embedding_bag(Tensor weight, Tensor indices, Tensor offsets, ...) -> (Tensor, Tensor, Tensor, Tensor)"""
    indices, starts = ctx.tensor(indices), ctx.tensor(offsets)
    position, end = lib.arange(ctx, lib.size(ctx, indices, 0)), None
    if include_last_offset:
        last = lib.size_op(ctx, operator.sub, lib.size(ctx, starts, 0), 1)
        end = lib.narrow(ctx, starts, 0, last, 1)
        starts = lib.narrow(ctx, starts, 0, 0, last)
    bag = lib.sub(ctx, insertion_point(ctx, starts, position, right=True), 1)
    inside = lib.eq(ctx, lib.unsqueeze(ctx, lib.arange(ctx, lib.size(ctx, starts, 0)), [1]), bag)
    if padding_idx >= 0:
        inside = lib.logical_and(ctx, inside, lib.ne(ctx, indices, padding_idx))
    rows = _rows(ctx, weight, indices, per_sample_weights)
    if end is not None and mode != MAX and padding_idx < 0:
        # of what comes after the last offset, PyTorch adds nothing to the last bag, but it counts and compares it
        rows = lib.where(ctx, lib.unsqueeze(ctx, lib.lt(ctx, position, end), [1]), rows, 0)
    return _bags(ctx, rows, inside, mode), None, None, None


def _rows(ctx: Context, weight: Value, indices: trt.ITensor, per_sample_weights: Value | None) -> trt.ITensor:
    rows = lib.index_select(ctx, weight, 0, indices)
    if per_sample_weights is None:
        return rows
    return lib.mul(ctx, rows, lib.unsqueeze(ctx, per_sample_weights, [lib.ndim_of(per_sample_weights)]))


def _bags(ctx: Context, rows: trt.ITensor, inside: trt.ITensor, mode: int) -> trt.ITensor:
    """One row for each bag, of the rows (shared by all bags, or its own) that are inside of it; 0 for an empty bag."""
    dtype = ctx.call.results[0].dtype
    op = R.MAX if mode == MAX else R.SUM
    terms = lib.where(ctx, lib.unsqueeze(ctx, inside, [2]), rows, lib.neutral_element(op, dtype), dtype)
    result = lib.reduce(ctx, op, terms, 1)
    if mode == SUM:
        return result
    count = lib.sum(ctx, inside, 1, keepdim=True, dtype=torch.int64)
    if mode == MEAN:
        return lib.div(ctx, result, lib.maximum(ctx, count, 1), dtype)
    return lib.where(ctx, lib.eq(ctx, count, 0), 0, result, dtype)
