"""Adaptive pooling."""

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, f32, i64

from .pooling import HOLES, indices
from .resize import to

N, ALL = {0: "n"}, {0: "n", 2: "h", 3: "w"}
BF = (torch.float32, torch.float16, torch.bfloat16)
AVG2, AVG3 = "aten.adaptive_avg_pool2d.default", "aten.adaptive_avg_pool3d.default"
MAX2, MAX3 = "aten.adaptive_max_pool2d.default", "aten.adaptive_max_pool3d.default"
X1, X2, X3 = f32(2, 3, 9), f32(2, 3, 7, 8), f32(2, 3, 5, 6, 4)

CASES = [
    Case(AVG2, lambda x: F.adaptive_avg_pool2d(x, (3, 5)), [X2], dynamic=N, dtypes=BF),
    Case(AVG2, lambda x: F.adaptive_avg_pool2d(x, 3), [X2], dynamic=ALL, name="dynamic-windows"),
    Case(AVG2, lambda x: F.adaptive_avg_pool2d(x, (2, None)), [f32(2, 3, 6, 8)], dynamic=N, name="even"),
    Case(AVG2, lambda x: F.adaptive_avg_pool2d(x, (1, 2)), [f32(2, 3, 6, 8)], dynamic=N, name="one-row"),
    Case(AVG2, lambda x: F.adaptive_avg_pool2d(x, 9), [X2], dynamic=N, name="larger"),
    Case(AVG2, lambda x: F.adaptive_avg_pool2d(x, (3, 2)), [f32(3, 7, 8)], dynamic={1: "h"}, name="unbatched"),
    Case(
        "aten._adaptive_avg_pool2d.default", lambda x: torch.ops.aten._adaptive_avg_pool2d(x, [3, 1]), [X2], dynamic=ALL
    ),
    Case(
        "aten._adaptive_avg_pool3d.default",
        lambda x: torch.ops.aten._adaptive_avg_pool3d(x, [1, 1, 1]),
        [X3],
        dynamic=N,
    ),
    Case(AVG3, lambda x: F.adaptive_avg_pool3d(x, 2), [X3], dynamic=N),
    Case(AVG3, lambda x: F.adaptive_avg_pool3d(x, (3, 4, 2)), [X3], dynamic={0: "n", 2: "d", 4: "w"}, name="uneven"),
    Case(AVG3, lambda x: F.adaptive_avg_pool3d(x, (5, 3, 2)), [f32(3, 5, 6, 4)], name="unbatched"),
    Case(
        "aten.adaptive_avg_pool1d.default",
        lambda x: F.adaptive_avg_pool1d(x, 4),
        [X1],
        dynamic={0: "n", 2: "l"},
        whole=False,
    ),
    Case(AVG2, to("area", size=(3, 4)), [f32(2, 3, 5, 6)], dynamic=ALL, name="area"),
    Case(AVG2, to("area", scale_factor=(0.5, 1.4)), [X2], dynamic={2: "h", 3: "w"}, dynamic_min=3, name="area-factor"),
    Case(AVG2, lambda x: F.adaptive_avg_pool2d(x, (0, 2)), [X2], name="nothing"),
    Case(AVG3, to("area", scale_factor=0.6), [X3], dynamic={2: "d"}, dynamic_min=4, static=False, name="area-factor"),
    Case(AVG2, lambda x: F.adaptive_avg_pool2d(x, (x.shape[3], 3)), [X2], dynamic=ALL, name="size-of-another"),
    Case(AVG2, torch.nn.AdaptiveAvgPool2d(1), [X2], dynamic=ALL, name="one"),
    Case(AVG3, torch.nn.AdaptiveAvgPool3d(1), [X3], dynamic=N, name="one"),
    Case(
        AVG2,
        lambda x: F.adaptive_avg_pool2d(x.permute(0, 3, 1, 2), 1),
        [f32(2, 5, 6, 3)],
        dynamic=N,
        name="channels-last",
    ),
    Case(MAX2, lambda x: F.adaptive_max_pool2d(x, (3, 5)), [X2], dynamic=N, dtypes=BF),
    Case(MAX2, lambda x: F.adaptive_max_pool2d(x, (3, 4)), [f32(2, 3, 6, 8)], dynamic=N, name="even"),
    Case(MAX2, lambda x: F.adaptive_max_pool2d(x, 1), [X2], dynamic=N, name="global"),
    Case(MAX2, lambda x: F.adaptive_max_pool2d(x, (3, 2)), [f32(3, 7, 8)], name="unbatched"),
    Case(
        MAX2,
        lambda x: F.adaptive_max_pool2d(x, (3, 4), return_indices=True),
        [f32(2, 3, 6, 8)],
        dynamic=N,
        name="indices",
    ),
    *(
        Case(MAX2, indices(F.adaptive_max_pool2d, size), [x], dynamic=dynamic, name=f"indices-{name}")
        for name, size, x, dynamic in (
            ("uneven", 3, X2, N),
            ("larger", (9, 5), X2, N),
            ("equals", 3, i64(2, 3, 7, 8, low=0, high=2).make().float(), None),
            ("unbatched", (3, 2), f32(3, 7, 5), None),
            ("NaN", (4, 3), HOLES[None], None),
        )
    ),
    Case(MAX3, indices(F.adaptive_max_pool3d, (2, 4, 3)), [X3], dynamic=N, name="indices-uneven"),
    Case(MAX2, torch.nn.AdaptiveMaxPool2d(1), [f32(2, 1, 320, 320)], dynamic=N, name="global-of-many"),
    Case(AVG2, torch.nn.AdaptiveAvgPool2d((2, 1)), [f32(1, 1, 640, 320)], dynamic=N, name="even-of-many"),
    Case(
        MAX2,
        lambda x: F.adaptive_max_pool2d(x, 3),
        [X2],
        dynamic=ALL,
        static=False,
        rejects="dynamic sizes",
        name="dynamic-windows",
    ),
    Case(MAX3, lambda x: F.adaptive_max_pool3d(x, (2, 3, 3)), [X3], dynamic=N),
    Case(MAX3, lambda x: F.adaptive_max_pool3d(x, (5, 3, 2)), [X3], dynamic=N, name="even"),
    Case("aten.adaptive_max_pool1d.default", lambda x: F.adaptive_max_pool1d(x, 4), [X1], dynamic=N, whole=False),
    Case(
        "aten.adaptive_max_pool1d.default",
        lambda x: F.adaptive_max_pool1d(x, 3, return_indices=True),
        [X1],
        dynamic=N,
        whole=False,
        name="indices",
    ),
    Case(
        "aten.adaptive_max_pool1d.default",
        indices(F.adaptive_max_pool1d, 4),
        [X1],
        dynamic=N,
        whole=False,
        name="indices-uneven",
    ),
]
