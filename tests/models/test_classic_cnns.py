"""Eight classic models of torchvision become one engine each and agree with eager."""

import sys
from pathlib import Path

import pytest
import torch
import torch2trt

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from models import CLASSIC_CNNS, make

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")]
SHAPE = (3, 224, 224)


@pytest.mark.parametrize("name", CLASSIC_CNNS)
def test_dynamic_batch(name):
    model = make(name)
    module = torch2trt.convert(model, [torch2trt.Input(min=(1, *SHAPE), opt=(4, *SHAPE), max=(8, *SHAPE))])
    # not all of the weights: the auxiliary heads of googlenet are not called in eval mode
    assert len(module.serialized) > 0.5 * sum(parameter.nbytes for parameter in model.parameters())
    for batch in (1, 3, 8):
        x = torch.randn(batch, *SHAPE)
        with torch.no_grad():
            expected, found = model(x), module(x)
        assert expected.abs().max() > 1e-2
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", CLASSIC_CNNS)
def test_static(name):
    model, x = make(name), torch.randn(1, *SHAPE)
    module = torch2trt.convert(model, [x])
    assert module.signature.inputs[0].shape == (1, *SHAPE)
    with torch.no_grad():
        torch.testing.assert_close(module(x), model(x), rtol=0, atol=1e-3)
