"""Antialiased interpolation: a matrix for each of the two dimensions, which PyTorch computes itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch2trt import Context, converter, lib, trt


def _rejects(input: torch.Tensor, output_size: Sequence[int | torch.SymInt]) -> str | None:
    sizes = [*input.shape[2:], *output_size]
    return None if all(isinstance(size, int) for size in sizes) else "antialias between dynamic sizes"


def _antialiased(name: str) -> Callable[..., trt.ITensor]:
    overload = getattr(torch.ops.aten, name).default

    def convert(
        ctx: Context,
        input: trt.ITensor,
        output_size: Sequence[int],
        align_corners: bool,
        scales_h: float | None = None,
        scales_w: float | None = None,
    ) -> trt.ITensor:
        matrices = []
        for old, new, scale in zip(tuple(input.shape)[2:], output_size, (scales_h, scales_w), strict=True):
            # the columns of the identity, interpolated, are those of the matrix
            identity = torch.eye(old).reshape(1, 1, old, old)
            matrix = overload(identity, [new, old], align_corners, scale, None)[0, 0]
            matrices.append(matrix.to(lib.dtype_of(input)))
        return lib.matmul(ctx, lib.matmul(ctx, matrices[0], input), matrices[1], transpose_other=True)

    return converter(f"aten.{name}.default", name=name, rejects=_rejects)(convert)


bilinear2d_aa, bicubic2d_aa = _antialiased("_upsample_bilinear2d_aa"), _antialiased("_upsample_bicubic2d_aa")
