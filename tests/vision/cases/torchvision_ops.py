"""torchvision's operators."""

import torch
import torchvision.ops as ops
from torch2trt.testing import Case, f32, i64

N = {0: "n"}
F32 = (torch.float32,)  # torchvision has no others on the CPU
#: image, left, top, right, bottom: inside, on the edge, beyond it, thin, and empty
ROIS = torch.tensor(
    [
        [0, 0.5, 1.0, 6.5, 5.0],
        [1, 2.0, 0.0, 7.0, 7.0],
        [0, -3.0, -2.0, 4.0, 3.0],
        [1, 5.0, 4.0, 12.0, 11.0],
        [1, 3.0, 3.0, 3.2, 3.4],
        [0, 4.0, 4.0, 2.0, 2.0],
    ]
)
LARGE = torch.cat([ROIS[:, :1], ROIS[:, 1:] * 2], 1)
X = f32(2, 3, 8, 9)
MAPPED = f32(2, 12, 8, 9)
ALL = {0: "n", 2: "h", 3: "w"}


def boxes(x, count=3):
    """Boxes ``(image 0, left, top, right, bottom)`` from numbers of any kind."""
    low, extent = x[:, :2] * 2, x[:, 2:].abs() * 2 + 0.3
    return torch.cat([x[:, :1] * 0, low, low + extent], 1)


CASES = [
    *[
        Case(
            "torchvision.roi_align.default",
            lambda x, rois, aligned=aligned, size=size, ratio=ratio: ops.roi_align(x, rois, size, 0.5, ratio, aligned),
            [X, LARGE],
            dynamic=[ALL, None],
            dynamic_min=2,
            dtypes=F32,
            name=f"{size}-{ratio}{'-aligned' if aligned else ''}".replace(", ", "x"),
        )
        for size, ratio in ((2, 2), ((3, 2), 1), (1, 3))
        for aligned in (False, True)
    ],
    Case(
        "torchvision.roi_align.default",
        lambda x, b: ops.roi_align(x, boxes(b), 2, sampling_ratio=2),
        [X, f32(5, 4)],
        dynamic=[None, N],
        dtypes=F32,
        name="computed-boxes",
    ),
    Case(
        "torchvision.roi_align.default",
        lambda x, rois: ops.roi_align(x, rois, 2),
        [X, ROIS],
        rejects="sampling_ratio",
        name="samples-of-the-box",
    ),
    *[
        Case(
            "torchvision.ps_roi_align.default",
            lambda x, rois, ratio=ratio: ops.ps_roi_align(x, rois, 2, 0.5, ratio),
            [MAPPED, LARGE],
            dynamic=[ALL, None],
            dynamic_min=2,
            dtypes=F32,
            name=f"samples-{ratio}",
        )
        for ratio in (1, 2)
    ],
    Case(
        "torchvision.ps_roi_align.default",
        lambda x, b: ops.ps_roi_align(x, boxes(b), (3, 2), sampling_ratio=2),
        [MAPPED, f32(5, 4)],
        dynamic=[None, N],
        dtypes=F32,
        name="computed-boxes",
    ),
    Case(
        "torchvision.roi_pool.default",
        lambda x, rois: ops.roi_pool(x, rois, (3, 2), 0.5),
        [X, LARGE],
        dynamic=[ALL, None],
        dynamic_min=2,
        dtypes=F32,
    ),
    Case(
        "torchvision.roi_pool.default",
        lambda x, b: ops.roi_pool(x, boxes(b), 2),
        [X, f32(5, 4)],
        dynamic=[None, N],
        dtypes=F32,
        name="computed-boxes",
    ),
    Case(
        "torchvision.ps_roi_pool.default",
        lambda x, rois: ops.ps_roi_pool(x, rois, 2, 0.5),
        [MAPPED, LARGE],
        dynamic=[ALL, None],
        dynamic_min=2,
        dtypes=F32,
    ),
    Case(
        "torchvision.ps_roi_pool.default",
        lambda x, b: ops.ps_roi_pool(x, boxes(b), (3, 2)),
        [MAPPED, f32(5, 4)],
        dynamic=[None, N],
        dtypes=F32,
        name="computed-boxes",
    ),
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
    Case(
        "torchvision.nms.default",
        lambda b, s: ops.nms(boxes(b)[:, 1:], s, 0.3),
        [f32(9, 4), f32(9)],
        dynamic=[N, N],
        dtypes=F32,
    ),
    Case(
        "torchvision.nms.default",
        lambda b, s: boxes(b)[ops.nms(boxes(b)[:, 1:], s, 0.5)],
        [f32(9, 4), f32(9)],
        dtypes=F32,
        name="chosen",
    ),
    Case(
        "torchvision.nms.default",
        lambda b, s, c: ops.batched_nms(boxes(b)[:, 1:], s, c, 0.3),
        [f32(9, 4), f32(9), i64(9, low=0, high=3)],
        dtypes=F32,
        name="batched",
    ),
    Case(
        "torchvision.nms.default",
        lambda b, s: ops.nms(b, s, 0.3),
        [f32(5001, 4), f32(5001)],
        rejects="at most 5000",
        name="too-many",
    ),
]
