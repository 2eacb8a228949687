"""Sizes as integers that know their tensor in the network, for classic converters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any

import torch
from torch.utils import _pytree as pytree

from .._trt import trt
from ..errors import ConversionError
from ..network.context import Context
from .context import ConversionContext, get_conversion_context


class IntWrapper(int):
    """A size: an int with the value of the example, and in ``_trt`` an int64 tensor of one element.

    Sums, differences, products and quotients of sizes are sizes.
    """

    _raw_trt: Any = None

    @property
    def _trt(self) -> trt.ITensor:
        if self._raw_trt is None:
            self._raw_trt = _context().tensor(torch.tensor([int.__int__(self)]))
        known: trt.ITensor = self._raw_trt
        return known

    def __add__(self, other: int) -> IntWrapper:
        return _computed(int.__add__, trt.ElementWiseOperation.SUM, self, other)

    def __sub__(self, other: int) -> IntWrapper:
        return _computed(int.__sub__, trt.ElementWiseOperation.SUB, self, other)

    def __mul__(self, other: int) -> IntWrapper:
        return _computed(int.__mul__, trt.ElementWiseOperation.PROD, self, other)

    def __floordiv__(self, other: int) -> IntWrapper:
        return _computed(int.__floordiv__, trt.ElementWiseOperation.FLOOR_DIV, self, other)

    def __radd__(self, other: int) -> IntWrapper:
        return make_int_wrapper(other) + self

    def __rsub__(self, other: int) -> IntWrapper:
        return make_int_wrapper(other) - self

    def __rmul__(self, other: int) -> IntWrapper:
        return make_int_wrapper(other) * self

    def __rfloordiv__(self, other: int) -> IntWrapper:
        return make_int_wrapper(other) // self


class SizeWrapper(tuple[IntWrapper, ...]):
    """A shape: a tuple of sizes, and in ``_trt`` an int64 tensor of them."""

    __slots__ = ()

    @property
    def _trt(self) -> trt.ITensor:
        return _context().network.add_concatenation([size._trt for size in self]).get_output(0)


def make_int_wrapper(size: Any) -> IntWrapper:
    """A size of a stand-in, or a number, as an :class:`IntWrapper`.

    Raises:
        ConversionError: a size that varies and is of no tensor of the call.
    """
    if isinstance(size, IntWrapper):
        return size
    if isinstance(size, torch.SymInt):
        return _of_a_tensor(size, _classic())
    return IntWrapper(size)


def wrap_ints(sizes: Iterable[Any]) -> Iterator[IntWrapper]:
    """Each size as an :class:`IntWrapper`."""
    return map(make_int_wrapper, sizes)


def make_size_wrapper(sizes: Iterable[Any]) -> SizeWrapper:
    """Sizes as a :class:`SizeWrapper`."""
    return SizeWrapper(wrap_ints(sizes))


def of_shape_tensor(context: Context, size: torch.SymInt, value: Any) -> IntWrapper:
    """A size that a call gets, with the 0-d tensor, or the number, that it is in the network."""
    wrapped = IntWrapper(_hint(size))
    wrapped._raw_trt = context.tensor(value, torch.int64, ndim=1)
    return wrapped


class use_shape_wrapping:  # noqa: N801
    """Does nothing: shapes of stand-ins are wrapped by :func:`make_size_wrapper` alone."""

    def __init__(self, value: bool) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        pass


def _computed(
    function: Callable[[int, int], int], operation: trt.ElementWiseOperation, left: IntWrapper, right: int
) -> IntWrapper:
    result = IntWrapper(function(left, int.__int__(right)))
    layer = _context().network.add_elementwise(left._trt, make_int_wrapper(right)._trt, operation)
    result._raw_trt = layer.get_output(0)
    return result


def _of_a_tensor(size: torch.SymInt, classic: ConversionContext) -> IntWrapper:
    """A size that varies, read from a tensor of the call that has it."""
    tensors = pytree.tree_leaves((classic.method_args, classic.method_kwargs))
    for tensor in (one for one in tensors if isinstance(one, torch.Tensor) and one in classic.trt_tensors):
        every: tuple[Any, ...] = tuple(tensor.shape)
        for index, other in enumerate(every):
            if isinstance(other, torch.SymInt) and other.node.expr == size.node.expr:
                shape = classic.network.add_shape(classic.trt_tensors[tensor]).get_output(0)
                wrapped = IntWrapper(_hint(size))
                wrapped._raw_trt = classic.network.add_slice(shape, (index,), (1,), (1,)).get_output(0)
                return wrapped
    raise ConversionError(f"no tensor of the call has the size {size}, so it cannot be read")


def _hint(size: torch.SymInt) -> int:
    hint = size.node.hint
    return 2 if hint is None else int(hint)


def _classic() -> ConversionContext:
    classic = get_conversion_context()
    if classic is None:
        raise ConversionError("sizes have a tensor only while a classic converter runs")
    return classic


def _context() -> Context:
    context = _classic().context
    assert context is not None
    return context
