"""ACTIVATION, PARAMETRIC_RELU, UNARY, ELEMENTWISE, SELECT, CAST, IDENTITY, SCALE, CONSTANT and QUANTIZE families."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch2trt._trt import trt

from .base import BF16, BOOL, F16, F32, FLOATS, I32, I64, SHORT, Case, Suite, constant, trt_type, values, weights

_ACTIVATIONS = {
    "RELU": (0, 0), "SIGMOID": (0, 0), "TANH": (0, 0), "LEAKY_RELU": (0.1, 0), "ELU": (1.3, 0), "SELU": (1.67, 1.05),
    "SOFTSIGN": (0, 0), "SOFTPLUS": (1.5, 0.7), "CLIP": (-0.5, 0.8), "HARD_SIGMOID": (0.2, 0.5),
    "SCALED_TANH": (1.7, 0.6), "THRESHOLDED_RELU": (0.4, 0), "GELU_ERF": (0, 0), "GELU_TANH": (0, 0),
}  # fmt: skip
_POSITIVE = {"LOG", "SQRT", "RECIP"}
_WITHIN_ONE = {"ASIN", "ACOS", "ATANH", "TAN"}
_UNARY = [
    "EXP", "LOG", "SQRT", "RECIP", "ABS", "NEG", "SIN", "COS", "TAN", "SINH", "COSH", "ASIN", "ACOS", "ATAN", "ASINH",
    "ACOSH", "ATANH", "CEIL", "FLOOR", "ERF", "SIGN", "ROUND", "ISINF", "ISNAN",
]  # fmt: skip
_ARITHMETIC = ("SUM", "PROD", "MAX", "MIN", "SUB", "DIV", "POW", "FLOOR_DIV")
_SPECIAL = torch.tensor([0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 0.5, 1.5, -0.5, math.inf, -math.inf, math.nan])


def _domain(op: str, x: torch.Tensor) -> torch.Tensor:
    if op in _POSITIVE:
        return x.abs() + 0.25
    if op == "ACOSH":
        return x.abs() + 1.25
    return (torch.tanh(x.float()) * 0.9).to(x.dtype) if op in _WITHIN_ONE else x


def cases() -> list[Case]:
    """Every operation, times dtypes; special values, broadcast and dynamic shapes."""
    suite = Suite()
    _activations(suite)
    _unary(suite)
    _elementwise(suite)
    _conversions(suite)
    _scales(suite)
    return suite.cases


def _activations(suite: Suite) -> None:
    def body(kind: str, alpha: float, beta: float) -> Any:
        def build(n: Any, x: Any) -> Any:
            layer = n.add_activation(x, getattr(trt.ActivationType, kind))
            layer.alpha, layer.beta = alpha, beta
            return layer

        return build

    for kind, (alpha, beta) in _ACTIVATIONS.items():
        for dtype in FLOATS:
            x = values(kind, (2, 3, 5, 7), dtype) * 2
            suite.add("ACTIVATION", f"{kind}-{SHORT[dtype]}", body(kind, alpha, beta), [x])
    for kind in _ACTIVATIONS:
        suite.add("ACTIVATION", f"{kind}-special", body(kind, *_ACTIVATIONS[kind]), [_SPECIAL])
    for kind in ("RELU", "CLIP"):
        suite.add("ACTIVATION", f"{kind}-special-f16", body(kind, *_ACTIVATIONS[kind]), [_SPECIAL.half()])
    for kind in ("RELU", "CLIP", "GELU_ERF", "SOFTPLUS"):
        dynamic = {0: (0, 2)}
        suite.add("ACTIVATION", f"{kind}-dynamic", body(kind, *_ACTIVATIONS[kind]), [values(kind, (4, 3, 6))], dynamic)
    suite.add("ACTIVATION", "RELU-i32", body("RELU", 0, 0), [values("relu", (3, 4), I32)])
    suite.add("ACTIVATION", "CLIP-i8", body("CLIP", -2, 3), [values("clip", (3, 4), torch.int8)])
    for dtype in FLOATS:
        slope = values("slope", (1, 3, 1, 1), dtype)
        x = values("prelu", (2, 3, 4, 5), dtype)
        suite.add("PARAMETRIC_RELU", SHORT[dtype], lambda n, x, s: n.add_parametric_relu(x, s), [x, slope])
    slope = values("slope", (1, 3, 4, 5))
    suite.add(
        "PARAMETRIC_RELU",
        "full",
        lambda n, x: n.add_parametric_relu(x, constant(n, slope)),
        [values("p", (2, 3, 4, 5))],
    )


def _unary(suite: Suite) -> None:
    def body(op: str) -> Any:
        return lambda n, x: n.add_unary(x, getattr(trt.UnaryOperation, op))

    for op in _UNARY:
        for dtype in FLOATS:
            suite.add("UNARY", f"{op}-{SHORT[dtype]}", body(op), [_domain(op, values(op, (3, 4, 5), dtype))])
    for op in ("ABS", "NEG", "SIGN"):
        for dtype in (I32, I64):
            suite.add("UNARY", f"{op}-{SHORT[dtype]}", body(op), [values(op, (3, 9), dtype)])
    suite.add("UNARY", "ABS-i8", body("ABS"), [values("abs", (3, 9), torch.int8, -128, 128)])
    suite.add("UNARY", "NOT-bool", body("NOT"), [values("not", (3, 9), BOOL)])
    for op in ("ISINF", "ISNAN", "SIGN", "ROUND", "CEIL", "FLOOR", "ABS", "SQRT", "LOG", "EXP", "RECIP", "ERF"):
        suite.add("UNARY", f"{op}-special", body(op), [_SPECIAL])
    suite.add("UNARY", "SIGN-special-f16", body("SIGN"), [_SPECIAL.half()])
    suite.add("UNARY", "EXP-dynamic", body("EXP"), [values("exp", (4, 6))], {0: (0, 1)})


def _elementwise(suite: Suite) -> None:
    def body(op: str) -> Any:
        return lambda n, a, b: n.add_elementwise(a, b, getattr(trt.ElementWiseOperation, op))

    for op in _ARITHMETIC:
        for dtype in (*FLOATS, I32, I64):
            a, b = values(op, (3, 4, 5), dtype), values(op + "b", (3, 4, 5), dtype)
            if op == "POW":
                a, b = (a.abs() + 1, b) if dtype.is_floating_point else (a, b.abs() % 4)
            if op in ("DIV", "FLOOR_DIV"):
                b = torch.where(b.abs() < 0.25, torch.ones_like(b), b)
            suite.add("ELEMENTWISE", f"{op}-{SHORT[dtype]}", body(op), [a, b])
    for op in ("AND", "OR", "XOR", "EQUAL"):
        suite.add("ELEMENTWISE", f"{op}-bool", body(op), [values(op, (3, 8), BOOL), values(op + "b", (3, 8), BOOL)])
    for op in ("EQUAL", "GREATER", "LESS"):
        for dtype in (F32, F16, BF16, I32, I64):
            a, b = (values(op + x, (4, 9), I32, -2, 2).to(dtype) for x in "ab")
            suite.add("ELEMENTWISE", f"{op}-{SHORT[dtype]}", body(op), [a, b])
    grid_a, grid_b = (g.reshape(-1).contiguous() for g in torch.meshgrid(_SPECIAL, _SPECIAL, indexing="ij"))
    for op in ("SUM", "PROD", "MAX", "MIN", "DIV", "POW", "FLOOR_DIV", "EQUAL", "GREATER", "LESS"):
        suite.add("ELEMENTWISE", f"{op}-special", body(op), [grid_a, grid_b])
    for op in ("MAX", "MIN"):
        for dtype in (F16, BF16):
            suite.add("ELEMENTWISE", f"{op}-special-{SHORT[dtype]}", body(op), [grid_a.to(dtype), grid_b.to(dtype)])
    for op in ("SUM", "DIV", "MAX", "LESS"):
        a, b = values(op, (2, 1, 5)), values(op + "b", (1, 4, 1)) + 3
        suite.add("ELEMENTWISE", f"{op}-broadcast", body(op), [a, b])
        a, b = values(op, (4, 1, 5)), values(op + "b", (1, 4, 5)) + 3
        suite.add("ELEMENTWISE", f"{op}-dynamic", body(op), [a, b], {0: (0,), 1: (1,)})
    for dtype in (F32, F16, BF16, I32, I64, BOOL):
        inputs = [values("c", (2, 1, 4), BOOL), values("t", (2, 3, 4), dtype), values("e", (1, 3, 1), dtype)]
        suite.add("SELECT", SHORT[dtype], lambda n, c, t, e: n.add_select(c, t, e), inputs)
    inputs = [values("c", (4, 4), BOOL), values("t", (4, 4)), values("e", (4, 4))]
    suite.add("SELECT", "dynamic", lambda n, c, t, e: n.add_select(c, t, e), inputs, {0: (0,), 1: (0,), 2: (0,)})

    eight = torch.int8
    for op in ("SUM", "SUB", "PROD", "MAX", "MIN", "LESS"):
        a, b = values(op, (4, 9), eight, -128, 128), values(op + "b", (4, 9), eight, -128, 128)
        suite.add("ELEMENTWISE", f"{op}-i8", body(op), [a, b])


def _conversions(suite: Suite) -> None:
    def cast(target: torch.dtype) -> Any:
        return lambda n, x: n.add_cast(x, trt_type(target))

    plain = (F32, F16, BF16, I32, I64, BOOL)
    for source in plain:
        for target in plain:
            if source != target:
                x = values("cast", (3, 7), source) * (3 if source.is_floating_point else 1)
                suite.add("CAST", f"{SHORT[source]}-{SHORT[target]}", cast(target), [x])
    for source in (F32, F16):
        suite.add("CAST", f"{SHORT[source]}-u8", cast(torch.uint8), [values("u8", (3, 7), source).abs() * 40])
        suite.add("CAST", f"u8-{SHORT[source]}", cast(source), [values("u8", (3, 7), torch.uint8, 0, 255)])
    edge = torch.tensor(
        [1e20, -1e20, 3e9, -3e9, 2147483520.0, -2147483648.0, 0.5, -0.5, 1.999, -1.999, math.inf, math.nan]
    )
    for target in (I32, I64, F16, BOOL):
        suite.add("CAST", f"edge-{SHORT[target]}", cast(target), [edge])
    for source in (F16, BF16):
        for target in (I32, I64):
            suite.add("CAST", f"edge-{SHORT[source]}-{SHORT[target]}", cast(target), [edge.to(source)])
    for dtype in (F32, F16, I32):
        suite.add("IDENTITY", SHORT[dtype], lambda n, x: n.add_identity(x), [values("id", (2, 3), dtype)])
    for dtype in (F32, F16, BF16, I32, I64):
        tensor = values("const", (2, 3), dtype)
        body = lambda n, x, t=tensor: n.add_elementwise(x, constant(n, t), trt.ElementWiseOperation.SUM)  # noqa: E731
        suite.add("CONSTANT", SHORT[dtype], body, [values("x", (2, 3), dtype)])


def _scales(suite: Suite) -> None:
    for mode, count in (("UNIFORM", 1), ("CHANNEL", 3), ("ELEMENTWISE", 3 * 4 * 5)):
        for dtype in (F32, F16):
            for power in (False, True):
                scale, shift = values("scale", (count,), dtype).abs() + 0.5, values("shift", (count,), dtype).abs()
                exponent = torch.full((count,), 1.5, dtype=dtype) if power else torch.empty(0, dtype=dtype)

                def body(
                    n: Any, x: Any, mode: str = mode, w: tuple[torch.Tensor, ...] = (shift, scale, exponent)
                ) -> Any:
                    shift, scale, power = (weights(t) if t.numel() else trt.Weights(trt_type(t.dtype)) for t in w)
                    return n.add_scale_nd(x, getattr(trt.ScaleMode, mode), shift, scale, power, 1)

                x = values("x", (2, 3, 4, 5), dtype).abs()
                suite.add("SCALE", f"{mode}-{SHORT[dtype]}{'-power' if power else ''}", body, [x])
