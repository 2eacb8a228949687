"""Operators that TensorRT cannot express as they are meant, so that the plan gives the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch2trt import Context, ConversionError, converter, lib, trt
from torch2trt.lib import Value

_RANDOM = "an engine would not draw the random numbers that PyTorch draws; make them outside and pass them in"
_DATA_DEPENDENT = "the size of the result depends on the values of the input"
_COMPLEX = "a call before or after this one has no rule for complex numbers"
_LENGTH = "a Fourier transform needs static lengths, each of up to 2048 or the product of two such"


def _declined(reason: str, *targets: str) -> Callable[..., trt.ITensor]:
    def convert(ctx: Context, *args: Any, **kwargs: Any) -> trt.ITensor:
        raise ConversionError(reason)

    # whatever the arguments are, the answer is the same
    return converter(*targets, rejects=lambda: reason)(convert)


random = _declined(
    _RANDOM,
    "aten.rand.default",
    "aten.randn.default",
    "aten.randint.low",
    "aten.randint.default",
    "aten.randperm.default",
    "aten.bernoulli.p",
    "aten.multinomial.default",
    "aten.normal.Tensor_Tensor",
    "aten.normal.Tensor_float",
    "aten.normal.float_Tensor",
    "aten.normal_functional.default",
    "aten.uniform.default",
    "aten.exponential.default",
    "aten.poisson.default",
    "aten.rand_like.default",
    "aten.randn_like.default",
    "aten.randint_like.default",
    "aten.randint_like.low_dtype",
)
renormalized = _declined("max_norm changes the weight when it is called", "aten.embedding_renorm.default")
data_dependent = _declined(
    _DATA_DEPENDENT, "aten.bincount.default", "aten._unique2.default", "aten.unique_consecutive.default"
)
mode = _declined("TensorRT cannot count how often a value occurs", "aten.mode.default")
nan_median = _declined("TensorRT's top-k does not pass over NaN", "aten.nanmedian.default", "aten.nanmedian.dim")
# what is left of them where complex_numbers.py and fourier.py have rewritten all that they have rules for
complex_ = _declined(_COMPLEX, "aten.view_as_complex.default", "aten.view_as_real.default", "aten.complex.default")
fourier = _declined(_LENGTH, "aten._fft_r2c.default", "aten._fft_c2r.default", "aten._fft_c2c.default")


@converter(
    "aten.native_dropout.default",
    rejects=lambda train: None if train is False else "dropout is active; call model.eval()",
)
def native_dropout(ctx: Context, input: Value, p: float, train: bool | None) -> tuple[trt.ITensor, trt.ITensor | None]:
    """native_dropout(Tensor input, float p, bool? train) -> (Tensor, Tensor)"""
    tensor = ctx.tensor(input)
    mask = lib.expand(ctx, torch.tensor(True), lib.sizes(ctx, tensor)) if ctx.call.uses(1) else None
    return tensor, mask
