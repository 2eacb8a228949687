"""Operators that no engine can express, each with the reason."""

from __future__ import annotations

from typing import Any

from torch2trt import Call, Context, ConversionError

from ._family import Converter, named


def _declined(name: str, reason: str, *overloads: str) -> Converter:
    def rejects(call: Call, *args: Any, **kwargs: Any) -> str:
        return reason

    def convert(ctx: Context, *args: Any, **kwargs: Any) -> None:
        raise ConversionError(reason)

    return named(name, *(f"aten.{overload}" for overload in overloads), rejects=rejects)(convert)


random = _declined(
    "random",
    "an engine cannot repeat the numbers of PyTorch's generator; draw them outside of the model and pass them in",
    *(
        f"{name}.default"
        for name in ("rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like")
    ),
    *("randint.low", "randint_like.low_dtype", "multinomial.default", "bernoulli.p", "poisson.default"),
    *("normal.Tensor_Tensor", "normal.Tensor_float", "normal.float_Tensor", "normal_functional.default"),
    *("uniform.default", "exponential.default"),
)
active_dropout = _declined("active_dropout", "dropout is active; call model.eval()", "native_dropout.default")
mode = _declined("mode", "TensorRT cannot count how often a value occurs", "mode.default")
nan_median = _declined("nan_median", "TensorRT's top-k does not pass over NaN", "nanmedian.default", "nanmedian.dim")
