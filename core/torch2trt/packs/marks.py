"""Marking functions as converters; nothing is registered until a pack's hook adds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ..errors import TargetError
from .targets import resolve

Function = TypeVar("Function", bound=Callable[..., Any])
#: runs a converter: ``invoke(function, ctx, args, kwargs)`` gives the tensors of the call's results
Invoke = Callable[[Callable[..., Any], Any, Sequence[Any], Mapping[str, Any]], Any]
#: gets the arguments that it names, ``call`` included; returns the reason for declining, or None
Rejects = Callable[..., "str | None"]
#: makes tensors like those of a call without running it; None leaves it to the call itself
ShapeRule = Callable[..., Any]

_MARKS = "__torch2trt_converters__"


def call_with_torch_arguments(
    function: Callable[..., Any], ctx: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """How a converter of the new style runs: ``ctx`` and PyTorch's own arguments."""
    return function(ctx, *args, **kwargs)


@dataclass(frozen=True, slots=True)
class Mark:
    """What a decorator notes on a function; nothing is registered until a pack's hook adds it."""

    targets: tuple[str | Callable[..., Any], ...]
    invoke: Invoke = call_with_torch_arguments
    rejects: Rejects | None = None
    requires: tuple[str, ...] = ()
    fold: bool = True
    shape_rule: ShapeRule | None = None
    stores: tuple[str | type, ...] = ()


def converter(
    *targets: str | Callable[..., Any],
    name: str | None = None,
    rejects: Rejects | None = None,
    requires: str | Sequence[str] = (),
    fold: bool = True,
    shape_rule: ShapeRule | None = None,
    stores: Sequence[str | type] = (),
) -> Callable[[Function], Function]:
    """Mark a function as the converter of one or more targets and return it unchanged.

    The function is called as ``function(ctx, *torch's own arguments)`` and returns one ``trt.ITensor`` for each tensor
    that PyTorch returns.  Runtime tensors arrive as ``trt.ITensor``, parameters, buffers and constants as
    ``torch.Tensor``, sizes as ``int`` or, where they are dynamic, as a 0-d int64 ``trt.ITensor``.

    Args:
        targets: strings such as ``"aten.relu.default"``, ``"torch.nn.functional.gelu"``, ``"torch.nn.ReLU.forward"``,
            or the objects themselves.
        name: the converter's name, for a function that a factory made; its docstring becomes the schema.
        rejects: a function of any of the converter's arguments, by name, and of ``call``, which returns the reason for
            declining this call, or None.  Its runtime tensors are FakeTensors.
        requires: requirements on TensorRT, any of which is enough: ``("tensorrt>=10.13", "rtx>=1.5")``.
        fold: False gives the converter calls of constants too, which PyTorch would compute once during the conversion.
        shape_rule: for functions and modules whose own code would fix a dynamic size, say by a loop over it: a function
            of torch's own arguments that returns tensors like the results, or None to run the original.
        stores: classes, or their names, of objects among the arguments that files may hold by their attributes.
    """
    if not targets:
        raise TargetError("@converter needs at least one target, for example @converter('aten.relu.default')")
    needs = (requires,) if isinstance(requires, str) else tuple(requires)
    mark = Mark(targets, call_with_torch_arguments, rejects, needs, fold, shape_rule, tuple(stores))

    def decorate(function: Function) -> Function:
        if name is not None:
            function.__name__ = function.__qualname__ = name
            overload = resolve(targets[0]).overload
            function.__doc__ = str(overload._schema) if overload is not None else function.__doc__
        return add_mark(function, mark)

    return decorate


def add_mark(function: Function, mark: Mark) -> Function:
    """Note ``mark`` on ``function`` beside those that it has; the function comes back unchanged."""
    setattr(function, _MARKS, (*marks(function), mark))
    return function


def marks(function: object) -> tuple[Mark, ...]:
    """The marks of a function; none for anything else."""
    noted = getattr(function, _MARKS, ())
    return noted if isinstance(noted, tuple) else ()
