"""Activations."""

from __future__ import annotations

from torch2trt import Context, converter, trt
from torch2trt.lib import activation, elementwise

from ._family import Converter, named

A, E = trt.ActivationType, trt.ElementWiseOperation


def _plain(name: str, kind: trt.ActivationType) -> Converter:
    def convert(ctx: Context, input: trt.ITensor) -> trt.ITensor:
        return activation(ctx, kind, input)

    return named(name, f"aten.{name}.default")(convert)


relu = _plain("relu", A.RELU)
sigmoid = _plain("sigmoid", A.SIGMOID)
tanh = _plain("tanh", A.TANH)


@converter("aten.hardtanh.default")
def hardtanh(ctx: Context, input: trt.ITensor, min_val: float = -1, max_val: float = 1) -> trt.ITensor:
    """hardtanh(Tensor self, Scalar min_val=-1, Scalar max_val=1) -> Tensor"""
    return activation(ctx, A.CLIP, input, min_val, max_val)


@converter("aten.relu6.default")
def relu6(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """relu6(Tensor self) -> Tensor"""
    return activation(ctx, A.CLIP, input, 0, 6)


@converter("aten.leaky_relu.default")
def leaky_relu(ctx: Context, input: trt.ITensor, negative_slope: float = 0.01) -> trt.ITensor:
    """leaky_relu(Tensor self, Scalar negative_slope=0.01) -> Tensor"""
    return activation(ctx, A.LEAKY_RELU, input, negative_slope)


@converter("aten.gelu.default")
def gelu(ctx: Context, input: trt.ITensor, approximate: str = "none") -> trt.ITensor:
    """gelu(Tensor self, *, str approximate='none') -> Tensor"""
    return activation(ctx, A.GELU_TANH if approximate == "tanh" else A.GELU_ERF, input)


@converter("aten.silu.default")
def silu(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """silu(Tensor self) -> Tensor"""
    return elementwise(ctx, E.PROD, input, activation(ctx, A.SIGMOID, input))


@converter("aten.hardsigmoid.default")
def hardsigmoid(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """hardsigmoid(Tensor self) -> Tensor"""
    return activation(ctx, A.HARD_SIGMOID, input, 1 / 6, 0.5)


@converter("aten.hardswish.default")
def hardswish(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """hardswish(Tensor self) -> Tensor"""
    return elementwise(ctx, E.PROD, input, hardsigmoid(ctx, input))
