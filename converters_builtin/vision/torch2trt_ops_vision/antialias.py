"""Antialiased interpolation: a matrix for each of the two dimensions, which PyTorch computes itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch2trt import Call, Context, trt
from torch2trt.lib import ConverterFunction, dtype_of, matmul, named


def _antialiased(name: str) -> ConverterFunction:
    overload = getattr(torch.ops.aten, name).default

    def rejects(
        call: Call,
        input: torch.Tensor,
        output_size: Sequence[Any],
        align_corners: bool,
        scales_h: float | None = None,
        scales_w: float | None = None,
    ) -> str | None:
        sizes = [*input.shape[2:], *output_size]
        return None if all(isinstance(size, int) for size in sizes) else "antialias between dynamic sizes"

    def convert(
        ctx: Context,
        input: trt.ITensor,
        output_size: Sequence[int],
        align_corners: bool,
        scales_h: float | None = None,
        scales_w: float | None = None,
    ) -> trt.ITensor:
        matrices = []
        for have, want, scale in zip(tuple(input.shape)[2:], output_size, (scales_h, scales_w), strict=True):
            # the columns of the identity, interpolated, are those of the matrix
            identity = torch.eye(have).reshape(1, 1, have, have)
            matrix = overload(identity, [want, have], align_corners, scale, None)[0, 0]
            matrices.append(matrix.to(dtype_of(input)))
        return matmul(ctx, matmul(ctx, matrices[0], input), matrices[1], transpose_other=True)

    return named(name, f"aten.{name}.default", rejects=rejects)(convert)


bilinear2d_aa, bicubic2d_aa = _antialiased("_upsample_bilinear2d_aa"), _antialiased("_upsample_bicubic2d_aa")
