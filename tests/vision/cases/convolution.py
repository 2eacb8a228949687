"""Convolutions."""

import torch
import torch.nn.functional as F
from torch import nn
from torch2trt.testing import Case, f32

N = {0: "n"}
ALL = {0: "n", 2: "h", 3: "w"}
BF = (torch.float32, torch.float16, torch.bfloat16)
CONV = "aten.convolution.default"


def weight(*shape):
    """A constant kernel, the same in every run."""
    return torch.sin(torch.arange(torch.Size(shape).numel()) * 0.7).reshape(shape)


def conv(dims, channels=(4, 6), kernel=3, **options):
    """A seeded convolution layer."""
    torch.manual_seed(0)
    return (nn.Conv1d, nn.Conv2d, nn.Conv3d)[dims - 1](*channels, kernel, **options)


X1, X2, X3 = f32(5, 4, 9), f32(5, 4, 7, 8), f32(5, 4, 5, 6, 5)

CASES = [
    Case(CONV, conv(1), [X1], dynamic={0: "n", 2: "l"}, dynamic_min=5, name="1d"),
    Case(CONV, conv(2), [X2], dynamic=ALL, dynamic_min=5, dtypes=BF, name="2d"),
    Case(CONV, conv(3), [X3], dynamic={0: "n", 2: "d", 3: "h", 4: "w"}, dynamic_min=5, name="3d"),
    Case(CONV, conv(1, stride=2, padding=2, dilation=2, bias=False), [X1], dynamic=N, name="1d-strided"),
    Case(CONV, conv(2, stride=(2, 1), padding=(2, 1), dilation=(1, 2)), [X2], dynamic=ALL, dynamic_min=5, name="mixed"),
    Case(CONV, conv(3, stride=2, padding=(1, 0, 2)), [X3], dynamic=N, name="3d-strided"),
    Case(CONV, conv(1, (4, 4), groups=4), [X1], dynamic=N, name="1d-depthwise"),
    Case(CONV, conv(2, (4, 8), groups=4, padding=1), [X2], dynamic=N, name="depthwise"),
    Case(CONV, conv(2, (4, 6), groups=2), [X2], dynamic=N, name="groups"),
    Case(CONV, conv(3, (4, 6), groups=2), [X3], dynamic=N, name="3d-groups"),
    Case(CONV, conv(2, kernel=1), [X2], dynamic=ALL, name="pointwise"),
    Case(CONV, conv(2, kernel=(1, 3)), [X2], dynamic=N, name="flat-kernel"),
    Case(CONV, conv(2, padding=1, padding_mode="reflect"), [X2], dynamic=N, name="reflect"),
    Case(CONV, conv(2, padding=1, padding_mode="circular"), [X2], dynamic=N, name="circular"),
    Case(CONV, conv(1, padding=2, padding_mode="replicate"), [X1], dynamic=N, name="replicate"),
    Case(CONV, F.conv2d, [X2, f32(6, 4, 3, 3)], dynamic=[ALL, None], dynamic_min=5, name="computed-kernel"),
    Case(CONV, F.conv1d, [X1, f32(6, 4, 3)], dynamic=[N, None], name="1d-computed-kernel"),
    Case(CONV, F.conv3d, [X3, f32(6, 4, 3, 3, 3), f32(6)], dynamic=[N, None, None], name="3d-computed-kernel"),
    Case(CONV, F.conv2d, [X2, f32(6, 4, 3, 3), f32(6)], dynamic=[N, None, None], name="computed-kernel-and-bias"),
    Case(
        CONV,
        lambda x, w: F.conv2d(x, w, groups=2, padding=1),
        [X2, f32(6, 2, 3, 3)],
        dynamic=[N, None],
        name="computed-kernel-groups",
    ),
    Case(CONV, lambda x, b: F.conv2d(x, weight(6, 4, 3, 3).to(x.dtype), b), [X2, f32(6)], name="computed-bias"),
    Case(
        CONV,
        F.conv2d,
        [f32(2, 4, 7, 8), f32(6, 4, 3, 3)],
        dynamic=[None, {2: "k"}],
        static=False,
        rejects="kernel's shape",
        name="dynamic-kernel",
    ),
    Case("aten.conv1d.default", conv(1), [f32(4, 9)], dynamic={1: "l"}, dynamic_min=5, whole=False, name="unbatched"),
    Case(
        "aten.conv2d.default",
        conv(2, stride=2),
        [f32(4, 7, 8)],
        dynamic={1: "h", 2: "w"},
        dynamic_min=5,
        whole=False,
        name="unbatched",
    ),
    Case("aten.conv3d.default", conv(3), [f32(4, 5, 6, 5)], whole=False, name="unbatched"),
    Case("aten.conv1d.padding", conv(1, kernel=4, padding="same"), [X1], dynamic={0: "n", 2: "l"}, dynamic_min=5),
    Case("aten.conv1d.padding", conv(1, padding="valid", stride=2), [X1], dynamic=N, name="valid"),
    Case("aten.conv2d.padding", conv(2, kernel=(2, 4), padding="same"), [X2], dynamic=ALL, dynamic_min=5),
    Case("aten.conv2d.padding", conv(2, padding="same", dilation=2, groups=2), [X2], dynamic=N, name="dilated"),
    Case("aten.conv2d.padding", conv(2, padding="valid"), [X2], dynamic=ALL, dynamic_min=5, name="valid"),
    Case("aten.conv2d.padding", conv(2, kernel=2, padding="same"), [f32(4, 7, 8)], name="unbatched"),
    Case(
        "aten.conv2d.padding",
        lambda x, w: F.conv2d(x, w, padding="same"),
        [X2, f32(6, 4, 2, 3)],
        dynamic=[N, None],
        name="computed-kernel",
    ),
    Case("aten.conv3d.padding", conv(3, kernel=(2, 3, 4), padding="same"), [X3], dynamic=N),
]
