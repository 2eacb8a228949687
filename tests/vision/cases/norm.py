"""Normalization."""

import torch
import torch.nn.functional as F
from torch import nn
from torch2trt.testing import Case, f32

N, ALL = {0: "n"}, {0: "n", 2: "h", 3: "w"}
F32 = (torch.float32,)  # PyTorch has no average over three dimensions in half precision on the CPU
BF = (torch.float32, torch.float16, torch.bfloat16)
INFERENCE = "aten._native_batch_norm_legit_no_training.default"
OF_BATCH = "aten._native_batch_norm_legit.no_stats"
INSTANCE, GROUP = "aten.instance_norm.default", "aten.native_group_norm.default"


def trained(module):
    """The layer with statistics and parameters that do something."""
    torch.manual_seed(0)
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape) + (0.5 if name.endswith(("weight", "var")) else 0))
    return module


X = f32(2, 4, 5, 6)

CASES = [
    Case(INFERENCE, trained(nn.BatchNorm2d(4)), [X], dynamic=ALL, dtypes=BF),
    Case(INFERENCE, trained(nn.BatchNorm1d(4)), [f32(3, 4)], dynamic=N, name="1d"),
    Case(INFERENCE, trained(nn.BatchNorm1d(4)), [f32(3, 4, 5)], dynamic={0: "n", 2: "l"}, name="1d-sequence"),
    Case(INFERENCE, trained(nn.BatchNorm3d(4)), [f32(2, 4, 3, 4, 3)], dynamic=N, name="3d"),
    Case(INFERENCE, trained(nn.BatchNorm2d(4, affine=False, eps=0.1)), [X], dynamic=N, name="no-affine"),
    Case(
        INFERENCE,
        lambda x, w, b: F.batch_norm(x, torch.zeros(4, dtype=x.dtype), torch.ones(4, dtype=x.dtype), w, b),
        [X, f32(4), f32(4)],
        dynamic=[ALL, None, None],
        name="computed weight and bias",
    ),
    Case(
        INFERENCE,
        lambda x, mean, var: F.batch_norm(x, mean, var),
        [X, f32(4), f32(4, low=0.5, high=2)],
        dynamic=[ALL, None, None],
        name="computed statistics",
    ),
    Case(OF_BATCH, nn.BatchNorm2d(4, affine=False, track_running_stats=False), [X], dynamic=ALL, dynamic_min=2),
    Case(
        OF_BATCH,
        trained(nn.BatchNorm1d(4, track_running_stats=False)),
        [f32(5, 4)],
        dynamic=N,
        dynamic_min=2,
        name="1d",
    ),
    Case(OF_BATCH, trained(nn.BatchNorm3d(4, track_running_stats=False)), [f32(2, 4, 3, 3, 3)], dynamic=N, name="3d"),
    Case(INSTANCE, nn.InstanceNorm2d(4), [X], dynamic=ALL, dynamic_min=2, dtypes=BF),
    Case(INSTANCE, trained(nn.InstanceNorm2d(4, affine=True)), [X], dynamic=N, name="affine"),
    Case(
        INSTANCE,
        trained(nn.InstanceNorm1d(4, affine=True)),
        [f32(2, 4, 7)],
        dynamic={0: "n", 2: "l"},
        dynamic_min=2,
        name="1d",
    ),
    Case(INSTANCE, trained(nn.InstanceNorm3d(4, affine=True)), [f32(2, 4, 3, 4, 3)], dynamic=N, name="3d"),
    Case(
        INSTANCE,
        trained(nn.InstanceNorm2d(4, affine=True, track_running_stats=True)),
        [X],
        dynamic=ALL,
        name="running-statistics",
    ),
    Case(INSTANCE, nn.InstanceNorm2d(4), [f32(4, 5, 6)], name="unbatched"),
    Case(
        INSTANCE,
        lambda x, w, b: F.instance_norm(x, weight=w, bias=b),
        [X, f32(4), f32(4)],
        dynamic=[N, None, None],
        name="computed",
    ),
    Case(GROUP, trained(nn.GroupNorm(2, 4)), [X], dynamic=ALL, dynamic_min=2, dtypes=BF),
    Case(GROUP, nn.GroupNorm(2, 4, affine=False, eps=0.1), [X], dynamic=N, name="no-affine"),
    Case(GROUP, trained(nn.GroupNorm(1, 4)), [X], dynamic=ALL, dynamic_min=2, name="one-group"),
    Case(GROUP, trained(nn.GroupNorm(4, 4)), [X], dynamic=N, name="a-group-a-channel"),
    Case(GROUP, trained(nn.GroupNorm(2, 4)), [f32(2, 4, 6)], dynamic={0: "n", 2: "l"}, name="1d"),
    Case(GROUP, trained(nn.GroupNorm(2, 4)), [f32(2, 4, 3, 4, 3)], dynamic=N, name="3d"),
    Case(GROUP, trained(nn.GroupNorm(2, 8)), [f32(3, 8)], dynamic=N, name="no-space"),
    Case(
        GROUP, lambda x, w, b: F.group_norm(x, 2, w, b), [X, f32(4), f32(4)], dynamic=[N, None, None], name="computed"
    ),
    Case("aten.group_norm.default", trained(nn.GroupNorm(2, 4)), [X], dynamic=N, whole=False),
    Case("aten.batch_norm.default", trained(nn.BatchNorm2d(4)), [X], dynamic=N, whole=False),
    Case(
        "torch.nn.functional.local_response_norm",
        nn.LocalResponseNorm(3, alpha=0.5),
        [X],
        dynamic=N,
        dtypes=F32,
        whole=False,
    ),
    Case(
        "torch.nn.functional.local_response_norm",
        nn.LocalResponseNorm(2, alpha=0.5, beta=0.5, k=2),
        [f32(2, 4, 6)],
        dynamic=N,
        dtypes=F32,
        whole=False,
        name="even-1d",
    ),
]
