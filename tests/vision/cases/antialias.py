"""Interpolation with antialiasing."""

import torch
from torch2trt.testing import Case, f32

from .resize import to

N, ALL = {0: "n"}, {0: "n", 2: "h", 3: "w"}
F32 = (torch.float32,)  # PyTorch antialiases nothing else on the CPU

CASES = [
    *[
        Case(
            f"aten._upsample_{mode}2d_aa.default",
            to(mode, antialias=True, align_corners=corners, **options),
            [f32(2, 3, 9, 8)],
            dynamic=N,
            dtypes=F32,
            name=f"{name}{'-corners' if corners else ''}",
        )
        for mode in ("bilinear", "bicubic")
        for corners in (False, True)
        for name, options in (
            ("smaller", {"size": (4, 3)}),
            ("larger", {"size": (11, 13)}),
            ("factor", {"scale_factor": 0.4}),
        )
    ],
    *[
        Case(
            f"aten._upsample_{mode}2d_aa.default",
            to(mode, antialias=True, align_corners=corners, **options),
            [f32(2, 3, 9, 8)],
            dynamic=dynamic,
            dynamic_min=2,
            dtypes=F32,
            static=False,
            name=f"dynamic-{name}{'-corners' if corners else ''}",
        )
        for mode in ("bilinear", "bicubic")
        for corners in (False, True)
        for name, dynamic, options in (
            ("sizes", ALL, {"size": (4, 11)}),
            ("one", {2: "h"}, {"size": (1, 5)}),
            ("factor", ALL, {"scale_factor": (0.6, 1.7)}),
        )
    ],
    Case(
        "aten._upsample_bilinear2d_aa.default",
        to("bilinear", antialias=True, size=(4, 3)),
        [f32(2, 3, 9, 8)],
        dtypes=F32,
        name="plain",
    ),
]

if hasattr(torch.ops.aten, "_upsample_lanczos2d_aa"):
    LANCZOS = "aten._upsample_lanczos2d_aa.default"

    def lanczos(x):
        """To a smaller and a larger size."""
        return torch.ops.aten._upsample_lanczos2d_aa(x, [4, 11], False)

    CASES += [
        Case(LANCZOS, lanczos, [f32(2, 3, 9, 8)], dynamic=N, dtypes=F32),
        Case(
            LANCZOS,
            lanczos,
            [f32(2, 3, 9, 8)],
            dynamic={2: "h"},
            dtypes=F32,
            static=False,
            rejects="dynamic sizes",
            name="dynamic",
        ),
    ]
