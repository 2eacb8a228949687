"""``precision``: the network computes in another dtype, and the module keeps the calling convention of the original."""

import pytest
import torch
import torch2trt
from torch import nn
from torch.utils import _pytree as pytree

HALF = (torch.float16, torch.bfloat16)


def convert(model, inputs, **settings):
    return torch2trt.convert(model, inputs, runtime="reference", build=False, **settings)


class Mixed(nn.Module):
    """Returns what it computes in several dtypes."""

    def __init__(self, dtype):
        super().__init__()
        self.body = nn.Linear(4, 8).to(dtype)

    def forward(self, x):
        features = self.body(x)
        return {"probabilities": features.float().softmax(-1), "all": (features, features.half(), features.bfloat16())}


@pytest.mark.parametrize("precision", [*HALF, torch.float32])
@pytest.mark.parametrize("own", [*HALF, torch.float32])
def test_every_output_has_the_dtype_that_pytorch_gives_it(own, precision):
    model, x = Mixed(own).eval(), torch.randn(3, 4).to(own)
    found, wanted = (pytree.tree_leaves(module(x)) for module in (convert(model, [x], precision=precision), model))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=4e-2, atol=4e-2)


@pytest.mark.parametrize("precision", HALF)
def test_a_function_of_half_tensors_returns_half_tensors(precision):
    x = torch.randn(2, 5).half()
    found = convert(torch.relu, [x], precision=precision)(x)
    torch.testing.assert_close(found, x.relu(), rtol=1e-2, atol=1e-2)


def test_what_the_model_casts_itself_meets_its_weights():
    class Normalized(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.head = nn.Conv1d(3, 4, 3), nn.LayerNorm(4), nn.Linear(4, 2)

        def forward(self, image):
            return self.head(self.norm(self.conv(image.float() / 255).mT.float())) @ torch.ones(2, 2)

    model = Normalized().eval()
    image = torch.randint(0, 256, (2, 3, 8), dtype=torch.uint8)
    found = convert(model, [image], precision=torch.float16)(image)
    torch.testing.assert_close(found, model(image), rtol=1e-2, atol=1e-2)


def test_inputs_that_are_changed_in_place_are_changed():
    def model(x, y):
        y.mul_(2)
        return x.add_(1) * 2

    module = convert(model, [torch.zeros(3), torch.zeros(2).half()], precision=torch.float16)
    x, y = torch.ones(3), torch.ones(2).half()
    torch.testing.assert_close(module(x, y), torch.full((3,), 4.0))
    torch.testing.assert_close((x, y), (torch.full((3,), 2.0), torch.full((2,), 2.0).half()))


def test_buffers_that_are_changed_keep_their_dtype():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("count", torch.zeros(3))

        def forward(self, x):
            return x + self.count.add_(1)

    module = convert(Counting().eval(), [torch.ones(3)], precision=torch.float16)
    for count in (1, 2):
        torch.testing.assert_close(module(torch.ones(3)), torch.full((3,), 1.0 + count))
    torch.testing.assert_close(module.state.count, torch.full((3,), 2.0))


def test_weights_that_do_not_fit_are_named():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)).eval()
    with torch.no_grad():
        model[1].weight[0, 0] = 7e4
        model[0].bias.fill_(-torch.inf)  # infinite before already
    with pytest.warns(torch2trt.PrecisionWarning, match=r"^1\.weight: numbers beyond float16 become infinite"):
        convert(model, [torch.ones(1, 2)], precision=torch.float16)


@pytest.mark.filterwarnings("error")
def test_weights_that_fit_are_not_named():
    model = nn.Linear(2, 2).eval()
    nn.init.constant_(model.weight, 65504)
    nn.init.constant_(model.bias, -torch.inf)
    convert(model, [torch.ones(1, 2)], precision=torch.float16)
    convert(nn.Linear(2, 2).half().eval(), [torch.ones(1, 2).half()], precision=torch.float32)
