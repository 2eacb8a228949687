"""Interpolation."""

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, f32

N, ALL = {0: "n"}, {0: "n", 2: "h", 3: "w"}
BF = (torch.float32, torch.float16, torch.bfloat16)
X1, X2, X3 = f32(2, 3, 5), f32(2, 3, 5, 6), f32(2, 2, 3, 4, 5)


def to(mode, **options):
    """``F.interpolate`` in this mode."""
    return lambda x: F.interpolate(x, mode=mode, **options)


def nearest(name, mode):
    """The rows of one way to take the nearest."""
    one, two, three = (f"aten.{name}{count}d.vec" for count in (1, 2, 3))
    return [
        Case(one, to(mode, scale_factor=2), [X1], dynamic={0: "n", 2: "l"}),
        Case(one, to(mode, size=7), [X1], dynamic=N, name="size"),
        Case(one, to(mode, scale_factor=1.3), [f32(2, 3, 10)], dynamic=N, name="fraction"),
        Case(two, to(mode, scale_factor=2), [X2], dynamic=ALL, dtypes=BF),
        Case(two, to(mode, size=(8, 4)), [X2], dynamic=ALL, name="size"),
        Case(two, to(mode, scale_factor=(1.5, 0.4)), [X2], dynamic=N, name="fraction"),
        Case(two, to(mode, scale_factor=(1.1, 1.5)), [X2], dynamic=N, name="same-height"),
        Case(two, to(mode, scale_factor=(2.3, 2.4)), [f32(2, 2, 2, 2)], dynamic=N, name="doubled"),
        Case(two, to(mode, scale_factor=1.1), [f32(1, 2, 20, 33)], dynamic=N, name="as near"),
        Case(one, to(mode, scale_factor=1.1), [X1], dynamic=N, name="same"),
        Case(one, to(mode, scale_factor=2.1), [X1], dynamic=N, name="doubled"),
        Case(three, to(mode, scale_factor=(1.1, 2.1, 1.3)), [X3], dynamic=N, name="same, doubled"),
        Case(two, to(mode, scale_factor=2.5), [X2], dynamic=ALL, name="dynamic-fraction"),
        Case(two, to(mode, scale_factor=1.7, recompute_scale_factor=True), [X2], dynamic=N, name="recomputed"),
        Case(three, to(mode, scale_factor=2), [X3], dynamic={0: "n", 2: "d"}),
        Case(three, to(mode, size=(5, 3, 7)), [X3], dynamic=N, name="size"),
    ]


def smooth(name, mode, x, dynamic):
    """The rows of one smooth mode."""
    target, spatial = f"aten.{name}.vec", len(x.shape) - 2
    # declined where TensorRT copies what keeps its size, and decomposed
    kept = {"dynamic": N, "rejects": "keeps the size 5, which TensorRT copies" if mode == "bicubic" else ""}
    size = (7, 3, 8)[:spatial]
    return [
        Case(target, to(mode, scale_factor=2), [x], dynamic=dynamic, dtypes=BF),
        Case(target, to(mode, size=size), [x], dynamic=dynamic, name="size"),
        Case(target, to(mode, scale_factor=(1.3, 0.6, 1.5)[:spatial]), [x], dynamic=N, name="fraction"),
        Case(target, to(mode, scale_factor=(1.1, 1.5, 1.9)[:spatial]), [x], **kept, name="same-height"),
        Case(target, to(mode, scale_factor=1.1), [x], **kept, name="same"),
        Case(target, to(mode, scale_factor=1.5), [x], dynamic=dynamic, name="dynamic-fraction"),
        Case(target, to(mode, size=size, align_corners=True), [x], dynamic=dynamic, name="corners"),
        Case(
            target,
            to(mode, scale_factor=1.5, align_corners=True),
            [x],
            dynamic=dynamic,
            dynamic_min=2,
            name="corners-fraction",
        ),
        Case(target, to(mode, size=(1,) * spatial, align_corners=True), [x], dynamic=N, name="corners-one"),
        Case(target, to(mode, scale_factor=1.7, recompute_scale_factor=True), [x], dynamic=N, name="recomputed"),
    ]


CASES = [
    *nearest("upsample_nearest", "nearest"),
    *nearest("_upsample_nearest_exact", "nearest-exact"),
    *smooth("upsample_linear1d", "linear", X1, {0: "n", 2: "l"}),
    *smooth("upsample_bilinear2d", "bilinear", X2, ALL),
    *smooth("upsample_bicubic2d", "bicubic", X2, ALL),
    *smooth("upsample_trilinear3d", "trilinear", X3, {0: "n", 2: "d", 4: "w"}),
    *(
        Case(
            f"aten.upsample_{name}2d.vec",
            to(mode, scale_factor=1.1),
            [X2],
            dynamic=ALL,
            static=False,
            rejects="below a size of 10 the factor 1.1 is 1",
            name="dynamic, same",
        )
        for name, mode in (("nearest", "nearest"), ("bilinear", "bilinear"))
    ),
    Case(
        "aten.upsample_bilinear2d.vec",
        lambda x, y: F.interpolate(x, size=y.shape[2:], mode="bilinear"),
        [X2, f32(2, 1, 8, 9)],
        dynamic=[ALL, {0: "n", 2: "p", 3: "q"}],
        name="size-of-another",
    ),
    Case(
        "aten.upsample_nearest2d.vec",
        lambda x, y: F.interpolate(x, size=y.shape[2:]),
        [X2, f32(2, 1, 8, 9)],
        dynamic=[ALL, {0: "n", 2: "p", 3: "q"}],
        name="size-of-another",
    ),
]
