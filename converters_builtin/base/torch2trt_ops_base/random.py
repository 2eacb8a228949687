"""Random operators: declined."""

from __future__ import annotations

from ._family import declined

_NAMES = ("rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "multinomial", "poisson")

random = declined(
    __name__,
    "random",
    "an engine cannot repeat the numbers of PyTorch's generator; draw them outside of the model and pass them in",
    *(f"aten.{name}.default" for name in (*_NAMES, "normal_functional", "uniform", "exponential")),
    *("aten.randint.low", "aten.randint_like.low_dtype", "aten.bernoulli.p"),
    *("aten.normal.Tensor_Tensor", "aten.normal.Tensor_float", "aten.normal.float_Tensor"),
)
dropout = declined(__name__, "dropout", "dropout is active; call model.eval()", "aten.native_dropout.default")
