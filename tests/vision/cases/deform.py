"""Deformable convolution."""

import torch
import torchvision.ops as ops
from torch2trt.testing import Case, f32

N = {0: "n"}
F32 = (torch.float32,)  # torchvision has no others on the CPU

CASES = [
    Case(
        "torchvision.deform_conv2d.default",
        lambda x, offset, weight: ops.deform_conv2d(x, offset, weight),
        [f32(2, 4, 6, 7), f32(2, 18, 4, 5), f32(5, 4, 3, 3)],
        dynamic=[N, N, None],
        dtypes=F32,
    ),
    Case(
        "torchvision.deform_conv2d.default",
        lambda x, offset, weight, bias, mask: ops.deform_conv2d(x, offset, weight, bias, (2, 1), (1, 2), (1, 2), mask),
        [f32(2, 4, 6, 7), f32(2, 36, 3, 7), f32(6, 2, 3, 3), f32(6), f32(2, 18, 3, 7)],
        dynamic=[N, N, None, None, N],
        dtypes=F32,
        name="groups-mask",
    ),
    Case(
        "torchvision.deform_conv2d.default",
        ops.DeformConv2d(4, 6, 3, padding=1),
        [f32(2, 4, 5, 6), f32(2, 18, 5, 6)],
        dynamic=[N, N],
        dtypes=F32,
        name="module",
    ),
]
