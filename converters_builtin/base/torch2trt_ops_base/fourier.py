"""Fourier transforms of static length, as products with constant matrices.

A transform is linear, so the rows of its matrix are what it makes of the unit vectors: PyTorch computes them, in
float64, once during the conversion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import torch

from .complex_rules import Rule
from .pairs import Emitter, Pair, aten

#: a matrix of more numbers than this costs more than a transform is worth
LONGEST: Final = 4096


def _lengths_fit(lengths: Sequence[Any]) -> bool:
    return all(isinstance(length, int) and 0 < length <= LONGEST for length in lengths)


def _length(value: torch.fx.Node | Pair, dim: int) -> Any:
    node = value if isinstance(value, torch.fx.Node) else value.real
    assert isinstance(node, torch.fx.Node)
    return node.meta["val"].shape[dim]


def _along(emit: Emitter, value: torch.fx.Node | Pair, dim: int, transform: Callable[[Any], Any], real: bool) -> Any:
    """A transform of one dimension.

    Args:
        emit: the emitter.
        value: a real tensor or a pair.
        dim: which dimension, from 0.
        transform: makes the call, along dimension 1, of what is given.
        real: whether the transform gives real numbers.
    """
    alone = isinstance(value, Pair) and not isinstance(value.imag, torch.fx.Node) and value.imag == 0
    parts = [value] if isinstance(value, torch.fx.Node) else list(emit.whole(value))[: 1 if alone else 2]
    ndim = parts[0].meta["val"].dim()
    order = [*(axis for axis in range(ndim) if axis != dim), dim]
    rows = [emit(aten.permute.default, part, order) if order[-1] != ndim - 1 or dim != ndim - 1 else part for part in parts]
    row = rows[0] if len(rows) == 1 else emit(aten.cat.default, rows, ndim - 1)
    matrix = _matrix(emit, _length(value, dim), isinstance(value, Pair), len(parts), transform, rows[0].meta["val"].dtype)
    columns = emit(aten.matmul.default, row, matrix)
    width = matrix.meta["val"].shape[1]
    back = sorted(range(ndim), key=order.__getitem__)

    def restored(first: int, last: int) -> Any:
        part = columns if last - first == width else emit(aten.slice.Tensor, columns, ndim - 1, first, last)
        return part if back == list(range(ndim)) else emit(aten.permute.default, part, back)

    return restored(0, width) if real else Pair(restored(0, width // 2), restored(width // 2, width))


def _matrix(emit: Emitter, length: int, is_complex: bool, parts: int, transform: Callable[[Any], Any], dtype: Any) -> Any:
    """The matrix, whose rows are first of the real unit vectors, then of the imaginary ones."""
    device = emit.example.device
    wide = torch.complex128 if is_complex else torch.float64
    basis = emit(aten.eye.default, length, dtype=wide, device=device)
    if parts == 2:
        basis = emit(aten.cat.default, [basis, emit(aten.mul.Tensor, basis, 1j)], 0)
    result = transform(basis)
    if result.meta["val"].is_complex():
        pairs = emit(aten.view_as_real.default, result)
        count, columns = result.meta["val"].shape
        ordered = emit(aten.permute.default, pairs, [0, 2, 1])
        result = emit(aten.reshape.default, ordered, [count, 2 * columns])
    return emit.cast(result, dtype)


def _c2c(emit: Emitter, input: Any, dim: Sequence[int], normalization: int, forward: bool) -> Pair | None:
    value = input if isinstance(input, Pair) else emit.pair(input)
    axes = [axis % emit.example.dim() for axis in dim]
    if not _lengths_fit([_length(value, axis) for axis in axes]):
        return None
    for axis in axes:
        value = _along(
            emit, value, axis, lambda basis: emit(aten._fft_c2c.default, basis, [1], normalization, forward), False
        )
    return value


def _r2c(emit: Emitter, input: Any, dim: Sequence[int], normalization: int, onesided: bool) -> Pair | None:
    axes = [axis % emit.example.dim() for axis in dim]
    if not _lengths_fit([_length(input, axis) for axis in axes]):
        return None
    value = _along(
        emit, input, axes[-1], lambda basis: emit(aten._fft_r2c.default, basis, [1], normalization, onesided), False
    )
    return _c2c(emit, value, axes[:-1], normalization, True)


def _c2r(emit: Emitter, input: Any, dim: Sequence[int], normalization: int, last_dim_size: Any) -> Any:
    axes = [axis % emit.example.dim() for axis in dim]
    if not _lengths_fit([last_dim_size, *(_length(input, axis) for axis in axes)]):
        return None
    value = _c2c(emit, input, axes[:-1], normalization, False)
    return _along(
        emit, value, axes[-1], lambda basis: emit(aten._fft_c2r.default, basis, [1], normalization, last_dim_size), True
    )


#: the rule of each operator
FOURIER: Final[dict[str, Rule]] = {"_fft_c2c": _c2c, "_fft_r2c": _r2c, "_fft_c2r": _c2r}
