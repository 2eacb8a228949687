"""Kernels that are queued while the one before them runs."""

from __future__ import annotations

import functools
from typing import Any

import torch


@functools.cache
def ahead(device: torch.device) -> dict[str, Any]:
    """How Triton queues kernels ahead: they wait for what was computed before with ``gdc_wait``.

    By then their weights are on the way.  Empty for GPUs that cannot: it takes compute capability 9.0.
    """
    is_new = device.type == "cuda" and torch.version.hip is None and torch.cuda.get_device_capability(device) >= (9, 0)
    return {"launch_pdl": True} if is_new else {}
