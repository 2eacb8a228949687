"""Buffers of what PyTorch runs all of: they are written where they are, and nobody else's tensors are."""

import pytest
import torch
import torch2trt
from torch import nn
from torch2trt.program.state import written
from torch2trt.tune import autotune

CPU = {"runtime": "reference", "build": False, "cache": False}


class Counting(nn.Module):
    """Adds to a total, and returns what is asked for."""

    def __init__(self, returns):
        super().__init__()
        self.returns = returns
        self.register_buffer("total", torch.zeros(2, 3))

    def forward(self, x):
        before = self.total.clone()
        self.total.add_(x)
        return self.returns(before, self.total, x)


RETURNS = {
    "a product": lambda before, after, x: after * 2,
    "what was there before": lambda before, after, x: before,
    "a view of what was there before": lambda before, after, x: before.view(-1)[2:].view(2, 2),
    "what is there now": lambda before, after, x: after.clone(),
    "the input": lambda before, after, x: x,
}


def in_torch(model, x, kind="torch"):
    """What autotune would try."""
    (rival,) = (rival for name, of, rival in autotune._rivals(torch2trt.explain(model, [x], **CPU)) if of == kind)
    return autotune._in_torch(rival, kind, "PyTorch")


def check(model, device="cpu"):
    x = torch.arange(6.0, device=device).view(2, 3)
    module, model = in_torch(model, x), model.to(device)
    (buffer,) = module.buffers_written()
    address, results = buffer.data_ptr(), []
    for call in range(5):
        result = module(x + call)
        torch.testing.assert_close(result, model(x + call), rtol=0, atol=0)
        torch.testing.assert_close(buffer, model.total, rtol=0, atol=0)
        results.append((result, result.clone()))
    assert buffer.data_ptr() == address
    # results stay what they are
    assert all(torch.equal(*pair) for pair in results)
    return module, x


@pytest.mark.parametrize("returns", RETURNS.values(), ids=RETURNS)
def test_results_and_buffers_are_those_of_the_model(returns):
    check(Counting(returns).eval())


def test_a_runner_leaves_what_it_is_given_as_it_is():
    module, x = check(Counting(RETURNS["a product"]).eval())
    ((name, output),) = written(module.signature.output_leaves, module.signature.outputs).items()
    given = {module.signature.inputs[0].name: x, name: torch.ones(2, 3)}
    outputs = module.runner(given)
    assert torch.equal(given[name], torch.ones(2, 3))
    changed = module.runner.in_place(given)
    assert changed[output] is given[name]
    assert torch.equal(given[name], 1 + x)
    for one, other in zip(outputs.values(), changed.values(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA graphs need an NVIDIA GPU")
@pytest.mark.parametrize("returns", RETURNS.values(), ids=RETURNS)
def test_a_graph_writes_them_where_they_are(returns):
    module, x = check(Counting(returns).eval().cuda(), "cuda")
    # buffers at another address are written there
    module.cpu().cuda()
    module.reset()
    for call in range(4):
        module(x + call)
        assert torch.equal(module.buffers_written()[0], (x + x + call) * (call + 1) / 2)
