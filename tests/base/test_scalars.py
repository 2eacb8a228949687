"""Numbers beside 16-bit tensors: in float32 where PyTorch's CUDA kernels compute with them so, else rounded first."""

import contextlib
import math
import operator

import pytest
import torch
import torch.nn.functional as F
import torch2trt

SCALARS = (1e-7, 0.1, 1 / 3, 3.0, -1e9, 131008.0, 3e38, math.inf, math.nan)
X = torch.tensor([0.0, 1.0, -1.5, 2.25, 0.1, -0.33, 100.0, -3.0, math.inf, -math.inf, math.nan])

IN_FLOAT32 = {
    "add": lambda x, s: x + s,
    "sub": lambda x, s: x - s,
    "rsub": lambda x, s: s - x,
    "mul": lambda x, s: x * s,
    "div": lambda x, s: x / s,
    "rdiv": lambda x, s: s / x,
    "a constant": lambda x, s: x * torch.tensor(s),
    "add alpha": lambda x, s: torch.add(x, x, alpha=s),
    "sub alpha": lambda x, s: torch.sub(x, x * 2, alpha=s),
    "rsub alpha": lambda x, s: torch.rsub(x, x, alpha=s),
    "addcmul": lambda x, s: torch.addcmul(x, x, x, value=s),
    "lerp": lambda x, s: torch.lerp(x, x * 2, s),
    "leaky_relu": lambda x, s: F.leaky_relu(x, s),
    "baddbmm alpha": lambda x, s: torch.baddbmm(x[None, None], x[None, None, :1], x[None, None], alpha=s)[0, 0],
    "addmm beta": lambda x, s: torch.addmm(x[None], x[None, :1], x[None], beta=s)[0],
}
ROUNDED = {
    **{name: getattr(operator, name) for name in ("eq", "ne", "lt", "gt", "le", "ge")},
    "remainder": torch.remainder,
    "fmod": torch.fmod,
    "pow": lambda x, s: x.abs() ** s,
    "rpow": lambda x, s: abs(s) ** x,
    "clamp": lambda x, s: x.clamp(max=s),
    "masked_fill": lambda x, s: x.masked_fill(x > 0, s),
    "pad": lambda x, s: F.pad(x, (1, 0), value=s),
}
#: what TensorRT's layers cannot take
NOT_FINITE = {"leaky_relu"}


def check(call, x, scalars, expected):
    """All numbers in one module, since a conversion takes longer than a call."""
    found = torch2trt.convert(lambda x: [call(x, s) for s in scalars], [x], runtime="reference", build=False)(x)
    rtol = {torch.float16: 1e-3, torch.bfloat16: 8e-3}[x.dtype]
    for scalar, one, other in zip(scalars, found, expected, strict=True):
        torch.testing.assert_close(
            one, other, rtol=rtol, atol=0, equal_nan=True, msg=lambda m, scalar=scalar: f"{scalar}: {m}"
        )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", IN_FLOAT32)
def test_in_float32(name, dtype):
    x, call = X.to(dtype), IN_FLOAT32[name]
    scalars = [scalar for scalar in SCALARS if name not in NOT_FINITE or math.isfinite(scalar)]
    check(call, x, scalars, [call(x.float(), scalar).to(dtype) for scalar in scalars])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ROUNDED)
def test_rounded(name, dtype):
    x, call, expected = X.to(dtype), ROUNDED[name], {}
    # quotients have 24 bits
    for scalar in SCALARS if name not in ("remainder", "fmod") else SCALARS[1:]:
        with contextlib.suppress(RuntimeError):  # PyTorch refuses numbers beyond the dtype here
            expected[scalar] = call(x, scalar)
    check(call, x, list(expected), list(expected.values()))


def test_infinite_parameters_of_layers_are_refused():
    with pytest.raises(torch2trt.ConversionError, match="LEAKY_RELU takes finite parameters, got inf"):
        torch2trt.convert(lambda x: F.leaky_relu(x, math.inf), [X], runtime="reference", build=False)
