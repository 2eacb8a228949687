"""SHUFFLE, SLICE, CONCATENATION, SHAPE, SQUEEZE, UNSQUEEZE, REVERSE_SEQUENCE and FILL."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt._trt import trt

from .base import BF16, BOOL, F16, F32, I32, I64, SHORT, Case, Suite, constant, ints, scalar, trt_type, values


def cases() -> list[Case]:
    """Static and dynamic shapes, shapes given by tensors, and every sample mode."""
    suite = Suite()
    _shuffles(suite)
    _slices(suite)
    _slices_by_tensor(suite)
    _linear_fills(suite)
    _random_fills(suite)
    _concatenations(suite)
    _axes(suite)
    _sequences(suite)
    return suite.cases


def _shuffles(suite: Suite) -> None:
    def body(first: Any = None, reshape: Any = None, second: Any = None, placeholder: bool = True) -> Any:
        def build(n: Any, x: Any) -> Any:
            layer = n.add_shuffle(x)
            if first is not None:
                layer.first_transpose = first
            if reshape is not None:
                layer.reshape_dims = reshape
            if second is not None:
                layer.second_transpose = second
            layer.zero_is_placeholder = placeholder
            return layer

        return build

    x = values("shuffle", (2, 3, 4))
    suite.add("SHUFFLE", "transpose", body((2, 0, 1)), [x])
    suite.add("SHUFFLE", "reshape", body(reshape=(6, 4)), [x])
    suite.add("SHUFFLE", "infer", body(reshape=(-1, 2)), [x])
    suite.add("SHUFFLE", "placeholder", body(reshape=(0, -1)), [x])
    suite.add("SHUFFLE", "placeholder-transposed", body((1, 0, 2), (0, -1)), [x])
    suite.add("SHUFFLE", "all", body((1, 2, 0), (4, 6), (1, 0)), [x])
    suite.add("SHUFFLE", "scalar", body(reshape=()), [values("one", (1, 1))])
    suite.add("SHUFFLE", "empty", body(reshape=(0, 5), placeholder=False), [values("none", (0, 3))])
    suite.add("SHUFFLE", "dynamic", body(reshape=(0, -1)), [values("shuffle", (4, 3, 4))], {0: (0, 2)})
    for dtype in (F16, BF16, I32, I64, BOOL):
        suite.add("SHUFFLE", SHORT[dtype], body((2, 0, 1), (-1,)), [values("shuffle", (2, 3, 4), dtype)])

    def by_tensor(n: Any, x: Any) -> Any:
        shape = n.add_shape(x).get_output(0)
        batch = n.add_slice(shape, (0,), (1,), (1,)).get_output(0)
        layer = n.add_shuffle(x)
        layer.set_input(1, n.add_concatenation([batch, ints(n, -1)]).get_output(0))
        return layer

    suite.add("SHUFFLE", "shape-tensor", by_tensor, [values("shuffle", (4, 3, 4))], {0: (0, 2)})


def _slices(suite: Suite) -> None:
    def body(start: Any, size: Any, stride: Any, mode: str = "STRICT_BOUNDS", fill: float | None = None) -> Any:
        def build(n: Any, x: Any) -> Any:
            layer = n.add_slice(x, start, size, stride)
            layer.mode = getattr(trt.SampleMode, mode)
            if fill is not None:
                layer.set_input(4, scalar(n, fill, F32))
            return layer

        return build

    x = values("slice", (4, 6))
    suite.add("SLICE", "plain", body((1, 2), (2, 3), (1, 1)), [x])
    suite.add("SLICE", "stride", body((0, 1), (2, 3), (2, 2)), [x])
    suite.add("SLICE", "negative", body((3, 5), (4, 3), (-1, -2)), [x])
    suite.add("SLICE", "repeat", body((1, 0), (5, 6), (0, 1)), [x])
    suite.add("SLICE", "empty", body((1, 0), (0, 6), (1, 1)), [x])
    for mode in ("FILL", "CLAMP", "WRAP", "REFLECT"):
        suite.add("SLICE", f"{mode}-grow", body((-2, -3), (8, 13), (1, 1), mode), [x])
        suite.add("SLICE", f"{mode}-stride", body((-3, 8), (4, 6), (2, -3), mode), [x])
        suite.add("SLICE", f"{mode}-inside", body((1, 1), (2, 2), (1, 2), mode), [x])
    suite.add("SLICE", "FILL-value", body((-1, -1), (6, 8), (1, 1), "FILL", 2.5), [x])
    for dtype in (F16, BF16, I32, I64, BOOL):
        suite.add("SLICE", SHORT[dtype], body((1, 1), (2, 2), (1, 2)), [values("slice", (4, 6), dtype)])
    suite.add("SLICE", "dynamic", body((0, 1), (2, 3), (1, 1)), [values("slice", (4, 6))], {0: (0,)})

    def on_axes(n: Any, x: Any) -> Any:
        layer = n.add_slice(x, (1,), (2,), (2,))
        layer.axes = (-1,)
        return layer

    suite.add("SLICE", "axes", on_axes, [values("slice", (4, 6))])


def _slices_by_tensor(suite: Suite) -> None:
    def by_tensors(n: Any, x: Any) -> Any:
        shape = n.add_shape(x).get_output(0)
        less = n.add_elementwise(shape, ints(n, 1, 1), trt.ElementWiseOperation.SUB).get_output(0)
        layer = n.add_slice(x, (0, 0), (1, 1), (1, 1))
        layer.set_input(1, ints(n, 1, 1))
        layer.set_input(2, less)
        return layer

    suite.add("SLICE", "tensors", by_tensors, [values("slice", (4, 6))], {0: (0, 1)})

    def sized(n: Any, x: Any, size: Any) -> Any:
        layer = n.add_slice(x, (0, 0), (1, 1), (1, 1))
        layer.set_input(2, size)
        return layer

    inputs = [values("slice", (4, 6)), torch.tensor([2, 5], dtype=I64)]
    suite.add("SLICE", "shape-input", sized, inputs, shape_inputs={1: ((1, 1), (2, 5), (4, 6))})


def _linear_fills(suite: Suite) -> None:
    def linspace(shape: tuple[int, ...], start: float, steps: tuple[float, ...], dtype: torch.dtype) -> Any:
        def build(n: Any) -> Any:
            layer = n.add_fill(shape, trt.FillOperation.LINSPACE, trt_type(dtype))
            layer.set_input(1, scalar(n, start, dtype))
            delta = torch.tensor(steps, dtype=dtype)
            layer.set_input(2, constant(n, delta))
            return layer

        return build

    for dtype in (F32, I32, I64):
        suite.add("FILL", f"line-{SHORT[dtype]}", linspace((7,), 2, (3,), dtype))
        suite.add("FILL", f"plane-{SHORT[dtype]}", linspace((3, 4), 1, (10, 2), dtype))
    suite.add("FILL", "thirds", linspace((1000,), 0.1, (1 / 3,), F32))

    def static(n: Any) -> Any:
        layer = n.add_fill((6,), trt.FillOperation.LINSPACE, trt.float32)
        layer.alpha, layer.beta = 0.5, 0.25
        return layer

    suite.add("FILL", "static", static)

    def dynamic(n: Any, x: Any) -> Any:
        layer = n.add_fill((1,), trt.FillOperation.LINSPACE, trt.int64)
        layer.set_input(0, n.add_slice(n.add_shape(x).get_output(0), (0,), (1,), (1,)).get_output(0))
        layer.set_input(1, scalar(n, 0, I64))
        layer.set_input(2, ints(n, 1))
        return layer

    suite.add("FILL", "dynamic", dynamic, [values("x", (4, 2))], {0: (0,)})


def _random_fills(suite: Suite) -> None:
    for op, low, high in (("RANDOM_UNIFORM", -1.0, 3.0), ("RANDOM_NORMAL", 2.0, 0.5)):
        for dtype in (F32, F16):

            def random(n: Any, op: str = op, low: float = low, high: float = high, dtype: torch.dtype = dtype) -> Any:
                layer = n.add_fill((64, 512), getattr(trt.FillOperation, op), trt_type(dtype))
                layer.set_input(1, scalar(n, low, dtype))
                layer.set_input(2, scalar(n, high, dtype))
                return layer

            suite.add("FILL", f"{op}-{SHORT[dtype]}", random, compare="distribution")


def _concatenations(suite: Suite) -> None:
    def concatenate(axis: int) -> Any:
        def build(n: Any, *xs: Any) -> Any:
            layer = n.add_concatenation(list(xs))
            layer.axis = axis
            return layer

        return build

    for dtype in (F32, F16, BF16, I32, I64, BOOL):
        inputs = [values("a", (2, 3, 4), dtype), values("b", (2, 1, 4), dtype)]
        suite.add("CONCATENATION", SHORT[dtype], concatenate(1), inputs)
    suite.add("CONCATENATION", "empty", concatenate(0), [values("a", (2, 3)), values("b", (0, 3))])
    suite.add(
        "CONCATENATION", "dynamic", concatenate(0), [values("a", (2, 3)), values("b", (4, 3))], {0: (0,), 1: (0,)}
    )


def _axes(suite: Suite) -> None:
    suite.add("SHAPE", "static", lambda n, x: n.add_shape(x), [values("s", (2, 3, 4))])
    suite.add("SHAPE", "dynamic", lambda n, x: n.add_shape(x), [values("s", (2, 3, 4))], {0: (0, 2)})
    suite.add("SHAPE", "scalar", lambda n, x: n.add_shape(x), [values("s", ())])
    for label, axes in (("one", (0,)), ("two", (0, 2)), ("negative", (-2,))):
        x = values("squeeze", (1, 3, 1, 4))
        suite.add("SQUEEZE", label, lambda n, x, a=axes: n.add_squeeze(x, ints(n, *a)), [x])
        suite.add("UNSQUEEZE", label, lambda n, x, a=axes: n.add_unsqueeze(x, ints(n, *a)), [values("u", (3, 4))])
    suite.add("SQUEEZE", "dynamic", lambda n, x: n.add_squeeze(x, ints(n, 0)), [values("q", (1, 4))], {0: (1,)})
    suite.add("UNSQUEEZE", "dynamic", lambda n, x: n.add_unsqueeze(x, ints(n, 1)), [values("q", (4, 4))], {0: (0, 1)})


def _sequences(suite: Suite) -> None:
    for label, batch, sequence in (("default", 1, 0), ("swapped", 0, 1)):

        def reverse(n: Any, x: Any, lengths: Any, batch: int = batch, sequence: int = sequence) -> Any:
            layer = n.add_reverse_sequence(x, lengths)
            layer.batch_axis, layer.sequence_axis = batch, sequence
            return layer

        for dtype in (F32, F16, I32):
            inputs = [values("r", (4, 4, 3), dtype), torch.tensor([1, 4, 2, 3], dtype=I32)]
            suite.add("REVERSE_SEQUENCE", f"{label}-{SHORT[dtype]}", reverse, inputs)

    def assertion(n: Any, x: Any) -> Any:
        shape = n.add_shape(x).get_output(0)
        rows = n.add_slice(shape, (0,), (1,), (1,)).get_output(0)
        positive = n.add_elementwise(rows, ints(n, 0), trt.ElementWiseOperation.GREATER).get_output(0)
        n.add_assertion(positive, "a row is needed")
        return n.add_identity(x)

    suite.add("ASSERTION", "holds", assertion, [values("x", (4, 3))], {0: (0,)})
