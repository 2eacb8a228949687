"""Layer and RMS normalization."""

import torch
import torch.nn.functional as F
from torch import nn
from torch2trt.testing import Case, f32

torch.manual_seed(0)
N = {0: "n"}
NL = {0: "n", 1: "l"}
HALVES = (torch.float32, torch.float16, torch.bfloat16)


def affine(*shape):
    layer = nn.LayerNorm(shape)
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    return layer


def layer_norm(name, call, inputs, **options):
    return Case("aten.layer_norm.default", call, inputs, name=name, **options)


def rms_norm(name, call, inputs, **options):
    return Case("aten.rms_norm.default", call, inputs, name=name, whole=False, **options)


class ChannelsFirst(nn.Module):
    """What ConvNeXt does to normalize the channels of an image."""

    def __init__(self):
        super().__init__()
        self.norm = affine(3)

    def forward(self, x):
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


CASES = [
    layer_norm("affine", affine(8), [f32(2, 4, 8)], dynamic=NL, dtypes=HALVES),
    layer_norm("no affine", lambda x: F.layer_norm(x, (8,)), [f32(2, 8)], dynamic=N),
    layer_norm("no bias", nn.LayerNorm(8, bias=False), [f32(2, 8)], dynamic=N),
    layer_norm("no weight", lambda x, b: F.layer_norm(x, (8,), None, b), [f32(2, 8), f32(8)], dynamic=[N, None]),
    layer_norm("two dims", affine(4, 8), [f32(2, 4, 8)], dynamic=N),
    layer_norm("all dims", affine(4, 8), [f32(4, 8)]),
    layer_norm("one dim", affine(8), [f32(8)]),
    layer_norm("rank 5", affine(4), [f32(2, 1, 3, 2, 4)], dynamic={0: "n", 2: "t"}),
    layer_norm("eps", nn.LayerNorm(8, eps=0.5), [f32(2, 8, low=-0.1, high=0.1)], dynamic=N),
    layer_norm("constant input", lambda x: F.layer_norm(x * 0 + 3, (8,)), [f32(2, 8)], dynamic=N),
    layer_norm(
        "weights of another tensor",
        lambda x, w, b: F.layer_norm(x, (8,), w, b),
        [f32(2, 8), f32(8), f32(8)],
        dynamic=[N, None, None],
    ),
    layer_norm("channels first", ChannelsFirst(), [f32(2, 3, 4, 5)], dynamic={0: "n", 2: "h", 3: "w"}),
    layer_norm(
        "full precision weights",
        lambda x: F.layer_norm(x, (8,), torch.linspace(0.5, 2, 8), torch.linspace(-1, 1, 8)),
        [f32(2, 8)],
        dynamic=N,
        dtypes=(torch.bfloat16,),
    ),
    layer_norm("dynamic width", lambda x: F.layer_norm(x, x.shape[1:]), [f32(2, 8)], dynamic={1: "w"}, dynamic_min=2),
    Case(
        "aten.native_layer_norm.default",
        lambda x, w, b: torch.native_layer_norm(x, (8,), w, b, 1e-5),
        [f32(2, 4, 8), f32(8), f32(8)],
        dynamic=[NL, None, None],
    ),
    Case(
        "aten.native_layer_norm.default",
        lambda x: torch.native_layer_norm(x, (8,), None, None, 1e-5)[0],
        [f32(2, 8)],
        dynamic=N,
        name="only the result",
    ),
    Case(
        "aten.native_layer_norm.default",
        lambda x: torch.native_layer_norm(x, (4, 8), None, None, 1e-3),
        [f32(2, 4, 8)],
        dynamic=N,
        name="two dims",
    ),
    rms_norm("weight", nn.RMSNorm(8), [f32(2, 4, 8)], dynamic=NL, dtypes=HALVES),
    rms_norm("no weight", lambda x: F.rms_norm(x, (8,)), [f32(2, 8)], dynamic=N),
    rms_norm("eps", nn.RMSNorm(8, eps=0.5), [f32(2, 8)], dynamic=N),
    rms_norm("two dims", nn.RMSNorm((4, 8), eps=1e-6), [f32(2, 4, 8)], dynamic=N),
    rms_norm("of another tensor", lambda x, w: F.rms_norm(x, (8,), w), [f32(2, 8), f32(8)], dynamic=[N, None]),
    Case(
        "aten._fused_rms_norm.default",
        lambda x, w: torch.ops.aten._fused_rms_norm(x, [8], w, 1e-5)[0],
        [f32(2, 8), f32(8)],
        dynamic=[N, None],
        whole=False,
    ),
]
