"""Classic converters: functions of one context, and the global mapping of all that are registered."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Final, TypeVar

import torch
from torch.utils import _pytree as pytree

from ..errors import ClassicWarning, PackError, TargetError, warn
from ..packs.converters import Converter
from ..packs.marks import Mark, add_mark
from ..packs.targets import resolve
from ..packs.user import USER, current_packs, forget, note
from ..program.call import Target
from .context import ConversionContext
from .dtypes import get_module_qualname
from .invoke import invoke

Function = TypeVar("Function", bound=Callable[..., Any])


def tensorrt_converter(
    method: str | Callable[..., Any], is_real: bool = True, enabled: bool = True, imports: Sequence[str] = ()
) -> Callable[[Function], Function]:
    """Mark a function of one :class:`ConversionContext` as the converter of ``method``.

    In a script it registers at once and overrides every pack; in a pack the pack's hook registers it.  A method that is
    not there, and ``is_real=False``, are a :class:`ClassicWarning`: the function stands in ``CONVERTERS`` and is never
    called.

    Args:
        method: such as ``"torch.nn.ReLU.forward"``, or the function itself.
        is_real: False for what is no part of the network, such as ``Tensor.size``: sizes need no converter here.
        enabled: False leaves the function unregistered.
        imports: ignored; a target's module is imported by its name.
    """

    def mark(function: Function) -> Function:
        reason = _why_inert(method, is_real) if enabled else None
        if reason:
            warn(f"the converter {function.__qualname__} never runs: {reason}", ClassicWarning)
            CONVERTERS.keep_inert(str(method), function, is_real)
        elif enabled:
            add_mark(function, Mark((method,), invoke=invoke))
            note(function)
        return function

    return mark


def _why_inert(method: str | Callable[..., Any], is_real: bool) -> str | None:
    if not is_real:
        return f"is_real=False of {method} has no meaning here, sizes and shapes need no converter"
    try:
        resolve(method)
    except TargetError as error:
        return str(error)
    return None


@dataclasses.dataclass(frozen=True, slots=True)
class Entry(Converter):
    """A converter as ``CONVERTERS`` has it: with the items of the classic mapping too.

    Setting ``entry["converter"]`` registers another converter of the same target.
    """

    #: False for a converter that is never called, as the classic library calls it beside others
    is_real: bool = True

    def __getitem__(self, item: str) -> Any:
        return self._items()[item]

    def __setitem__(self, item: str, value: Any) -> None:
        if item != "converter":
            raise PackError(f"{item!r} of a registered converter is fixed; register a converter of another target")
        CONVERTERS[self.target.name] = value

    def __contains__(self, item: object) -> bool:
        return item in self._items()

    def keys(self) -> list[str]:
        """The names of the items."""
        return list(self._items())

    def _items(self) -> dict[str, Any]:
        try:
            module, module_name, qual_name = get_module_qualname(self.target.name)
        except RuntimeError:  # an operator, such as aten.relu.default
            module, module_name, qual_name = torch.ops, "torch.ops", self.target.name
        return {
            "converter": self.function if self.invoke is invoke else _classic(self.function),
            "is_real": self.is_real,
            "module": module,
            "module_name": module_name,
            "qual_name": qual_name,
            "method_str": self.target.name,
            "method_impl": self.target.obj,
        }


class Converters(MutableMapping[str, Entry]):
    """The global mapping of what is registered: a target's name to the converter that is asked first."""

    def __init__(self) -> None:
        self._inert: dict[str, Entry] = {}

    def __getitem__(self, target: str) -> Entry:
        if target in self._inert:
            return self._inert[target]
        wanted, first = _first(target)
        fields = {field.name: getattr(first, field.name) for field in dataclasses.fields(Converter)}
        return Entry(**{**fields, "target": wanted})

    def __setitem__(self, target: str, converter: Converter | Mapping[str, Any] | Callable[..., Any]) -> None:
        if isinstance(converter, Converter):
            function = converter.function if converter.invoke is invoke else _classic(converter.function)
        else:
            function = converter["converter"] if isinstance(converter, Mapping) else converter
        tensorrt_converter(target)(function)

    def __delitem__(self, target: str) -> None:
        if self._inert.pop(target, None) is not None:
            return
        _, converter = _first(target)
        if converter.pack is not USER:
            raise PackError(
                f"{target} is converted by pack {converter.pack}, which cannot be changed from here; "
                f"block it with TORCH2TRT_BLOCK={converter.pack.name}, or register a converter of your own"
            )
        forget(converter)

    def keep_inert(self, target: str, function: Callable[..., Any], is_real: bool) -> None:
        """Keep a converter that never runs, for those who look it up."""
        self._inert[target] = Entry(Target(target, "function", function), function, USER, invoke, is_real=is_real)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def _names(self) -> list[str]:
        return [*(target.name for target in current_packs().registry.targets), *self._inert]

    def __repr__(self) -> str:
        return f"<CONVERTERS: {len(self)} targets>"


def _first(name: str) -> tuple[Target, Converter]:
    """The target of a name, and the converter that is asked first for it or for the operator that it is named after."""
    registry = current_packs().registry
    known = {target.name: target for target in registry.targets}
    try:
        target = known.get(name) or resolve(name)
    except TargetError:
        raise KeyError(name) from None
    chain = registry.chain(target.obj) or next(filter(None, map(registry.chain, _operators(target))), ())
    if not chain:
        raise KeyError(name)
    return target, chain[0]


def _operators(target: Target) -> list[Any]:
    """The operators that a function or method of PyTorch is named after."""
    name = target.name.rpartition(".")[2]
    packet = getattr(torch.ops.aten, name, None) if target.level == "function" else None
    return [getattr(packet, overload) for overload in packet.overloads()] if packet is not None else []


def _classic(function: Callable[..., Any]) -> Callable[[ConversionContext], None]:
    """A converter of the new style as one of a classic context."""

    def converter(ctx: ConversionContext) -> None:
        context = ctx.context
        assert context is not None
        args, kwargs = pytree.tree_map_only(
            torch.Tensor, lambda tensor: ctx.trt_tensors.get(tensor, tensor), (ctx.method_args, ctx.method_kwargs)
        )
        returned = pytree.tree_leaves(function(context, *args, **kwargs))
        for output, tensor in zip(pytree.tree_leaves(ctx.method_return), returned, strict=True):
            ctx.trt_tensors[output] = tensor

    converter.__name__ = converter.__qualname__ = getattr(function, "__name__", "converter")
    return converter


#: every registered target by name, with the converter that is asked first
CONVERTERS: Final = Converters()
