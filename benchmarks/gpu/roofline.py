"""The least time that a model can take on this GPU, by rates measured in the same run."""

import statistics
from collections.abc import Callable
from typing import Any

import torch
from torch.utils import _pytree as pytree
from torch.utils.flop_counter import FlopCounterMode

from .rows import DTYPES

SIZE, COPIED = 8192, 2**30


def per_second(call: Callable[[], Any], amount: float, repeat: int = 10) -> float:
    """The median rate of something that the GPU does, by CUDA events."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    seconds = []
    for _ in range(repeat + 3):
        start.record()
        call()
        end.record()
        end.synchronize()
        seconds.append(start.elapsed_time(end) / 1e3)
    return amount / statistics.median(seconds[3:])


def measure() -> dict[str, Any]:
    """The rates of square matrix products, in FLOP/s by dtype, and of a copy, in bytes read and written a second.

    TensorRT for RTX multiplies float32 in TF32, so that is a dtype of its own.
    """
    rates = {}
    for name, dtype in {**DTYPES, "tf32": torch.float32}.items():
        torch.backends.cuda.matmul.allow_tf32 = name == "tf32"
        a, b = (torch.randn(SIZE, SIZE, device="cuda", dtype=dtype) for _ in range(2))
        out = torch.empty_like(a)
        rates[name] = per_second(lambda a=a, b=b, out=out: torch.mm(a, b, out=out), 2.0 * SIZE**3)
    source = torch.empty(COPIED, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    return {"flop_per_s": rates, "bytes_per_s": per_second(lambda: target.copy_(source), 2.0 * COPIED)}


def work(model: torch.nn.Module, inputs: list[torch.Tensor]) -> tuple[Any, dict[str, int]]:
    """The outputs, the floating point operations of matrix products and convolutions, and the numbers that must move.

    Those are each parameter, input and output once: what a perfect fusion still reads and writes.  Of the tables of
    embeddings only some rows are read, so they do not count.  Causal attention counts as if it were not masked.
    """
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # one operator for all of an attention, which is not counted
    try:
        with FlopCounterMode(display=False) as counter:
            outputs = model(*inputs)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    tables = {id(module.weight) for module in model.modules() if isinstance(module, torch.nn.Embedding)}
    weights = [tensor for tensor in (*model.parameters(), *model.buffers()) if id(tensor) not in tables]
    tensors = [*weights, *inputs, *pytree.tree_leaves(outputs)]
    return outputs, {"flop": counter.get_total_flops(), "numbers": sum(tensor.numel() for tensor in tensors)}


def described(rates: dict[str, Any] | None) -> str | None:
    """The rates of a run in one line, or why there are none; None where they were not asked for."""
    if rates is None or "failure" in rates:
        return rates and f"roofline: {rates['failure']}"
    products = ", ".join(f"{name} {rate / 1e12:,.0f}" for name, rate in rates["flop_per_s"].items())
    return f"measured: products in TFLOP/s {products}; copies {rates['bytes_per_s'] / 1e9:,.0f} GB/s, read and written"


def bound(row: dict[str, Any], rates: dict[str, Any] | None) -> float | None:
    """The least time of a recorded row in microseconds: by its products or by its memory, whichever takes longer."""
    if "flop_per_s" not in (rates or {}) or "flop" not in row:
        return None
    dtype = "tf32" if row["dtype"] == "fp32" else row["dtype"]
    moved = row["numbers"] * DTYPES[row["dtype"]].itemsize
    return 1e6 * max(row["flop"] / rates["flop_per_s"][dtype], moved / rates["bytes_per_s"])
