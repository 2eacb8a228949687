"""Patches: folding, unfolding, and shuffles of pixels and channels."""

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, f32, i64

N = {0: "n"}
BF = (torch.float32, torch.float16, torch.bfloat16)

CASES = [
    Case("aten.col2im.default", lambda x: F.fold(x, (5, 6), 2), [f32(2, 12, 20)], dynamic=N, dtypes=BF),
    Case("aten.col2im.default", lambda x: F.fold(x, (6, 4), 2, stride=2), [f32(2, 8, 6)], dynamic=N, name="patches"),
    Case(
        "aten.col2im.default",
        lambda x: F.fold(x, (7, 6), (3, 2), dilation=(1, 2), padding=(1, 2), stride=(2, 1)),
        [f32(2, 12, 32)],
        dynamic=N,
        name="all-options",
    ),
    Case("aten.col2im.default", lambda x: F.fold(x, (6, 7), 2, stride=3), [f32(2, 8, 4)], dynamic=N, name="gaps"),
    Case("aten.col2im.default", lambda x: F.fold(x, (5, 6), 2), [f32(12, 20)], name="unbatched"),
    Case("aten.im2col.default", lambda x: F.unfold(x, 3), [f32(2, 3, 5, 6)], dynamic=N, whole=False),
    Case(
        "aten.im2col.default",
        lambda x: F.unfold(x, (3, 2), dilation=(1, 2), padding=(1, 2), stride=(2, 1)),
        [f32(2, 3, 7, 6)],
        dynamic=N,
        whole=False,
        name="all-options",
    ),
    Case("aten.pixel_shuffle.default", lambda x: F.pixel_shuffle(x, 2), [f32(2, 8, 3, 4)], dynamic=N, whole=False),
    Case("aten.pixel_unshuffle.default", lambda x: F.pixel_unshuffle(x, 2), [f32(2, 2, 6, 4)], dynamic=N, whole=False),
    Case(
        "aten.pixel_shuffle.default",
        lambda x: F.pixel_shuffle(x, 2),
        [i64(2, 8, 3, 4)],
        dynamic={0: "n", 2: "h"},
        whole=False,
        name="int64",
    ),
    Case("aten.channel_shuffle.default", lambda x: F.channel_shuffle(x, 2), [f32(2, 8, 3, 4)], dynamic=N, whole=False),
]
