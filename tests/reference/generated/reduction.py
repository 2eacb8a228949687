"""REDUCE, SOFTMAX, RAGGED_SOFTMAX, CUMULATIVE, TOPK, MATRIX_MULTIPLY and EINSUM."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt._trt import trt

from .base import BF16, F16, F32, FLOATS, I32, I64, SHORT, Case, Suite, ints, scalar, values


def cases() -> list[Case]:
    """Operations times axes and dtypes."""
    suite = Suite()
    _reduce(suite)
    _softmax(suite)
    _cumulative(suite)
    _topk(suite)
    _matrix_products(suite)
    _einsum(suite)
    _shapes(suite)
    return suite.cases


def _reduce(suite: Suite) -> None:
    def body(op: str, axes: int, keep: bool) -> Any:
        return lambda n, x: n.add_reduce(x, getattr(trt.ReduceOperation, op), axes, keep)

    for op in ("SUM", "PROD", "MAX", "MIN", "AVG"):
        for dtype in (*FLOATS, I32, I64):
            x = values(op, (3, 4, 5), dtype, -3, 4)
            suite.add("REDUCE", f"{op}-{SHORT[dtype]}", body(op, 0b110, False), [x])
        suite.add("REDUCE", f"{op}-i8", body(op, 0b110, False), [values(op, (3, 4, 5), torch.int8, -9, 10)])
        suite.add("REDUCE", f"{op}-keep", body(op, 0b001, True), [values(op, (3, 4, 5))])
        suite.add("REDUCE", f"{op}-all", body(op, 0b111, False), [values(op, (3, 4, 5))])
        suite.add("REDUCE", f"{op}-dynamic", body(op, 0b010, True), [values(op, (4, 6, 4))], {0: (0, 1)})
    suite.add("REDUCE", "SUM-f16-long", body("SUM", 0b10, False), [values("long", (4, 20000), F16).abs() / 8])
    suite.add("REDUCE", "AVG-bf16-long", body("AVG", 0b10, False), [values("long", (4, 20000), BF16).abs()])
    nan = values("nan", (4, 6))
    nan[1, 2] = torch.nan
    for op in ("MAX", "MIN", "SUM"):
        suite.add("REDUCE", f"{op}-nan", body(op, 0b10, False), [nan])
    placed = values("placed", (6, 70))  # NaN first, last, beside each other, everywhere, in a row of the same
    placed[0, 0] = placed[1, -1] = placed[2, 30:33] = placed[3] = torch.nan
    placed[4] = -torch.inf
    placed[4, 5] = torch.nan
    for op in ("MAX", "MIN"):
        for dtype in (F32, F16):
            suite.add("REDUCE", f"{op}-placed-nan-{SHORT[dtype]}", body(op, 0b10, False), [placed.to(dtype)])
        suite.add("REDUCE", f"{op}-placed-nan-first-axis", body(op, 0b01, False), [placed])


def _softmax(suite: Suite) -> None:
    def softmax(axis: int) -> Any:
        def build(n: Any, x: Any) -> Any:
            layer = n.add_softmax(x)
            layer.axes = 1 << axis
            return layer

        return build

    for dtype in FLOATS:
        for axis in range(3):
            x = values("softmax", (3, 4, 5), dtype) * 3
            suite.add("SOFTMAX", f"axis{axis}-{SHORT[dtype]}", softmax(axis), [x])
    suite.add("SOFTMAX", "long-f16", softmax(1), [values("long", (2, 5000), F16)])
    suite.add("SOFTMAX", "dynamic", softmax(1), [values("softmax", (4, 6))], {0: (0, 1)})
    for dtype in (F32, F16):
        inputs = [values("ragged", (2, 3, 6), dtype), torch.tensor([[[2], [6], [4]], [[1], [5], [6]]], dtype=I32)]
        suite.add("RAGGED_SOFTMAX", SHORT[dtype], lambda n, x, b: n.add_ragged_softmax(x, b), inputs)


def _cumulative(suite: Suite) -> None:
    for dtype in (*FLOATS, I32, I64):
        for exclusive in (False, True):
            for reverse in (False, True):

                def cumulative(n: Any, x: Any, e: bool = exclusive, r: bool = reverse) -> Any:
                    return n.add_cumulative(x, scalar(n, 1, I32), trt.CumulativeOperation.SUM, e, r)

                label = f"{SHORT[dtype]}{'-exclusive' if exclusive else ''}{'-reverse' if reverse else ''}"
                suite.add("CUMULATIVE", label, cumulative, [values("sum", (3, 7, 2), dtype)])


def _topk(suite: Suite) -> None:
    for op in ("MAX", "MIN"):
        for dtype in (F32, F16, BF16, I32):

            def topk(n: Any, x: Any, op: str = op) -> Any:
                layer = n.add_topk(x, getattr(trt.TopKOperation, op), 3, 0b10)
                return [layer.get_output(0), layer.get_output(1)]

            distinct = torch.stack([torch.randperm(40, generator=torch.Generator().manual_seed(i)) for i in range(4)])
            suite.add("TOPK", f"{op}-{SHORT[dtype]}", topk, [distinct.to(dtype)])
        suite.add("TOPK", f"{op}-ties", topk, [values("ties", (4, 30), F32).round()])

    def topk_of_input(n: Any, x: Any) -> Any:
        layer = n.add_topk(x, trt.TopKOperation.MAX, 1, 0b10)
        layer.set_input(1, scalar(n, 4, I32))
        return [layer.get_output(0), layer.get_output(1)]

    suite.add("TOPK", "k-tensor", topk_of_input, [values("k", (4, 30))])


def _matrix_products(suite: Suite) -> None:
    def matmul(first: str, second: str) -> Any:
        operation = trt.MatrixOperation
        return lambda n, a, b: n.add_matrix_multiply(a, getattr(operation, first), b, getattr(operation, second))

    for dtype in FLOATS:
        a, b = values("a", (2, 3, 4, 5), dtype), values("b", (2, 3, 5, 6), dtype)
        suite.add("MATRIX_MULTIPLY", f"plain-{SHORT[dtype]}", matmul("NONE", "NONE"), [a, b])
        suite.add("MATRIX_MULTIPLY", f"first-{SHORT[dtype]}", matmul("TRANSPOSE", "NONE"), [a.mT.contiguous(), b])
        suite.add("MATRIX_MULTIPLY", f"second-{SHORT[dtype]}", matmul("NONE", "TRANSPOSE"), [a, b.mT.contiguous()])
    both = [values("a", (3, 5, 4)), values("b", (3, 6, 5))]
    suite.add("MATRIX_MULTIPLY", "both", matmul("TRANSPOSE", "TRANSPOSE"), both)
    suite.add(
        "MATRIX_MULTIPLY", "broadcast", matmul("NONE", "NONE"), [values("a", (2, 1, 4, 5)), values("b", (1, 3, 5, 6))]
    )
    suite.add(
        "MATRIX_MULTIPLY", "vector-second", matmul("NONE", "VECTOR"), [values("a", (3, 4, 5)), values("b", (3, 5))]
    )
    suite.add(
        "MATRIX_MULTIPLY", "vector-first", matmul("VECTOR", "NONE"), [values("a", (3, 4)), values("b", (3, 4, 5))]
    )
    suite.add("MATRIX_MULTIPLY", "vectors", matmul("VECTOR", "VECTOR"), [values("a", (3, 4)), values("b", (3, 4))])
    suite.add(
        "MATRIX_MULTIPLY",
        "long-f16",
        matmul("NONE", "NONE"),
        [values("a", (8, 4096), F16), values("b", (4096, 8), F16)],
    )
    dynamic = {0: (0, 1), 1: (0,)}
    suite.add(
        "MATRIX_MULTIPLY", "dynamic", matmul("NONE", "NONE"), [values("a", (4, 6, 5)), values("b", (4, 5, 3))], dynamic
    )


def _einsum(suite: Suite) -> None:
    for equation, shapes in {
        "ij->ji": [(3, 4)],
        "ij->i": [(3, 4)],
        "ij->": [(3, 4)],
        "ik,kj->ij": [(3, 4), (4, 5)],
        "i,i->": [(4,), (4,)],
        "bij,bjk->bik": [(2, 3, 4), (2, 4, 5)],
        "bhqd,bhkd->bhqk": [(2, 3, 4, 5), (2, 3, 6, 5)],
        "bi,bj->bij": [(2, 3), (2, 4)],
    }.items():
        for dtype in (F32, F16):

            def einsum(n: Any, *operands: Any, equation: str = equation) -> Any:
                return n.add_einsum(list(operands), equation)

            operands = [values(str(i), shape, dtype) for i, shape in enumerate(shapes)]
            suite.add("EINSUM", f"{equation}-{SHORT[dtype]}", einsum, operands)


def _shapes(suite: Suite) -> None:
    """Operations on shape tensors."""
    suite.add(
        "REDUCE",
        "of-shape",
        lambda n, x: n.add_reduce(n.add_shape(x).get_output(0), trt.ReduceOperation.PROD, 1, True),
        [values("x", (3, 4))],
        {0: (0, 1)},
    )
    suite.add(
        "CONCATENATION",
        "of-shapes",
        lambda n, x: n.add_concatenation([n.add_shape(x).get_output(0), ints(n, 5)]),
        [values("x", (3, 4))],
        {0: (0,)},
    )
