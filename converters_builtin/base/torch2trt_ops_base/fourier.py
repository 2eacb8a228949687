"""Fourier transforms of static length, as products with constant matrices.

A transform is linear, so the rows of its matrix are what it makes of the unit vectors: PyTorch computes them, in
float64, once during the conversion.  One that is longer than a matrix should be is made of two shorter ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch

from .complex_arithmetic import times
from .pairs import Emitter, Pair, Rule, aten

#: a transform of up to this length is one product
ONE_PRODUCT: Final = 2048
#: makes a call, along dimension 1, of a matrix whose rows are what is transformed
Transform = Callable[[Any], Any]


def _c2c(emit: Emitter, input: Any, dim: Sequence[int], normalization: int, forward: bool) -> Pair | None:
    pair = emit.pair(input)
    axes = _axes(emit, dim)
    if not all(_factors(_length(pair, axis)) for axis in axes):
        return None
    for axis in axes:
        pair = _one_c2c(emit, pair, axis, normalization, forward)
    return pair


def _r2c(emit: Emitter, input: Any, dim: Sequence[int], normalization: int, onesided: bool) -> Pair | None:
    *others, last = _axes(emit, dim)
    length = _length(input, last)
    if not all(_factors(_length(input, axis)) for axis in (*others, last)):
        return None
    if length > ONE_PRODUCT:
        pair = _one_c2c(emit, Pair(input, 0.0), last, normalization, True)
        if onesided:
            pair = Pair(*(emit(aten.slice.Tensor, part, last, 0, length // 2 + 1) for part in pair.parts))
    else:
        transform = _call(emit, aten._fft_r2c.default, normalization, onesided)
        pair = _halves(emit, *_product(emit, [input], last, torch.float64, transform))
    return _c2c(emit, pair, others, normalization, True)


def _c2r(emit: Emitter, input: Any, dim: Sequence[int], normalization: int, last_dim_size: Any) -> Any:
    *others, last = _axes(emit, dim)
    pair = _c2c(emit, input, others, normalization, False)
    if pair is None or not _factors(last_dim_size):
        return None
    if last_dim_size > ONE_PRODUCT:
        return _one_c2c(emit, _mirrored(emit, pair, last, last_dim_size), last, normalization, False).real
    transform = _call(emit, aten._fft_c2r.default, normalization, last_dim_size)
    columns, restore = _product(emit, emit.whole(pair), last, torch.complex128, transform)
    return restore(columns)


def _call(emit: Emitter, overload: Any, *rest: Any) -> Transform:
    return lambda rows: emit(overload, rows, [1], *rest)


def _axes(emit: Emitter, dim: Sequence[int]) -> list[int]:
    return [axis % emit.example.dim() for axis in dim]


def _length(value: Any, dim: int) -> Any:
    node: Any = value.real if isinstance(value, Pair) else value
    return node.meta["val"].shape[dim]


def _factors(length: Any) -> tuple[int, int] | None:
    """Two lengths of one product each that make ``length``; None where there are none."""
    if not isinstance(length, int) or length < 1:
        return None
    return next(
        ((length // n, n) for n in range(math.isqrt(length), 0, -1) if length % n == 0 and length // n <= ONE_PRODUCT),
        None,
    )


def _one_c2c(emit: Emitter, pair: Pair, dim: int, normalization: int, forward: bool) -> Pair:
    """A transform along one dimension."""
    length = _length(pair, dim)
    if length > ONE_PRODUCT:
        return _in_two(emit, pair, dim, normalization, forward)
    real = not isinstance(pair.imag, torch.fx.Node) and pair.imag == 0
    transform = _call(emit, aten._fft_c2c.default, normalization, forward)
    rows = [pair.real] if real else emit.whole(pair)
    return _halves(emit, *_product(emit, rows, dim, torch.complex128, transform))


def _in_two(emit: Emitter, pair: Pair, dim: int, normalization: int, forward: bool) -> Pair:
    """The transform of ``a * b`` numbers: ``b`` of length ``a``, a turn of each result, ``a`` of length ``b``."""
    length = _length(pair, dim)
    a, b = _factors(length) or (1, length)

    def parted(part: Any) -> Any:
        if not isinstance(part, torch.fx.Node):
            return part
        sizes = emit.sizes(part)
        return emit.view(part, [*sizes[:dim], a, b, *sizes[dim + 1 :]])

    columns = _one_c2c(emit, Pair(*map(parted, pair.parts)), dim, normalization, forward)
    rank = emit.example.dim() - dim - 1
    turned = times(emit, columns, _turns(emit, a, b, rank, -1 if forward else 1, columns.real))
    rows = _one_c2c(emit, turned, dim + 1, normalization, forward)
    order = [*range(dim), dim + 1, dim, *range(dim + 2, dim + 2 + rank)]

    def joined(part: Any) -> Any:
        sizes = emit.sizes(part)
        swapped = emit(aten.permute.default, part, order)
        return emit.view(swapped, [*sizes[:dim], length, *sizes[dim + 2 :]])

    return Pair(*map(joined, rows.parts))


def _turns(emit: Emitter, a: int, b: int, rank: int, sign: int, like: Any) -> Pair:
    """``exp(sign * 2j * pi * k * j / (a * b))`` of all ``k < a`` and ``j < b``, with ``rank`` dimensions after them."""
    device, dtype = emit.example.device, like.meta["val"].dtype
    steps = [emit(aten.arange.default, count, device=device, dtype=torch.float64) for count in (a, b)]
    product = emit(aten.mul.Tensor, emit(aten.view.default, steps[0], [a, 1]), steps[1])
    angle = emit(aten.mul.Tensor, emit(aten.view.default, product, [a, b] + [1] * rank), sign * 2 * math.pi / (a * b))
    return Pair(*(emit.cast(emit(function, angle), dtype) for function in (aten.cos.default, aten.sin.default)))


def _mirrored(emit: Emitter, pair: Pair, dim: int, length: int) -> Pair:
    """All numbers of a spectrum of which the second half, the conjugate of the first, was left out."""
    real, imag = emit.whole(pair)

    def second(part: Any) -> Any:
        return emit(aten.flip.default, emit(aten.slice.Tensor, part, dim, 1, (length + 1) // 2), [dim])

    both = (real, second(real)), (imag, emit(aten.neg.default, second(imag)))
    return Pair(*(emit(aten.cat.default, list(parts), dim) for parts in both))


def _product(
    emit: Emitter, parts: Sequence[Any], dim: int, dtype: torch.dtype, transform: Transform
) -> tuple[Any, Callable[[Any], Any]]:
    """The transform of one dimension, with that last, and what brings it back to its place.

    Args:
        emit: the emitter.
        parts: the real part, and the imaginary one where there is one.
        dim: which dimension.
        dtype: of what is transformed.
        transform: the transform.
    """
    example = parts[0].meta["val"]
    others = [axis for axis in range(example.dim()) if axis != dim]
    order = [*others, dim]
    back = sorted(range(example.dim()), key=order.__getitem__)

    def permuted(node: Any, order: list[int]) -> Any:
        return node if order == sorted(order) else emit(aten.permute.default, node, order)

    rows = [permuted(part, order) for part in parts]
    row = rows[0] if len(rows) == 1 else emit(aten.cat.default, rows, len(others))
    matrix = _matrix(emit, example.shape[dim], len(parts), dtype, transform)
    product = emit(aten.matmul.default, row, emit.cast(matrix, example.dtype))
    return product, lambda node: permuted(node, back)


def _matrix(emit: Emitter, length: int, parts: int, dtype: torch.dtype, transform: Transform) -> Any:
    """The matrix: a row for each real unit vector, then for each imaginary one; columns in the same order."""
    basis = emit(aten.eye.default, length, dtype=dtype, device=emit.example.device)
    if parts == 2:
        basis = emit(aten.cat.default, [basis, emit(aten.mul.Tensor, basis, 1j)], 0)
    result = transform(basis)
    if not result.meta["val"].is_complex():
        return result
    rows, columns = result.meta["val"].shape
    halves = emit(aten.permute.default, emit(aten.view_as_real.default, result), [0, 2, 1])
    return emit.view(halves, [rows, 2 * columns])


def _halves(emit: Emitter, columns: Any, restore: Callable[[Any], Any]) -> Pair:
    """The pair of which the last dimension has the real numbers, then the imaginary ones."""
    example = columns.meta["val"]
    last, middle = example.dim() - 1, example.shape[-1] // 2
    bounds = ((0, middle), (middle, 2 * middle))
    return Pair(*(restore(emit(aten.slice.Tensor, columns, last, *ends)) for ends in bounds))


#: the rule of each operator
FOURIER: Final[dict[str, Rule]] = {"_fft_c2c": _c2c, "_fft_r2c": _r2c, "_fft_c2r": _c2r}
