"""The classic API: ``torch2trt``, ``tensorrt_converter`` and the helpers that its converters call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch.utils import _pytree as pytree

from ._trt import trt
from .context import Context
from .converters import Mark, add_mark
from .errors import ConversionError, InputError
from .inputs import Input
from .settings import Settings
from .user import note

Function = TypeVar("Function", bound=Callable[..., Any])


class TensorMap(MutableMapping[Any, "trt.ITensor"]):
    """PyTorch tensors to TensorRT tensors, looked up by the tensor or by its hash."""

    def __init__(self) -> None:
        self._by_hash: dict[int, trt.ITensor] = {}

    def __getitem__(self, tensor: torch.Tensor | int) -> trt.ITensor:
        try:
            return self._by_hash[hash(tensor)]
        except KeyError:
            raise KeyError("this tensor is not one of the call's runtime tensors") from None

    def __setitem__(self, tensor: torch.Tensor | int, value: trt.ITensor) -> None:
        self._by_hash[hash(tensor)] = value

    def __delitem__(self, tensor: torch.Tensor | int) -> None:
        del self._by_hash[hash(tensor)]

    def __iter__(self) -> Iterator[int]:
        return iter(self._by_hash)

    def __len__(self) -> int:
        return len(self._by_hash)


@dataclass(eq=False)
class ConversionContext:
    """What a classic converter gets: the network and the intercepted call.

    Runtime tensors in ``method_args``, ``method_kwargs`` and ``method_return`` are stand-ins with shape and dtype;
    modules, parameters and constants are the real ones.
    """

    network: trt.INetworkDefinition
    method_args: tuple[Any, ...]
    method_kwargs: dict[str, Any]
    method_return: Any
    method_str: str
    #: read for inputs, written for outputs
    trt_tensors: TensorMap = field(default_factory=TensorMap)
    #: the context of the new style: constants, weights and settings
    context: Context | None = None


def tensorrt_converter(
    method: str | Callable[..., Any], is_real: bool = True, enabled: bool = True, imports: Sequence[str] = ()
) -> Callable[[Function], Function]:
    """Mark a function of one :class:`ConversionContext` as the converter of ``method``.

    In a script it registers at once and overrides every pack; in a pack the pack's hook registers it.

    Args:
        method: such as ``"torch.nn.ReLU.forward"``, or the function itself.
        is_real: only True; converters of calls that are not traced have no meaning here.
        enabled: False leaves the function unregistered.
        imports: ignored; a target's module is imported by its name.
    """
    if not is_real:
        raise InputError("is_real=False has no meaning here: attributes such as Tensor.shape need no converter")

    def mark(function: Function) -> Function:
        if enabled:
            add_mark(function, Mark((method,), invoke=_invoke))
            note(function)
        return function

    return mark


def _invoke(function: Callable[..., Any], ctx: Context, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run a classic converter on the stand-ins of the call and collect the tensors that it set."""
    call = ctx.call
    classic = ConversionContext(ctx.network, call.args, call.kwargs, call.result, call.target.name, context=ctx)
    stand_ins, values = pytree.tree_leaves((call.args, call.kwargs)), pytree.tree_leaves((tuple(args), dict(kwargs)))
    for stand_in, value in zip(stand_ins, values, strict=True):
        if isinstance(stand_in, torch.Tensor) and isinstance(value, trt.ITensor):
            classic.trt_tensors[stand_in] = value
            stand_in._trt = value  # type: ignore[attr-defined]
    function(classic)
    found = []
    for output in call.results:
        tensor = classic.trt_tensors.get(hash(output), getattr(output, "_trt", None))
        if tensor is None and isinstance(output, torch.Tensor):
            raise ConversionError(
                f"{function.__name__} set no TensorRT tensor for its output; "
                "set ctx.trt_tensors[output.__hash__()] or output._trt, where output is ctx.method_return"
            )
        found.append(tensor)
    return found


def get_arg(ctx: ConversionContext, name: str, pos: int, default: Any) -> Any:
    """The argument ``name`` of the call, given by keyword or at position ``pos``."""
    if name in ctx.method_kwargs:
        return ctx.method_kwargs[name]
    return ctx.method_args[pos] if len(ctx.method_args) > pos else default


def trt_(network: trt.INetworkDefinition, *tensors: Any) -> Any:
    """The TensorRT tensors of PyTorch tensors and numbers, broadcast to one rank; one alone comes back alone."""
    found = broadcast_trt_tensors(network, add_missing_trt_tensors(network, tensors), _rank(tensors))
    return found[0] if len(found) == 1 else tuple(found)


def add_missing_trt_tensors(network: trt.INetworkDefinition, tensors: Sequence[Any]) -> list[trt.ITensor]:
    """The TensorRT tensor of each runtime tensor, a constant layer for each constant or number.

    Raises:
        ConversionError: a runtime tensor without a TensorRT tensor; it is never frozen into a constant.
    """
    from torch._subclasses.fake_tensor import FakeTensor

    dtype = next((t.dtype for t in tensors if isinstance(t, torch.Tensor)), None)
    found: list[trt.ITensor] = []
    for tensor in tensors:
        known = getattr(tensor, "_trt", None)
        if known is None:
            if isinstance(tensor, FakeTensor):
                raise ConversionError(f"a runtime tensor of shape {tuple(tensor.shape)} has no TensorRT tensor")
            value = tensor if isinstance(tensor, torch.Tensor) else torch.tensor(tensor, dtype=dtype)
            array = value.detach().cpu().contiguous().numpy()
            known = network.add_constant(tuple(value.shape), array).get_output(0)
        found.append(known)
    return found


def broadcast_trt_tensors(
    network: trt.INetworkDefinition, tensors: Sequence[trt.ITensor], broadcast_ndim: int
) -> list[trt.ITensor]:
    """Prepend dimensions of size 1 up to a rank of ``broadcast_ndim``."""
    found = []
    for tensor in tensors:
        missing = broadcast_ndim - len(tensor.shape)
        if missing > 0:
            layer = network.add_shuffle(tensor)
            if -1 in tuple(tensor.shape)[1:]:
                raise ConversionError(
                    "broadcast_trt_tensors cannot raise the rank of a tensor with several dynamic sizes"
                )
            layer.reshape_dims = (1,) * missing + tuple(tensor.shape)
            tensor = layer.get_output(0)
        found.append(tensor)
    return found


def torch_dim_to_trt_axes(dim: int | Sequence[int], ndim: int) -> int:
    """TensorRT's bit mask of PyTorch's dimensions."""
    return sum(1 << (d % ndim) for d in ((dim,) if isinstance(dim, int) else dim))


def _rank(tensors: Sequence[Any]) -> int:
    return max((t.dim() for t in tensors if isinstance(t, torch.Tensor)), default=0)


def torch2trt(
    module: torch.nn.Module,
    inputs: Sequence[Any],
    *,
    min_shapes: Sequence[Sequence[int]] | None = None,
    opt_shapes: Sequence[Sequence[int]] | None = None,
    max_shapes: Sequence[Sequence[int]] | None = None,
    max_batch_size: int | None = None,
    fp16_mode: bool = False,
    max_workspace_size: int | None = None,
    **settings: Any,
) -> Any:
    """Convert a module, with the arguments of the classic API.

    Args:
        module: the module, in eval mode.
        inputs: example inputs, a list of tensors.
        min_shapes, opt_shapes, max_shapes: one shape for each input, for dynamic sizes.
        max_batch_size: the first size of every input varies from 1 to this.
        fp16_mode: compute in float16; inputs and outputs keep their dtypes.
        max_workspace_size: bytes of scratch memory.
        settings: fields of :class:`Settings`.

    Returns:
        a :class:`TRTModule`.
    """
    from .api import convert

    known = set(Settings.__dataclass_fields__)
    if unknown := sorted(set(settings) - known):
        raise InputError(
            f"torch2trt() has no {', '.join(unknown)}: networks are strongly typed, so int8 and mixed precision "
            "come from the model. It takes fp16_mode, max_batch_size, min_shapes, opt_shapes, max_shapes, "
            + ", ".join(sorted(known))
        )
    tensors = list(inputs)
    described: list[Any] = tensors
    if min_shapes or max_shapes or max_batch_size:
        described = [
            Input(
                min=tuple(min_shapes[i]) if min_shapes else ((1, *t.shape[1:]) if max_batch_size else tuple(t.shape)),
                opt=tuple(opt_shapes[i]) if opt_shapes else tuple(t.shape),
                max=tuple(max_shapes[i])
                if max_shapes
                else ((max_batch_size, *t.shape[1:]) if max_batch_size else tuple(t.shape)),
                dtype=t.dtype,
            )
            for i, t in enumerate(tensors)
        ]
    if fp16_mode:
        settings["precision"] = torch.float16
    if max_workspace_size is not None:
        settings["workspace"] = max_workspace_size
    return convert(module, described, **settings)
