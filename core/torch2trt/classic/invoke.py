"""Running a classic converter: its context is filled before, and the tensors that it set are collected after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils import _pytree as pytree

from .._trt import trt
from ..errors import ConversionError
from ..network.context import Context
from .context import ConversionContext, active
from .gone import porting_note
from .sizes import of_shape_tensor


def invoke(
    function: Callable[..., Any],
    ctx: Context,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    keywords: Mapping[str, Any] | None = None,
) -> Any:
    """Run a classic converter on the stand-ins of the call and collect the tensors that it set."""
    classic = context_of(ctx, args, kwargs, keywords)
    with active(classic):
        try:
            function(classic)
        except AttributeError as error:
            if note := porting_note(error):
                raise ConversionError(f"{error}: {note}") from error
            raise
        outputs = []
        for output in pytree.tree_leaves(classic.method_return):
            tensor = classic.trt_tensors.get(hash(output), getattr(output, "_trt", None))
            if tensor is None and isinstance(output, torch.Tensor) and not isinstance(output, FakeTensor):
                tensor = ctx.tensor(output)
            if tensor is None and isinstance(output, torch.Tensor):
                raise ConversionError(
                    f"{function.__name__} set no TensorRT tensor for its output; "
                    "set ctx.trt_tensors[output.__hash__()] or output._trt, where output is ctx.method_return"
                )
            _check_sizes(function, output, tensor)
            outputs.append(tensor)
    return outputs


def context_of(
    ctx: Context, args: Sequence[Any], kwargs: Mapping[str, Any], keywords: Mapping[str, Any] | None = None
) -> ConversionContext:
    """The classic context of a call: stand-ins for runtime tensors, and integers that know their tensor for sizes."""
    call = ctx.call
    flat, spec = pytree.tree_flatten((tuple(call.args), dict(call.kwargs)))
    values = pytree.tree_leaves((tuple(args), dict(kwargs)))
    given = [
        of_shape_tensor(ctx, one, value) if isinstance(one, torch.SymInt) else one
        for one, value in zip(flat, values, strict=True)
    ]
    method_args, method_kwargs = pytree.tree_unflatten(given, spec)
    computed = _computed(ctx, values)
    returned = call.result if computed is None else computed
    classic = ConversionContext(ctx.network, method_args, method_kwargs, returned, call.target.name)
    classic.context, classic.torch2trt_kwargs = ctx, _defaults(ctx, keywords)
    for stand_in, value in zip(flat, values, strict=True):
        if isinstance(stand_in, torch.Tensor) and isinstance(value, trt.ITensor):
            classic.trt_tensors[stand_in] = value
            stand_in._trt = value  # type: ignore[attr-defined]  # where classic converters look for it
    return classic


def _computed(ctx: Context, values: Sequence[Any]) -> Any:
    """What a call returns that nothing known at run time goes into, with its data; None for all other calls."""
    call = ctx.call
    varies = any(isinstance(size, torch.SymInt) for one in call.results for size in getattr(one, "shape", ()))
    if varies or any(isinstance(value, (trt.ITensor, torch.Tensor, torch.nn.Module)) for value in values):
        return None
    with torch.no_grad():
        return pytree.tree_unflatten(call.run(ctx.args, ctx.kwargs), pytree.tree_structure(call.result))


def _defaults(ctx: Context, keywords: Mapping[str, Any] | None) -> dict[str, Any]:
    """What ``ctx.torch2trt_kwargs`` has in a conversion that the classic function did not begin."""
    return {"fp16_mode": ctx.settings.precision is torch.float16, "int8_mode": False, **(keywords or {})}


def _check_sizes(function: Callable[..., Any], output: Any, tensor: Any) -> None:
    """Refuse an output with a fixed size where it varies: in the classic style a size is an int, and looks static."""
    if not isinstance(output, torch.Tensor) or not isinstance(tensor, trt.ITensor):
        return
    try:
        sizes = tuple(tensor.shape)
    except (ValueError, RuntimeError):  # said where results are held against PyTorch's
        return
    every: tuple[Any, ...] = tuple(output.shape)
    for index, (size, wanted) in enumerate(zip(sizes, every, strict=False)):
        if isinstance(wanted, torch.SymInt) and size != -1:
            raise ConversionError(
                f"{function.__name__} fixed size {index} of its output at {size}, and it varies ({wanted}); give "
                "layers the sizes as tensors: layer.set_input(1, make_size_wrapper(sizes)._trt), or -1 in reshape_dims"
            )
