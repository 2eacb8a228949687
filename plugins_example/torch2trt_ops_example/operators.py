"""A custom operator, as a PyTorch user writes one."""

from __future__ import annotations

import torch


@torch.library.custom_op("torch2trt_example::scaled_tanh", mutates_args=())
def scaled_tanh(x: torch.Tensor, scale: float) -> torch.Tensor:
    """``scale * tanh(x / scale)``: a soft clamp to ``-scale .. scale``."""
    return scale * torch.tanh(x / scale)


@scaled_tanh.register_fake
def _(x: torch.Tensor, scale: float) -> torch.Tensor:
    return torch.empty_like(x)
