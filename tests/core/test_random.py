"""The setting ``random``: who draws a model's random numbers, and what can be compared of such a model."""

import warnings

import pytest
import torch
import torch.nn.functional as F
import torch2trt
from torch._higher_order_ops.scan import scan
from torch2trt import (
    CaptureError,
    RandomNumbersWarning,
    UnsupportedError,
    VerificationError,
    compare,
    convert,
    converter,
    explain,
    lib,
)
from torch2trt.program.program import draws
from torch2trt.runtime import store

from tests.core.packs import Pack, with_installed

ON_REFERENCE = {"runtime": "reference", "build": False}


def noisy(x):
    return x + torch.randn_like(x), x * 2


def test_by_default_a_warning_names_the_calls_once():
    x = torch.ones(3)
    with pytest.warns(
        RandomNumbersWarning, match=r"are not PyTorch's.*\n  aten.randn_like.default in .*test_random"
    ) as got:
        module = convert(noisy, [x], **ON_REFERENCE)
    assert len(got) == 1
    assert got[0].filename == __file__
    assert not torch.equal(module(x)[0], module(x)[0])


def test_a_model_without_random_numbers_is_not_warned_of():
    convert(lambda x: F.dropout(x, 0.5, training=False) + torch.bernoulli(x, 0.0), [torch.ones(3)], **ON_REFERENCE)


def test_who_asks_for_them_is_not_warned():
    convert(noisy, [torch.ones(3)], random="engine", **ON_REFERENCE)


def test_they_can_be_refused():
    assert len(explain(noisy, [torch.ones(3)]).unsupported) == 0
    with pytest.raises(UnsupportedError, match="random='refuse' forbids; make them outside and pass them in"):
        convert(noisy, [torch.ones(3)], random="refuse", **ON_REFERENCE)


def test_dropout_in_training_mode_is_drawn_only_for_who_asks():
    x = torch.ones(1000)
    with pytest.raises(UnsupportedError, match=r"call model.eval\(\), or ask for random numbers with random='engine'"):
        convert(lambda x: F.dropout(x, 0.5, training=True), [x], **ON_REFERENCE)
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.5))
    with pytest.raises(CaptureError, match="training mode"):
        convert(model, [torch.ones(2, 4)], **ON_REFERENCE)
    dropped = convert(model, [torch.ones(2, 4)], random="engine", **ON_REFERENCE)(torch.ones(2, 4))
    assert 0 < (dropped == 0).sum() < 8
    with pytest.raises(CaptureError, match=r"training mode \(1 "):
        convert(torch.nn.Sequential(model, torch.nn.BatchNorm1d(4)), [torch.ones(2, 4)], random="engine")


def test_attention_with_dropout_is_drawn_for_who_asks():
    def attend(x):
        return F.scaled_dot_product_attention(x, x, x, dropout_p=0.5)

    x = torch.randn(1, 1, 50, 8)
    assert explain(attend, [x]).unsupported
    module = convert(attend, [x], random="engine", **ON_REFERENCE)
    assert not torch.equal(module(x), module(x))


def test_a_branch_that_draws_them_is_known():
    def sometimes(x):
        return torch.cond(x.sum() > 0, lambda x: x + torch.rand_like(x), lambda x: x - 1, (x,))

    def never(x):
        return torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: x - 1, (x,))

    for model, expected in ((sometimes, True), (never, False)):
        cond = next(p.call for p in explain(model, [torch.ones(3)]) if p.bodies)
        assert draws(cond) is expected


def test_a_saved_module_keeps_the_setting(tmp_path):
    convert(torch.relu, [torch.ones(3)], random="refuse").save(tmp_path / "module")
    assert store.read_manifest(tmp_path / "module")["engine"]["settings"]["random"] == "refuse"


# --- comparing ---------------------------------------------------------------------------------------------------


def test_outputs_of_random_numbers_are_held_against_pytorch_on_the_same_numbers():
    x = torch.ones(30)
    module = convert(noisy, [x], random="engine", **ON_REFERENCE)
    found = compare(noisy, module, [x])
    assert found.agrees
    assert {output.error for output in found.outputs} == {0}


@converter("aten.sin.default")
def wrong_sine(ctx, input):
    """sin(Tensor self) -> Tensor"""
    return lib.mul(ctx, lib.sin(ctx, input), 1.1)


def test_a_wrong_call_behind_random_numbers_is_found():
    def sine(x):
        return torch.rand_like(x).sin()

    x = torch.ones(30)
    module = convert(sine, [x], random="engine", packs=with_installed(Pack(wrong_sine)), **ON_REFERENCE)
    found = compare(sine, module, [x])
    assert (found.cause, found.first.planned.call.target.name) == ("call", "aten.sin.default")
    with pytest.raises(VerificationError, match=r"aten\.sin\.default"):
        convert(sine, [x], random="engine", packs=with_installed(Pack(wrong_sine)), verify=True, **ON_REFERENCE)


def test_a_model_with_random_numbers_can_be_verified():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", torch2trt.VerificationWarning)
        module = convert(noisy, [torch.ones(30)], random="engine", verify=True, **ON_REFERENCE)
    assert module(torch.ones(30))[0].std() > 0.1


def test_a_random_model_of_dynamic_sizes_is_tried_with_the_same_numbers():
    def by_rows(x):
        if x.shape[0] == 1:
            return x + torch.rand(1, 3)
        return x + torch.rand(x.shape[0], 3)

    x, dims = torch.ones(4, 3), ({0: torch.export.Dim("n", min=1, max=8)},)
    module = convert(by_rows, [x], dynamic_shapes=dims, random="engine", **ON_REFERENCE)
    assert module(torch.ones(1, 3)).shape == (1, 3)


# --- the seed ----------------------------------------------------------------------------------------------------


def test_the_seed_is_a_buffer_that_decides_the_numbers():
    x = torch.zeros(20)
    module = convert(torch.rand_like, [x], random="engine", **ON_REFERENCE)
    first, second = module(x), module(x)
    assert not torch.equal(first, second)
    module.reset()
    assert torch.equal(module(x), first)
    seed = module.state.random_seed.clone()
    assert torch.equal(module(x), second)
    assert module.state.random_seed == seed + 1
    module.state.random_seed.copy_(seed)
    assert torch.equal(module(x), second)
    assert not torch.equal(convert(lambda x: torch.rand_like(x) + 0, [x], random="engine", **ON_REFERENCE)(x), first)


def test_the_seed_begins_with_the_users():
    x = torch.zeros(20)
    drawn = []
    with torch.random.fork_rng(devices=[]):
        for seed in (1, 1, 2):
            torch.manual_seed(seed)
            drawn.append(convert(torch.rand_like, [x], random="engine", **ON_REFERENCE)(x))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_a_model_with_a_buffer_of_that_name_is_refused():
    class Own(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("random_seed", torch.zeros(1))

        def forward(self, x):
            return torch.rand_like(x) + self.random_seed

    class Counting(Own):
        def forward(self, x):
            self.random_seed += 2
            return x + self.random_seed

    for model in (Own(), Counting()):
        with pytest.raises(CaptureError, match=r"'random_seed', where the seed of random numbers is kept; rename it"):
            convert(model, [torch.zeros(3)], random="engine", **ON_REFERENCE)


def test_an_input_may_be_the_models_own_where_only_the_seed_is_written():
    model = torch.nn.Linear(3, 3, bias=False)
    noisy = convert(
        lambda x, w: x @ w + torch.rand(3), [torch.zeros(2, 3), model.weight.detach()], random="engine", **ON_REFERENCE
    )
    assert noisy(torch.zeros(2, 3), model.weight.detach()).shape == (2, 3)
    dropping = torch.nn.Sequential(model, torch.nn.Dropout(0.5))
    module = convert(dropping, [model.weight.detach()], random="engine", **ON_REFERENCE)
    assert (module(model.weight.detach()) == 0).any()


def test_a_loop_that_draws_is_refused():
    def walk(x):
        return scan(lambda place, row: (place + torch.rand_like(row), place * 1), x[0] * 0, x)[1]

    (loop,) = explain(walk, [torch.zeros(6, 3)], random="engine").unsupported
    assert "every step of a loop would draw the same random numbers" in loop.reasons[-1]


def test_a_seed_is_there_for_calls_that_draw_only():
    @converter("aten.sin.default")
    def noisy_sine(ctx, input):
        """sin(Tensor self) -> Tensor"""
        return lib.add(ctx, input, ctx.seed())

    with pytest.raises(torch2trt.ConversionError, match="so it has no seed"):
        convert(torch.sin, [torch.zeros(3)], packs=with_installed(Pack(noisy_sine)), **ON_REFERENCE)
