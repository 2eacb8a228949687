"""Programs of one row: what their kernels take the place of, and that nothing else changes."""

import functools

import pytest
import torch
import torch.nn.functional as F
import torch2trt
from torch import nn
from torch2trt import AutotuneWarning
from torch2trt.runtime.module import TRTModule
from torch2trt.tune import autotune
from torch2trt_ops_transformer import torch2trt_kernels

PRODUCT, ATTENTION = (f"torch2trt_transformer.one_row_{name}.default" for name in ("product", "attention"))


class Norm(nn.Module):
    """As transformers' models write it."""

    def __init__(self, features):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(features) + 0.5)

    def forward(self, x):
        """In float32 but for the weight."""
        wide = x.to(torch.float32)
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-5)
        return self.weight * wide.to(x.dtype)


class Block(nn.Module):
    """A layer of a decoder: two heads of keys serve four."""

    def __init__(self, gate=F.silu, bias=False):
        super().__init__()
        self.norms, self.gate = nn.ModuleList([Norm(32), Norm(32)]), gate
        self.query, self.key, self.value = (nn.Linear(32, size, bias=bias) for size in (64, 32, 32))
        self.out, self.down = nn.Linear(64, 32, bias=bias), nn.Linear(48, 32, bias=bias)
        self.first, self.second = (nn.Linear(32, 48, bias=bias) for _ in range(2))

    def forward(self, x, keys, values, mask, put=lambda old, new: torch.cat([old, new], 2), after=None):
        """One token, after those of before."""
        h = self.norms[0](x)
        query, key, value = (
            layer(h).view(1, 1, -1, 16).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        keys, values = put(keys, key), put(values, value)
        if after is not None:
            after += keys, values
        keys, values = (one[:, :, None].expand(1, 2, 2, -1, 16).reshape(1, 4, -1, 16) for one in (keys, values))
        seen = F.scaled_dot_product_attention(query, keys, values, mask)
        x = x + self.out(seen.transpose(1, 2).reshape(1, 1, 64))
        h = self.norms[1](x)
        return x + self.down(self.gate(self.first(h)) * self.second(h))


def inputs_of(dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    x, keys, values = (torch.randn(size, generator=generator).to(dtype) for size in ((1, 1, 32), *[(1, 2, 7, 16)] * 2))
    return [x, keys, values, (torch.arange(8) > 1)[None, None, None]]


@pytest.fixture
def chooses_kernels(monkeypatch):
    """As if an engine were slower than PyTorch with the kernels of this pack."""
    monkeypatch.setattr(TRTModule, "runtime", "engine")
    monkeypatch.setattr(autotune, "why_not_compiled", lambda device: None)
    slower = functools.partial(
        autotune.autotuned, timed=lambda runners, tensors: [10.0 - i for i in range(len(runners))]
    )
    monkeypatch.setattr(autotune, "autotuned", slower)


def rewritten(model, inputs):
    """The program with the kernels, and the calls that it has of them with what their flags are."""
    program = torch2trt_kernels(torch2trt.explain(model.eval(), inputs, cache=False).program)
    return program and [call for call in program.calls if call.target.name in (PRODUCT, ATTENTION)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_layer_is_five_calls(dtype):
    packed, attention, out, gated, down = rewritten(Block().to(dtype), inputs_of(dtype))
    assert attention.target.name == ATTENTION
    assert [attention.args[1].shape[1], packed.args[1].shape[0], gated.args[1].shape[0]] == [2, 128, 96]
    # residual, scale, eps and gate
    flags = [
        (call.args[3] is not None, call.args[4] is not None, *call.args[5:]) for call in (packed, out, gated, down)
    ]
    assert flags == [
        *((False, True, 1e-5, ""), (True, False, 0.0, "")),
        *((False, True, 1e-5, "silu"), (True, False, 0.0, "")),
    ]


def test_what_has_two_rows_stays_as_it_is():
    assert rewritten(nn.Linear(32, 8), [torch.randn(2, 32)]) is None


class Apart(nn.Module):
    """Products of one row that look alike: one has no bias, and a sum is in a wider dtype."""

    def __init__(self):
        super().__init__()
        self.plain, self.first, self.second = (nn.Linear(32, 32, bias=bias) for bias in (False, True, True))

    def forward(self, x, wide):
        """Three results."""
        gated = F.silu(self.plain(x)) * self.first(x)
        return gated, self.first(x) + wide, F.linear(x, self.second.weight, bias=self.second.bias)


def test_products_that_only_look_alike_are_no_one_product(chooses_kernels):
    model, inputs = Apart().half().eval(), [torch.randn(1, 32).half(), torch.randn(1, 32)]
    with pytest.warns(AutotuneWarning, match="those of transformer runs"):
        module = torch2trt.convert(model, inputs, runtime="reference", build=False, autotune=True)
    for actual, expected in zip(module(*inputs), model(*inputs), strict=True):
        torch.testing.assert_close(actual, expected, rtol=0, atol=4 * torch.finfo(torch.half).eps)


@pytest.mark.parametrize(
    ("model", "dtype"),
    [
        (Block(), torch.float32),
        (Block(), torch.float16),
        (Block(F.gelu, bias=True), torch.float32),
        (Block(functools.partial(F.gelu, approximate="tanh")), torch.bfloat16),
    ],
)
def test_the_module_computes_what_the_model_does(chooses_kernels, tmp_path, model, dtype):
    model, inputs = model.to(dtype).eval(), inputs_of(dtype)
    with pytest.warns(AutotuneWarning, match="inductor's kernels and those of transformer runs"):
        module = torch2trt.convert(model, inputs, runtime="reference", build=False, autotune=True)
    module.save(tmp_path / "model.trt")
    for one in (module, torch2trt.load(tmp_path / "model.trt")):
        assert PRODUCT in str(one.manifest())
        # a half holds what is computed in float32 as it is; the model's own rounds after each step
        expected = model.float()(*(one.float() if one.is_floating_point() else one for one in inputs)).detach()
        within = 4 * torch.finfo(dtype).eps * expected.abs().max() if dtype.itemsize == 2 else 1e-5
        torch.testing.assert_close(one(*inputs).float(), expected, rtol=1e-5, atol=float(within))
        model.to(dtype)


class Decoder(nn.Module):
    """Two layers of one buffer with the keys and values of four tokens so far, and of those to come."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([Block(), Block()])
        self.register_buffer("caches", torch.randn(4, 1, 2, 12, 16))

    def forward(self, x, start):
        """The token at ``start``, which the buffer has then."""
        before, after = self.caches.unbind(), []
        places = torch.arange(1)[:, None, None], torch.arange(2)[:, None], torch.arange(1) + start
        seen = (torch.arange(12) <= start)[None, None, None]
        for index, layer in enumerate(self.layers):
            x = layer(x, *before[2 * index : 2 * index + 2], seen, lambda old, new: old.index_put(places, new), after)
        self.caches.copy_(torch.stack(after))
        return x


def test_caches_are_read_as_they_are_and_written_once(chooses_kernels, tmp_path):
    model, given = Decoder().eval(), [(torch.randn(1, 1, 32), torch.tensor([4 + index])) for index in range(3)]
    first = model.caches.clone()
    calls = rewritten(model, given[0])
    assert [call.args[-1] is not None for call in calls if call.target.name == ATTENTION] == [True, True]
    with pytest.warns(AutotuneWarning, match="those of transformer runs"):
        module = torch2trt.convert(model, given[0], runtime="reference", build=False, autotune=True)
    targets = [call["target"] for call in module.manifest()["hybrid"]["torch"][0]["program"]]
    assert targets.count("aten.index_put.default") == 1
    module.save(tmp_path / "model.trt")
    for one in (module, torch2trt.load(tmp_path / "model.trt")):
        model.caches.copy_(first)
        assert type(one.runner).__name__ == "WholeGraph"
        for inputs in given:
            torch.testing.assert_close(one(*inputs), model(*inputs))
            torch.testing.assert_close(one.buffers_written()[0], model.caches)
