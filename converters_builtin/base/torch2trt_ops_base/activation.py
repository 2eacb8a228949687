"""Activations that TensorRT has a layer for."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch2trt import Context, converter, lib, trt

from .bounds import clamp
from .random_numbers import seeded, uniform_between

A = trt.ActivationType


def _activation(name: str, op: trt.ActivationType) -> Callable[..., trt.ITensor]:
    """Integers are computed in PyTorch's default dtype, where the result is floating-point."""

    def convert(ctx: Context, input: trt.ITensor) -> trt.ITensor:
        return lib.activation(ctx, op, ctx.tensor(input, ctx.call.result.dtype))

    return converter(f"aten.{name}.default", name=name)(convert)


relu, sigmoid, tanh = _activation("relu", A.RELU), _activation("sigmoid", A.SIGMOID), _activation("tanh", A.TANH)


@converter("aten.hardtanh.default")
def hardtanh(ctx: Context, input: trt.ITensor, min_val: float = -1, max_val: float = 1) -> trt.ITensor:
    """hardtanh(Tensor self, Scalar min_val=-1, Scalar max_val=1) -> Tensor"""
    return clamp(ctx, input, min_val, max_val)


@converter("aten.leaky_relu.default")
def leaky_relu(ctx: Context, input: trt.ITensor, negative_slope: float = 0.01) -> trt.ITensor:
    """leaky_relu(Tensor self, Scalar negative_slope=0.01) -> Tensor"""
    return lib.activation(ctx, A.LEAKY_RELU, input, negative_slope)


@converter("aten.rrelu.default", rejects=seeded)
def rrelu(
    ctx: Context,
    input: trt.ITensor,
    lower: float = 0.125,
    upper: float = 1 / 3,
    training: bool = False,
    generator: torch.Generator | None = None,
) -> trt.ITensor:
    """rrelu(Tensor self, Scalar lower=0.125, Scalar upper=0.333, bool training=False, ...) -> Tensor"""
    if not training:
        return lib.activation(ctx, A.LEAKY_RELU, input, (lower + upper) / 2)
    slopes = uniform_between(ctx, lib.sizes(ctx, input), lower, upper)
    return lib.where(ctx, lib.le(ctx, input, 0), lib.mul(ctx, input, slopes), input)


@converter("aten.prelu.default")
def prelu(ctx: Context, input: trt.ITensor, weight: trt.ITensor | torch.Tensor) -> trt.ITensor:
    """prelu(Tensor self, Tensor weight) -> Tensor"""
    ndim = len(input.shape)
    # one slope a channel, which is dimension 1
    dims = [-1 if index == min(1, ndim - 1) else 1 for index in range(ndim)]
    slope = lib.reshape(ctx, weight, dims) if lib.is_runtime(weight) else ctx.tensor(weight.reshape(dims))
    return ctx.network.add_parametric_relu(input, slope).get_output(0)


@converter("aten.gelu.default")
def gelu(ctx: Context, input: trt.ITensor, approximate: str = "none") -> trt.ITensor:
    """gelu(Tensor self, *, str approximate='none') -> Tensor"""
    return lib.activation(ctx, A.GELU_TANH if approximate == "tanh" else A.GELU_ERF, input)


def _scaled_input(input_scale: float) -> str | None:
    return f"input_scale is {input_scale}, TensorRT's layer has none" if input_scale != 1 else None


@converter("aten.elu.default", rejects=_scaled_input)
def elu(ctx: Context, input: trt.ITensor, alpha: float = 1, scale: float = 1, input_scale: float = 1) -> trt.ITensor:
    """elu(Tensor self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1) -> Tensor"""
    if scale == 1:
        return lib.activation(ctx, A.ELU, input, alpha)
    return lib.activation(ctx, A.SELU, input, alpha, scale)


@converter("aten.softplus.default")
def softplus(ctx: Context, input: trt.ITensor, beta: float = 1, threshold: float = 20) -> trt.ITensor:
    """softplus(Tensor self, Scalar beta=1, Scalar threshold=20) -> Tensor"""
    smooth = lib.activation(ctx, A.SOFTPLUS, input, 1 / beta, beta)
    # beyond the threshold the exponential may overflow
    beyond = lib.gt(ctx, lib.mul(ctx, input, beta), threshold)
    return lib.where(ctx, beyond, input, smooth)


@converter("aten.hardsigmoid.default")
def hardsigmoid(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """hardsigmoid(Tensor self) -> Tensor"""
    return lib.activation(ctx, A.HARD_SIGMOID, input, 1 / 6, 0.5)


@converter("aten.hardswish.default")
def hardswish(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """hardswish(Tensor self) -> Tensor"""
    return lib.mul(ctx, input, hardsigmoid(ctx, input))
