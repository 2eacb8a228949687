"""Pooling of regions of interest."""

import torch
import torchvision.ops as ops
from torch2trt.testing import Case, f32

from .boxes import F32, boxes

N = {0: "n"}
ALL = {0: "n", 2: "h", 3: "w"}
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
]
