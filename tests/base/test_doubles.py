"""The rows of what the pack makes of float64 before anything is planned, which no converter has."""

import warnings

import pytest
import torch
import torch2trt
from torch2trt.program.evaluate import evaluate
from torch2trt.testing import parametrize

from .doubles import BIG, CASES, IMAGE, SPECIAL, THIRDS, Layers, masked


@pytest.mark.filterwarnings("ignore::torch2trt.Float64Warning")
@parametrize(CASES, pack="base")
def test_doubles(check):
    check()


def told(model, *inputs, **settings):
    """The plan of a model, and what is told of its float64."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        plan = torch2trt.explain(model, list(inputs), runtime="reference", build=False, **settings)
    assert {warning.category for warning in caught} <= {torch2trt.Float64Warning}
    return plan, [str(warning.message) for warning in caught]


def test_constants_are_computed_in_float64_and_rounded_once():
    def model(x):
        # in float32 the sum loses the third
        return x + (torch.tensor([1e9], dtype=torch.float64) + THIRDS - 1e9)

    plan, messages = told(model, torch.zeros(4))
    assert sum(planned.action == "convert" and "_to_copy" not in planned.call.target.name for planned in plan) == 1
    expected = (torch.tensor([1e9], dtype=torch.float64) + THIRDS - 1e9).float()
    assert torch.equal(plan.convert()(torch.zeros(4)), expected.double())
    assert len(messages) == 1


def test_parameters_and_buffers_are_rounded_once_each():
    model = Layers().eval()
    plan, _ = told(model, IMAGE.make())
    casts = [p for p in plan if p.action == "fold" and p.call.narrowed == "" and "_to_copy" in p.call.target.name]
    names = [ref.name for planned in casts for ref in planned.call.refs]
    assert len(names) == len(set(names)) >= 6
    module, image = plan.convert(), IMAGE.make()
    torch.testing.assert_close(module(image), model(image), rtol=1e-4, atol=1e-5)


def test_casts_alone_are_not_told():
    assert told(lambda x: (x.float() * 2, x.half()), THIRDS)[1] == []
    assert told(lambda x: x.double(), torch.ones(2))[1] == []
    assert told(torch.nn.Linear(4, 2).double().eval(), THIRDS, precision=torch.float32)[1] == []


def test_integers_that_float32_does_not_hold_are_told():
    _, messages = told(lambda n: n.double(), BIG)
    assert "_to_copy at test_doubles.py:" in messages[0]


def test_numbers_beyond_float32_are_infinite():
    x = torch.tensor([[-1.0, 2.0, 3.0], [-1.0, -2.0, -3.0]])
    plan, messages = told(masked, x)
    assert "beyond 3.4e38 are infinite" in messages[0]
    assert plan.convert()(x)[1].isnan().all()  # of nothing but infinities
    plan, _ = told(lambda x: (x, x * 2), SPECIAL)
    copied, doubled = plan.convert()(SPECIAL)
    wanted = SPECIAL.float().double()
    torch.testing.assert_close(copied, wanted, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(doubled, wanted * 2, rtol=0, atol=0, equal_nan=True)


def test_bodies_of_control_flow_are_narrowed_too():
    def model(x):
        return torch.cond(x.sum() > 0, lambda x: x.double() / 3, lambda x: x.double() + THIRDS, (x,))

    plan, messages = told(model, torch.ones(4))
    assert "div" in messages[0]
    for x in (torch.ones(4), -torch.ones(4)):
        (result,) = evaluate(plan.program, {"x": x}, x.device)
        assert result.dtype is torch.float32
        torch.testing.assert_close(result.double(), model(x), rtol=1e-6, atol=1e-6)


def test_operators_of_others_take_float32_at_run_time_and_constants_as_they_are():
    seen = []

    @torch.library.custom_op("torch2trt_doubles::scaled", mutates_args=())
    def scaled(x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        return (x * scale).to(x.dtype)

    scaled.register_fake(lambda x, scale: torch.empty_like(x))

    @torch2trt.converter("torch2trt_doubles.scaled.default")
    def convert_scaled(ctx, x, scale):
        """scaled(Tensor x, Tensor scale) -> Tensor"""
        seen.append(scale.dtype)
        return torch2trt.lib.mul(ctx, x, scale.float())

    class Pack:
        @torch2trt.hookimpl
        def torch2trt_register_converters(self, registry):
            registry.add(convert_scaled)

    packs = torch2trt.Packs.load(extra=[Pack()])
    for x, dtype in ((torch.ones(4), torch.float64), (torch.ones(4).double(), torch.float32)):
        plan, messages = told(lambda x: scaled(x, THIRDS), x, packs=packs)
        torch.testing.assert_close(plan.convert()(x), scaled(x, THIRDS), rtol=1e-6, atol=1e-6)
        assert (seen.pop(), len(messages)) == (dtype, x.dtype is torch.float64)
