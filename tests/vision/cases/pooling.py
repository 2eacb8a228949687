"""Pooling with windows of one size."""

import functools

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, f32, i32, i64

N, ALL = {0: "n"}, {0: "n", 2: "h", 3: "w"}
F32 = (torch.float32,)  # PyTorch has no average over three dimensions in half precision on the CPU
BF = (torch.float32, torch.float16, torch.bfloat16)
MAX2, MAX3 = "aten.max_pool2d_with_indices.default", "aten.max_pool3d_with_indices.default"
AVG2, AVG3 = "aten.avg_pool2d.default", "aten.avg_pool3d.default"
X1, X2, X3 = f32(5, 3, 9), f32(5, 3, 7, 8), f32(5, 3, 5, 6, 5)

#: NaN in some windows, nothing but minus infinity in others
HOLES = torch.arange(84.0).reshape(2, 6, 7)
HOLES[0, 1:4, 2:5] = torch.nan
HOLES[1] = -torch.inf
#: of two equal maxima in different rows, the lower one is further left
EQUALS = torch.zeros(1, 1, 6, 9)
EQUALS[0, 0, [0, 1, 3, 4], [2, 1, 5, 4]] = 1


def indices(pool, *args, **options):
    """The pooling with its indices."""
    return lambda x: pool(x, *args, **options, return_indices=True)


CASES = [
    Case(MAX2, lambda x: F.max_pool2d(x, 3, 2, 1), [X2], dynamic=ALL, dynamic_min=5, dtypes=BF),
    Case(MAX2, lambda x: F.max_pool2d(x, (2, 3)), [f32(6, 3, 7, 8)], dynamic=ALL, dynamic_min=6, name="no-stride"),
    Case(MAX2, lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), [X2], dynamic=N, name="ceil"),
    Case(MAX2, lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True), [f32(2, 3, 8, 6)], dynamic=N, name="ceil-padded"),
    Case(MAX2, lambda x: F.max_pool2d(x, 2, 3, 1, ceil_mode=True), [f32(2, 3, 7, 8)], dynamic=N, name="ceil-dropped"),
    Case(MAX2, lambda x: F.max_pool2d(x, 2, 2, 1, ceil_mode=True), [f32(2, 3, 7, 8)], dynamic=N, name="ceil-overhang"),
    Case(MAX2, lambda x: F.max_pool2d(x, 900, ceil_mode=True), [f32(2, 3, 2, 3)], dynamic=N, name="ceil-beyond"),
    Case(
        MAX2,
        lambda x: F.max_pool2d(x, 2, 3, 1, ceil_mode=True),
        [X2],
        dynamic=N,
        name="ceil-even",
    ),
    Case(MAX2, lambda x: F.max_pool2d(x, 3, 1, 1, dilation=2), [X2], dynamic=ALL, dynamic_min=5, name="dilated"),
    Case(MAX2, lambda x: F.max_pool2d(x, 2, 2, dilation=(1, 3), ceil_mode=True), [X2], dynamic=N, name="dilated-ceil"),
    Case(MAX2, lambda x: F.max_pool2d(x, 3, 2, 1), [i64(5, 3, 7, 8)], dynamic=ALL, dynamic_min=5, name="int64"),
    Case(MAX2, lambda x: F.max_pool2d(x, 2), [i32(2, 3, 7, 8)], dynamic=N, name="int32"),
    Case(MAX2, lambda x: F.max_pool2d(x, 2), [f32(3, 7, 8)], name="unbatched"),
    Case(MAX2, indices(F.max_pool2d, 2), [X2], dynamic=N, name="indices"),
    Case(MAX2, indices(F.max_pool2d, 3, 2, 1), [X2], dynamic=N, name="indices-padded"),
    Case(MAX2, indices(F.max_pool2d, 3, 2, 1, ceil_mode=True), [f32(2, 3, 8, 6)], name="indices-ceil"),
    Case(MAX2, indices(F.max_pool2d, 2, 1, 0, 2), [f32(3, 7, 8)], name="indices-dilated"),
    Case(MAX2, indices(F.max_pool2d, 3), [i64(2, 3, 7, 8, low=0, high=3)], dynamic=N, name="indices-equals"),
    Case(MAX2, indices(F.max_pool2d, 3, 2, 1), [HOLES], name="indices-NaN"),
    Case(
        MAX2,
        indices(F.max_pool2d, 2),
        [f32(5, 3, 7, 8)],
        dynamic=ALL,
        dynamic_min=5,
        static=False,
        rejects="indices of dynamic sizes",
        name="indices-dynamic",
    ),
    Case(MAX2, indices(F.max_pool2d, (3, 4), (2, 3), 1, 1), [EQUALS], name="indices-equals-padded"),
    Case(MAX2, lambda x: F.max_pool2d(x, 320), [f32(2, 1, 320, 320)], dynamic=N, dtypes=BF, name="all-of-many"),
    Case(
        MAX2,
        lambda x: F.max_pool2d(x, 317, 2, 3),
        [f32(1, 1, 321, 318)],
        dynamic={2: "h"},
        dynamic_min=317,
        name="many",
    ),
    Case(MAX2, torch.nn.MaxPool2d((1, 300), 300), [f32(1, 2, 3, 900)], dynamic=N, name="wide"),
    Case(MAX2, lambda x: F.max_pool2d(x, 317, 2, 3, ceil_mode=True), [f32(1, 1, 322, 320)], name="many-ceil"),
    Case(MAX2, lambda x: F.max_pool2d(x, (1, 100000), 1), [f32(1, 1, 1, 100001)], rejects="100000 long", name="long"),
    Case(MAX3, lambda x: F.max_pool3d(x, 3, 2, 1), [X3], dynamic={0: "n", 2: "d"}, dynamic_min=5),
    Case(MAX3, lambda x: F.max_pool3d(x, 2, 2, ceil_mode=True), [X3], dynamic=N, name="ceil"),
    Case(MAX3, lambda x: F.max_pool3d(x, 2, 1, 0, (1, 2, 1)), [X3], dynamic=N, name="dilated"),
    Case(MAX3, lambda x: F.max_pool3d(x, 2), [f32(3, 5, 6, 5)], name="unbatched"),
    Case(MAX3, indices(F.max_pool3d, 2), [f32(2, 2, 4, 5, 4)], dynamic=N, name="indices"),
    Case(
        "aten.max_pool1d.default",
        lambda x: F.max_pool1d(x, 3, 2, 1),
        [X1],
        dynamic=N,
        whole=False,
    ),
    Case(
        "aten.max_pool1d.default",
        lambda x: F.max_pool1d(x, 2, ceil_mode=True),
        [f32(3, 9)],
        whole=False,
        name="unbatched",
    ),
    Case("aten.max_pool1d_with_indices.default", indices(F.max_pool1d, 3, 2), [X1], dynamic=N, whole=False),
    Case("aten.max_pool2d.default", torch.nn.MaxPool2d(2), [X2], dynamic=ALL, dynamic_min=5, whole=False),
    Case("aten.max_pool3d.default", torch.nn.MaxPool3d(2), [X3], dynamic=N, whole=False),
    Case(
        "aten.max_unpool2d.default",
        lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
        [f32(1, 2, 4, 6)],
        whole=False,
    ),
    Case(AVG2, lambda x: F.avg_pool2d(x, 2), [X2], dynamic=ALL, dynamic_min=5, dtypes=BF),
    Case(AVG2, lambda x: F.avg_pool2d(x, 3, 2, 1), [X2], dynamic=ALL, dynamic_min=5, name="padded"),
    Case(
        AVG2,
        lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
        [X2],
        dynamic=ALL,
        dynamic_min=5,
        name="exclusive",
    ),
    Case(
        AVG2,
        lambda x: F.avg_pool2d(x, 3, 2, ceil_mode=True),
        [f32(5, 3, 8, 6)],
        dynamic=N,
        name="ceil",
    ),
    Case(
        AVG2,
        lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True),
        [f32(5, 3, 8, 6)],
        dynamic=N,
        name="ceil-padded",
    ),
    Case(AVG2, lambda x: F.avg_pool2d(x, 2, 3, 1, ceil_mode=True), [X2], dynamic=N, name="ceil-dropped"),
    Case(
        AVG2,
        lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
        [f32(5, 3, 8, 6)],
        dynamic=N,
        name="ceil-exclusive",
    ),
    Case(
        AVG2, lambda x: F.avg_pool2d(x, 3, 2, 1, divisor_override=2), [X2], dynamic=ALL, dynamic_min=5, name="divisor"
    ),
    *(
        Case(target, module, [f32(1, 3, 1, 1)], name=f"one-element-{name}", dynamic=N)
        for target, name, module in (
            (AVG2, "padded", torch.nn.AvgPool2d(3, 1, 1)),
            (AVG2, "inside", torch.nn.AvgPool2d(3, 1, 1, count_include_pad=False)),
            (AVG2, "divisor", torch.nn.AvgPool2d(3, 1, 1, divisor_override=2)),
            (AVG2, "ceil", torch.nn.AvgPool2d(3, 2, 1, ceil_mode=True)),
            (MAX2, "padded", torch.nn.MaxPool2d(3, 1, 1)),
            (AVG2, "twice", torch.nn.AvgPool2d(2, 1, 1)),
        )
    ),
    Case(AVG2, lambda x: F.avg_pool2d(x, 900, ceil_mode=True), [f32(2, 3, 2, 3)], dynamic=N, name="ceil-beyond"),
    *(
        Case(
            AVG2,
            lambda x, count_padding=count_padding: F.avg_pool2d(
                x, (5, 90000), (2, 90000), (2, 30), True, count_padding
            ),
            [f32(2, 3, 4, 3)],
            dynamic=N,
            name=f"ceil-beyond-{name}",
        )
        for name, count_padding in {"padded": True, "exclusive": False}.items()
    ),
    Case(AVG2, lambda x: F.avg_pool2d(x, 3, 2, 1, True, True, 5), [f32(2, 3, 8, 6)], dynamic=N, name="ceil-divisor"),
    Case(AVG2, lambda x: F.avg_pool2d(x, (1, 3), (2, 1)), [f32(3, 7, 8)], name="unbatched"),
    Case(AVG2, lambda x: F.avg_pool2d(x, 2), [i64(2, 3, 4, 4)], rejects="floating-point", name="int64"),
    Case(AVG2, torch.nn.AvgPool2d(320), [f32(2, 1, 320, 320)], dynamic=N, dtypes=BF, name="all-of-many"),
    Case(
        AVG2,
        lambda x: F.avg_pool2d(x, 317, 2, 3),
        [f32(1, 1, 321, 318)],
        dynamic={2: "h"},
        dynamic_min=317,
        name="many",
    ),
    *(
        Case(
            AVG2,
            functools.partial(F.avg_pool2d, kernel_size=317, stride=2, padding=3, **options),
            [f32(1, 1, 322, 320)],
            name=f"many-{name}",
        )
        for name, options in {
            "exclusive": {"count_include_pad": False},
            "ceil": {"ceil_mode": True},
            "ceil-exclusive": {"ceil_mode": True, "count_include_pad": False},
            "divisor": {"divisor_override": 7},
        }.items()
    ),
    Case("aten.avg_pool1d.default", torch.nn.AvgPool1d(100000), [f32(1, 2, 100000)], whole=False, name="all-of-many"),
    Case("aten.avg_pool1d.default", torch.nn.AvgPool1d(300, 7, 5), [f32(2, 3, 400)], whole=False, name="wide"),
    Case(AVG2, torch.nn.AvgPool2d((2, 257), (1, 3)), [f32(2, 3, 4, 300)], dynamic=N, name="wide"),
    Case(AVG3, torch.nn.AvgPool3d((2, 1, 257), (1, 2, 3)), [f32(1, 2, 3, 4, 300)], dynamic=N, dtypes=F32, name="wide"),
    Case(AVG2, torch.nn.AvgPool1d(100000, 1), [f32(1, 2, 100001)], rejects="100000 long", name="long"),
    Case(AVG3, lambda x: F.avg_pool3d(x, 2), [X3], dynamic={0: "n", 3: "h"}, dynamic_min=5, dtypes=F32),
    Case(AVG3, lambda x: F.avg_pool3d(x, 3, 2, 1), [X3], dynamic=N, name="padded", dtypes=F32),
    Case(AVG3, lambda x: F.avg_pool3d(x, 2, 2, 1, True, False), [X3], dynamic=N, name="ceil-exclusive", dtypes=F32),
    Case(
        AVG3, lambda x: F.avg_pool3d(x, 3, 2, 1, True), [f32(2, 3, 5, 6, 6)], dynamic=N, name="ceil-padded", dtypes=F32
    ),
    Case(AVG3, lambda x: F.avg_pool3d(x, 2), [f32(3, 5, 6, 5)], name="unbatched", dtypes=F32),
    Case(
        "aten.avg_pool1d.default",
        lambda x: F.avg_pool1d(x, 3, 2, 1),
        [X1],
        dynamic={0: "n", 2: "l"},
        dynamic_min=5,
        whole=False,
    ),
    Case(
        "aten.avg_pool1d.default",
        lambda x: F.avg_pool1d(x, 4, 3, 2, True, False),
        [f32(3, 9)],
        whole=False,
        name="unbatched",
    ),
    Case("torch.nn.functional.lp_pool1d", torch.nn.LPPool1d(2, 3, 2), [f32(2, 3, 9, low=0.1)], dynamic=N, whole=False),
    Case("torch.nn.functional.lp_pool2d", torch.nn.LPPool2d(3, 2), [f32(2, 3, 6, 8, low=0.1)], dynamic=N, whole=False),
    Case(
        "torch.nn.functional.lp_pool2d",
        torch.nn.LPPool2d(1, 3, 2, ceil_mode=True),
        [f32(2, 3, 6, 8, low=0.1)],
        whole=False,
        name="ceil",
    ),
]
