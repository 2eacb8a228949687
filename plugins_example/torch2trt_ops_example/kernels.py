"""Triton kernels.  Only the kernels for CUDA import this module: Triton is not there on a machine without a GPU."""

from __future__ import annotations

import torch
import triton
import triton.language as tl


@triton.jit  # type: ignore[untyped-decorator]
def clamped_swiglu_kernel(x, out, count, half, alpha, limit, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, N803
    """One block of the result; Triton takes no types of Python's for parameters."""
    offsets = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = offsets < count
    gates = x + offsets // half * 2 * half + offsets % half
    gate = tl.load(gates, inside).to(tl.float32)
    up = tl.load(gates + half, inside).to(tl.float32)
    # not tl.minimum, which passes over NaN
    gate = tl.where(gate > limit, limit, gate)
    up = tl.where(up > limit, limit, tl.where(up < -limit, -limit, up))
    tl.store(out + offsets, (gate / (1 + tl.exp(-alpha * gate)) * (up + 1)).to(out.dtype.element_ty), inside)


def launch_clamped_swiglu(x: torch.Tensor, alpha: float, limit: float) -> torch.Tensor:
    """The operator on a GPU, on the current stream; one pass over the memory."""
    x = x.contiguous()
    half = x.shape[-1] // 2
    out = x.new_empty((*x.shape[:-1], half))
    if out.numel():
        block = 1024
        clamped_swiglu_kernel[(triton.cdiv(out.numel(), block),)](x, out, out.numel(), half, alpha, limit, BLOCK=block)
    return out
