"""Casts to float8_e4m3fn and back."""

import math

import pytest
import torch
from torch2trt import BuildError, UnsupportedError, convert
from torch2trt_ops_base import float8

E4M3 = torch.float8_e4m3fn
#: between all of its numbers, at its limit and beyond
VALUES = torch.cat(
    [
        torch.linspace(-18, 18, 500).sinh(),
        torch.tensor([448.0, 449.0, 464.0, 464.1, 480.0, 1e9, math.inf, -math.inf, math.nan, 2**-10, 1.5 * 2**-9]),
    ]
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_numbers_are_rounded_as_pytorch_rounds_them(dtype):
    x = VALUES.to(dtype)
    module = convert(lambda x: x.to(E4M3).to(dtype), [x], runtime="reference")
    assert torch.equal(module(x).nan_to_num(-1), x.to(E4M3).to(dtype).nan_to_num(-1))


@pytest.mark.parametrize(
    "model",
    [
        lambda x: x.to(E4M3),
        lambda x: (x * 2).to(E4M3).view(7, 73),
        lambda x: x[0].to(E4M3),
        lambda x: x.nan_to_num().clamp(-999, 999).to(torch.int32).to(E4M3),
        lambda x: torch.cat([x.to(E4M3), (x * 2).to(E4M3)]),
        lambda x: x.view(7, 73).to(E4M3).t(),
    ],
    ids=["flat", "viewed", "scalar", "int", "joined", "transposed"],
)
def test_they_leave_the_network_and_enter_it(model):
    module = convert(model, [VALUES], runtime="reference")
    result, expected = module(VALUES), model(VALUES)
    assert result.dtype is E4M3
    assert torch.equal(result.float().nan_to_num(-1), expected.float().nan_to_num(-1))
    back = convert(lambda x: x.to(torch.float32) * 2, [expected], runtime="reference")
    assert torch.equal(back(expected).nan_to_num(-1), (expected.float() * 2).nan_to_num(-1))


def test_dynamic_sizes():
    dims = ({0: torch.export.Dim("n", min=1, max=600)},)
    module = convert(lambda x: x.to(E4M3).to(torch.float32), [VALUES[:9]], dynamic_shapes=dims, runtime="reference")
    for count in (1, 500):
        assert torch.equal(module(VALUES[:count]), VALUES[:count].to(E4M3).float())


def test_what_an_older_pytorch_makes_nan_is_nan(monkeypatch):
    monkeypatch.setattr(float8, "pytorch_saturates", lambda: False)
    x = torch.tensor([448.0, 464.0, 464.1, -1e9, math.inf])
    module = convert(lambda x: x.to(E4M3).to(torch.float32), [x], runtime="reference", build=False)
    assert module(x).isnan().tolist() == [False, False, True, True, True]


def test_the_other_float8_is_refused():
    with pytest.raises(UnsupportedError, match="TensorRT has no float8_e5m2"):
        convert(lambda x: x.to(torch.float8_e5m2).float(), [VALUES], runtime="reference")


def test_what_tensorrt_does_not_do_with_them_is_said_by_the_build():
    with pytest.raises(BuildError, match="has datatype FP8 but is not consumed by"):
        convert(lambda x: x.to(E4M3)[2:5].float(), [VALUES], runtime="reference")
