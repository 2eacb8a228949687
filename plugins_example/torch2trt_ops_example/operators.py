"""Custom operators, as a PyTorch user writes them."""

from __future__ import annotations

import torch
from torch2trt import plugin


@plugin
@torch.library.custom_op("torch2trt_example::clamped_swiglu", mutates_args=(), device_types="cpu")
def clamped_swiglu(x: torch.Tensor, alpha: float = 1.702, limit: float = 7.0) -> torch.Tensor:
    """``gate * sigmoid(alpha * gate) * (up + 1)`` of the two halves of the last dimension.

    ``gate`` is at most ``limit``, ``up`` between ``-limit`` and ``limit``: the activation of the experts of gpt-oss.
    Computed in float32, whatever the dtype, as the kernel for GPUs does.
    """
    gate, up = x.float().chunk(2, -1)
    gate, up = gate.clamp(max=limit), up.clamp(-limit, limit)
    return (gate * torch.sigmoid(alpha * gate) * (up + 1)).to(x.dtype)


@clamped_swiglu.register_kernel("cuda")
def _(x: torch.Tensor, alpha: float = 1.702, limit: float = 7.0) -> torch.Tensor:
    # Triton is there where PyTorch was built for CUDA, and compiles nothing before it is asked
    from .kernels import launch_clamped_swiglu

    return launch_clamped_swiglu(x, alpha, limit)


@clamped_swiglu.register_fake
def _(x: torch.Tensor, alpha: float = 1.702, limit: float = 7.0) -> torch.Tensor:
    torch._check(x.shape[-1] % 2 == 0, lambda: f"the last dimension is {x.shape[-1]}, which has no two halves")
    return x.new_empty((*x.shape[:-1], x.shape[-1] // 2))


@torch.library.custom_op("torch2trt_example::scaled_tanh", mutates_args=())
def scaled_tanh(x: torch.Tensor, scale: float) -> torch.Tensor:
    """``scale * tanh(x / scale)``: a soft clamp to ``-scale .. scale``."""
    return scale * torch.tanh(x / scale)


@scaled_tanh.register_fake
def _(x: torch.Tensor, scale: float) -> torch.Tensor:
    return torch.empty_like(x)
