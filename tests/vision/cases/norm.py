"""Normalization."""

import functools

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


def statistics(x):
    """A running mean and variance of four channels."""
    return torch.zeros(4, dtype=x.dtype), torch.ones(4, dtype=x.dtype)


def updated(x, mean, variance, momentum):
    """Training: the normalized input, and the running statistics after it."""
    mean, variance = mean.clone(), variance.clone()
    return F.batch_norm(x, mean, variance, training=True, momentum=momentum), mean, variance


def of_batch(x):
    """With the statistics of the batch."""
    return torch.ops.aten._native_batch_norm_legit.no_stats(x, None, None, True, 0.1, 1e-5)


def of_groups(x):
    """With the statistics of the groups."""
    return torch.ops.aten.native_group_norm(x, None, None, x.shape[0], 4, 30, 2, 1e-5)


def without_training(x):
    """With statistics of no elements."""
    return torch.ops.aten._native_batch_norm_legit_no_training(x, None, None, *statistics(x), 0.1, 1e-5)


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
    Case(OF_BATCH, trained(nn.BatchNorm1d(4, track_running_stats=False)), [f32(3, 4, 5)], dynamic=N, name="sequence"),
    Case(OF_BATCH, lambda x: F.batch_norm(x, None, None, training=True), [f32(2, 4, 3, 2, 3, 2)], dynamic=N, name="4d"),
    Case(OF_BATCH, of_batch, [X], dtypes=F32, rejects="statistics are results", name="statistics"),
    Case(INFERENCE, without_training, [X], dtypes=F32, name="statistics"),
    Case(
        "aten._native_batch_norm_legit_functional.default",
        lambda x: F.batch_norm(x, *statistics(x), training=True),
        [X],
        dynamic=ALL,
        dynamic_min=2,
        whole=False,
        name="training",
    ),
    *(
        Case(
            "aten._native_batch_norm_legit_functional.default",
            functools.partial(updated, momentum=momentum),
            [shape, f32(4), f32(4, low=0.5, high=2)],
            dynamic=[N, None, None],
            dynamic_min=2,
            dtypes=F32,
            whole=False,
            name=f"updates-{len(shape.shape)}d-{momentum}",
        )
        for shape, momentum in ((X, 0.1), (f32(5, 4), 0.5), (f32(2, 4, 7), 1.0))
    ),
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
    Case(GROUP, trained(nn.GroupNorm(1, 8)), [f32(3, 8)], dynamic=N, name="no-space-one-group"),
    Case(GROUP, trained(nn.GroupNorm(2, 4)), [f32(2, 4, 3, 2, 3, 2)], dynamic=N, name="4d"),
    Case(GROUP, trained(nn.GroupNorm(32, 64)), [f32(2, 64, 4, 4)], dynamic=N, name="32-groups"),
    Case(GROUP, of_groups, [X], dtypes=F32, rejects="statistics are results", name="statistics"),
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
