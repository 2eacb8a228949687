"""Classic converters: functions of one context, and the global mapping of all that are registered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Final, TypeVar

import torch
from torch.utils import _pytree as pytree

from .._trt import trt
from ..errors import ConversionError, InputError, PackError
from ..network.context import Context
from ..packs.converters import Converter
from ..packs.marks import Mark, add_mark
from ..packs.targets import resolve
from ..packs.user import USER, current_packs, forget, note
from .context import ConversionContext

Function = TypeVar("Function", bound=Callable[..., Any])


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
    outputs = []
    for output in call.results:
        tensor = classic.trt_tensors.get(hash(output), getattr(output, "_trt", None))
        if tensor is None and isinstance(output, torch.Tensor):
            raise ConversionError(
                f"{function.__name__} set no TensorRT tensor for its output; "
                "set ctx.trt_tensors[output.__hash__()] or output._trt, where output is ctx.method_return"
            )
        outputs.append(tensor)
    return outputs


class Converters(MutableMapping[str, Converter]):
    """The global mapping of what is registered: a target's name to the converter that is asked first."""

    def __getitem__(self, target: str) -> Converter:
        chain = current_packs().registry.chain(resolve(target).obj)
        if not chain:
            raise KeyError(target)
        return chain[0]

    def __setitem__(self, target: str, converter: Converter | Callable[..., Any]) -> None:
        tensorrt_converter(target)(converter.function if isinstance(converter, Converter) else converter)

    def __delitem__(self, target: str) -> None:
        converter = self[target]
        if converter.pack is not USER:
            raise PackError(
                f"{target} is converted by pack {converter.pack}, which cannot be changed from here; "
                f"block it with TORCH2TRT_BLOCK={converter.pack.name}, or register a converter of your own"
            )
        forget(converter.function)

    def __iter__(self) -> Iterator[str]:
        return iter(target.name for target in current_packs().registry.targets)

    def __len__(self) -> int:
        return len(current_packs().registry.targets)

    def __repr__(self) -> str:
        return f"<CONVERTERS: {len(self)} targets>"


#: every registered target by name, with the converter that is asked first
CONVERTERS: Final = Converters()
