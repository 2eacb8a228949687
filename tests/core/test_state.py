"""Buffers that a model writes when it is called: the converted module keeps its own."""

import pytest
import torch
import torch2trt
from torch import nn
from torch.nn import functional as F
from torch2trt import Input, convert

REFERENCE = {"runtime": "reference", "build": False}


class Keeping(nn.Module):
    """A module with one buffer; what it does with it stands in ``step``."""

    def __init__(self, step, buffer):
        super().__init__()
        self.register_buffer("buffer", buffer)
        self.step = step

    def forward(self, *inputs):
        return self.step(self, *inputs)


def counted(model, x):
    model.buffer += 1
    return x * model.buffer


def averaged(model, x):
    model.buffer.mul_(0.9).add_(x.mean(0), alpha=0.1)
    return x - model.buffer


def normalized(model, x):
    return F.batch_norm(x, model.buffer[0], model.buffer[1], training=True, momentum=0.3)


def assigned(model, x):
    model.buffer = model.buffer * 0.5 + x.sum(0)
    return model.buffer.relu()


def windowed(model, x):
    model.buffer.copy_(torch.cat([model.buffer[1:], x[:1]]))
    return model.buffer.mean(0)


def shrunk(model, x):
    model.buffer.copy_(x.sum() * 9)
    return model.buffer * x.shape[0], model.buffer.dtype.is_floating_point


def old(model, x):
    before = model.buffer.clone()
    model.buffer.add_(x.sum(0))
    return before.reshape(-1), before.reshape(2, 2)


def index_copied(model, x, position):
    model.buffer.index_copy_(0, position, x[:1])
    return model.buffer.sum(0), model.buffer


def index_put(model, x, position):
    model.buffer.index_put_((position,), x[:1], accumulate=True)
    return model.buffer


def sliced(model, x, position):
    model.buffer[position] = x[:1]
    model.buffer[:, 1:3] += 1
    return model.buffer.softmax(-1)


STEPS = {
    "counter": (counted, torch.tensor(3)),
    "bytes that wrap around": (counted, torch.tensor([250, 0, 3, 254], dtype=torch.uint8)),
    "running mean": (averaged, torch.randn(4)),
    "batch norm": (normalized, torch.ones(2, 4)),
    "assigned": (assigned, torch.randn(4)),
    "window": (windowed, torch.zeros(3, 4)),
    "another shape and dtype": (shrunk, torch.zeros(5, dtype=torch.int64)),
    "values of before": (old, torch.randn(4)),
    "index_copy_": (index_copied, torch.zeros(6, 4)),
    "index_put_": (index_put, torch.zeros(6, 4)),
    "slices": (sliced, torch.zeros(6, 4)),
}
PLACED = (index_copied, index_put, sliced)


def inputs_of(step, place=0):
    return [torch.randn(3, 4), *([torch.tensor([place])] if step in PLACED else [])]


def example(name, **options):
    torch.manual_seed(0)
    step, buffer = STEPS[name]
    model = Keeping(step, buffer.clone()).eval()
    return model, convert(model, inputs_of(step), **REFERENCE, **options)


@pytest.mark.parametrize("name", STEPS)
def test_every_call_finds_what_the_last_one_wrote(name):
    model, module = example(name)
    first = model.buffer.clone()
    results = []
    for place in range(5):
        inputs = inputs_of(STEPS[name][0], place)
        results.append((module(*inputs), model(*inputs)))
        torch.testing.assert_close(module.state.buffer, model.buffer, rtol=1e-5, atol=1e-6)
    assert not torch.equal(first, model.buffer)
    for actual, expected in results if name not in ("index_copy_", "index_put_") else results[-1:]:
        torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", STEPS)
def test_converting_and_comparing_change_no_model(name):
    model, module = example(name, verify=True)
    first, inputs = model.buffer.clone(), inputs_of(STEPS[name][0], 2)
    module(*inputs)
    now = module.state.buffer.clone()
    comparison = torch2trt.compare(model, module, inputs)
    assert comparison.agrees, comparison
    assert torch.equal(model.buffer, first)
    assert torch.equal(model.buffer, STEPS[name][1])
    assert torch.equal(module.state.buffer, now)
    assert not torch.equal(now, first)


@pytest.mark.parametrize("name", ["running mean", "assigned", "window", "index_copy_"])
def test_state_keeps_its_dtype_in_another_precision(name):
    model, module = example(name, precision=torch.float16)
    for place in range(4):
        inputs = inputs_of(STEPS[name][0], place)
        torch.testing.assert_close(module(*inputs), model(*inputs), rtol=1e-2, atol=1e-2)
    torch.testing.assert_close(module.state.buffer, model.buffer, rtol=1e-2, atol=1e-2)


def test_sizes_that_vary():
    model = Keeping(averaged, torch.zeros(4)).eval()
    module = convert(model, [Input(min=(1, 4), max=(8, 4))], verify=True, **REFERENCE)
    for size in (1, 8, 3):
        x = torch.randn(size, 4)
        torch.testing.assert_close(module(x), model(x))


def test_what_is_returned_is_no_view_of_the_state():
    _, module = example("index_copy_")
    _, cache = module(torch.ones(3, 4), torch.tensor([0]))
    module(torch.ones(3, 4), torch.tensor([1]))
    assert cache.sum() == 4
    assert module.state.buffer.sum() == 8


class Layer(nn.Module):
    def __init__(self, size=16, heads=2, room=64):
        super().__init__()
        self.heads = heads
        self.projections, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.register_buffer("keys", torch.zeros(1, heads, room, size // heads))
        self.register_buffer("values", torch.zeros(1, heads, room, size // heads), persistent=False)

    def forward(self, x, position):
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.projections(x).chunk(3, -1)
        )
        self.keys.index_copy_(2, position, key)
        self.values[:, :, position] = value
        seen = torch.arange(self.keys.shape[2]) <= position[:, None]
        attended = F.scaled_dot_product_attention(query, self.keys, self.values, attn_mask=seen)
        return x + self.out(attended.transpose(1, 2).flatten(2))


class Decoder(nn.Module):
    """Two layers with caches of a fixed size, and the position as state too."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.head = nn.Embedding(50, 16), nn.Linear(16, 50)
        self.layers = nn.ModuleList([Layer(), Layer()])
        self.register_buffer("position", torch.zeros(1, dtype=torch.int64))

    def forward(self, token):
        x = self.embedding(token)
        for layer in self.layers:
            x = layer(x, self.position)
        self.position += 1
        return self.head(x)


def decode(module, steps):
    token, logits = torch.tensor([[3]]), []
    with torch.no_grad():
        for _ in range(steps):
            logits.append(module(token))
            token = logits[-1][:, -1].argmax(-1, keepdim=True)
    return torch.cat(logits)


def test_fifty_steps_of_a_decoder():
    model = Decoder().eval()
    module = convert(model, [torch.tensor([[3]])], verify=True, **REFERENCE)
    again = convert(model, [torch.tensor([[3]])], **REFERENCE)
    logits = decode(module, 50)
    assert module.state.position == 50
    assert (model.position, again.state.position) == (0, 0)
    torch.testing.assert_close(decode(again, 50), logits)
    module.reset()
    assert not module.state.get_submodule("layers.1").values.any()
    torch.testing.assert_close(decode(module, 20), logits[:20])
    torch.testing.assert_close(logits, decode(model, 50))


def test_the_model_and_the_module_change_places():
    model = Decoder().eval()
    module = convert(model, [torch.tensor([[3]])], **REFERENCE)
    decode(model, 9)
    assert [buffer.path for buffer in module.signature.state] == [
        "position",
        *(f"layers.{i}.{name}" for i in (0, 1) for name in ("keys", "values")),
    ]
    module.state.load_state_dict(model.state_dict(), strict=False)
    for path in ("layers.0.values", "layers.1.values"):  # which are in no state dict
        module.state.get_buffer(path).copy_(model.get_buffer(path))
    torch.testing.assert_close(decode(module, 3), decode(model, 3))


def test_a_program_of_torch_export():
    model = Decoder().eval()
    program = torch.export.export(model, (torch.tensor([[3]]),))
    module = convert(program, verify=True, **REFERENCE)
    logits = decode(module, 9)
    assert torch2trt.compare(program, module, [torch.tensor([[3]])]).agrees
    assert (program.module().position, module.state.position) == (0, 9)
    torch.testing.assert_close(logits, decode(model, 9))
