"""Declining loses nothing: a call that every converter declines follows PyTorch's own rule, at every level."""

import pytest
import torch
from torch import nn
from torch._subclasses import FakeTensor
from torch.nn import functional as F
from torch2trt import convert, converter, explain, hookimpl, lib
from torch2trt.capture import rules

from .packs import Pack, only, with_installed


@converter("aten.silu.default", rejects=lambda input: "only in float32" if input.dtype != torch.float32 else None)
def silu(ctx, input):
    """silu(Tensor self) -> Tensor"""
    return lib.relu(ctx, input)  # not silu, so that its results are told apart


def targets(plan):
    return [planned.call.target.name for planned in plan]


def test_a_declined_operator_is_decomposed_where_pytorch_has_a_rule():
    packs = with_installed(Pack(silu))
    x = torch.randn(2, 3)
    assert targets(explain(F.silu, [x], packs=packs)) == ["aten.silu.default"]
    plan = explain(F.silu, [x.half()], packs=packs, build=False)
    # PyTorch's rule computes in float32
    assert targets(plan) == [
        "aten._to_copy.default",
        "aten.sigmoid.default",
        "aten.mul.Tensor",
        "aten._to_copy.default",
    ]
    assert not plan.unsupported
    torch.testing.assert_close(plan.convert()(x.half()), F.silu(x.half()), rtol=1e-2, atol=1e-3)


def test_accepted_and_declined_calls_of_one_operator_in_one_model():
    def model(x):
        return F.silu(x).half() + F.silu(x.half())

    plan = explain(model, [torch.ones(2)], packs=with_installed(Pack(silu)))
    assert targets(plan).count("aten.silu.default") == 1
    assert targets(plan).count("aten.sigmoid.default") == 1


def test_the_reasons_stay_on_the_calls_that_came_of_a_declined_one():
    plan = explain(F.silu, [torch.ones(2, dtype=torch.float16)], packs=with_installed(Pack(silu)))
    assert all(planned.reasons == ("Pack: only in float32",) for planned in plan)
    assert "Pack: only in float32" in str(plan)
    plan = explain(F.silu, [torch.ones(2, dtype=torch.float16)], packs=only(Pack(silu)))
    assert "aten.sigmoid.default" in targets(plan.unsupported)
    for planned in plan.unsupported:
        assert planned.reasons[0] == "Pack: only in float32"
        assert planned.reasons[1].startswith("no loaded pack has a converter of")


def test_a_declined_composite_operator_is_decomposed():
    @converter("aten.linear.default", rejects=lambda bias: "has a bias" if bias is not None else None)
    def linear(ctx, input, weight, bias=None): ...

    packs = with_installed(Pack(linear), block=("base",))
    plan = explain(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4, bias=False)).eval(), [torch.ones(2, 4)], packs=packs)
    first, second = ([p.call.target.name for p in plan if p.call.module_path == path] for path in "01")
    assert "aten.linear.default" not in first
    assert "aten.addmm.default" in first
    assert second == ["aten.linear.default"]


def test_what_comes_of_a_declined_call_may_be_declined_in_turn():
    @converter("aten.mish.default", rejects=lambda: "no mish")
    def mish(ctx, input): ...

    @converter("aten.softplus.default", rejects=lambda: "no softplus")
    def softplus(ctx, input, beta=1, threshold=20): ...

    packs = with_installed(Pack(mish, softplus), block=("base",))
    plan = explain(F.mish, [torch.ones(2)], packs=packs)
    assert "aten.softplus.default" not in targets(plan)
    inner = next(planned for planned in plan if planned.call.target.name == "aten.log1p.default")
    assert inner.reasons[:2] == ("Pack: no mish", "Pack: no softplus")


def test_a_declined_function_is_traced_through_with_its_reason():
    @converter("torch.nn.functional.relu", rejects=lambda inplace: None if inplace else "not in place")
    def relu(ctx, input, inplace=False): ...

    plan = explain(F.relu, [torch.ones(2)], packs=with_installed(Pack(relu)))
    assert [(p.call.target.name, p.reasons) for p in plan] == [("aten.relu.default", ("Pack: not in place",))]


def test_a_declined_module_is_traced_through_with_its_reason():
    @converter(nn.Linear.forward, rejects=lambda module: f"{module.out_features} features")
    def linear(ctx, module, input): ...

    plan = explain(
        nn.Sequential(nn.Linear(4, 3), nn.ReLU()).eval(), [torch.ones(2, 4)], packs=with_installed(Pack(linear))
    )
    assert [(p.call.target.name, p.reasons) for p in plan] == [
        ("aten.linear.default", ("Pack: 3 features",)),
        ("aten.relu.default", ()),
    ]


def test_a_declined_call_without_a_rule_is_unsupported_with_its_reason():
    @converter("aten.relu.default", rejects=lambda: "only on Sundays")
    def relu(ctx, input): ...

    (planned,) = explain(F.relu, [torch.ones(2)], packs=only(Pack(relu)))
    assert (planned.action, planned.reasons) == ("unsupported", ("Pack: only on Sundays",))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_declining_in_a_dynamic_model(dtype):
    shapes = ({0: torch.export.Dim("n", min=1, max=8)},)
    module = convert(
        F.silu, [torch.ones(3, dtype=dtype)], dynamic_shapes=shapes, build=False, packs=with_installed(Pack(silu))
    )
    x = torch.ones(5, dtype=dtype)
    torch.testing.assert_close(module(x), F.relu(x) if dtype is torch.float32 else F.silu(x), rtol=1e-2, atol=1e-3)


def test_a_rule_that_gives_the_call_back_ends():
    @converter("aten.silu.default", rejects=lambda: "never")
    def silu(ctx, input): ...

    class Giving(Pack):
        @hookimpl
        def torch2trt_decompositions(self, table):
            table[torch.ops.aten.silu.default] = lambda x: torch.ops.aten.silu.default(x) + 0

    plan = explain(F.silu, [torch.ones(2)], packs=with_installed(Giving(silu)))
    assert targets(plan.unsupported) == ["aten.silu.default"]


def test_a_kept_call_that_is_declined_when_its_parameters_are_known_is_taken_apart():
    def constant_weight(weight):
        return None if isinstance(weight, FakeTensor) else "the weight is a constant"

    @converter("torch.nn.functional.linear", rejects=constant_weight)
    def linear(ctx, input, weight, bias=None): ...

    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU()).eval()
    plan = explain(model, [torch.ones(2, 4)], packs=with_installed(Pack(linear)), build=False)
    assert targets(plan) == ["aten.linear.default", "aten.relu.default"]
    assert plan.calls[0].reasons == ("Pack: the weight is a constant",)
    x = torch.randn(2, 4)
    torch.testing.assert_close(plan.convert()(x), model(x))


class Rows(nn.Module):
    """Reads by a buffer, by a literal, by something computed of constants, and by an input."""

    def __init__(self):
        super().__init__()
        self.register_buffer("rows", torch.tensor([2, 0]))

    def forward(self, x, given):
        indices = self.rows, torch.tensor([1, 1]), (torch.arange(6) // 2).flip(0)[:2], given
        return [x.index_select(0, index) for index in indices]


@pytest.mark.parametrize("folds", [True, False])
def test_rejects_sees_the_values_of_masks_and_indices_that_are_constant(folds):
    seen = []

    @converter("aten.index_select.default", rejects=lambda index: seen.append(index))
    def index_select(ctx, input, dim, index): ...

    @converter("aten.flip.default", fold=folds)
    def flip(ctx, input, dims): ...

    explain(Rows(), [torch.ones(4, 3), torch.tensor([0, 1])], packs=with_installed(Pack(index_select, flip)))
    values = [None if isinstance(index, FakeTensor) else index.tolist() for index in seen[-4:]]
    # what a converter takes is computed by the network
    assert values == [[2, 0], [1, 1], [2, 2] if folds else None, None]


def test_an_exported_program_is_left_as_it_was():
    exported = torch.export.export(nn.SiLU(), (torch.ones(2, dtype=torch.float16),), strict=False)
    before = [dict(node.meta) for node in exported.graph.nodes]
    for _ in range(2):
        plan = explain(exported, packs=with_installed(Pack(silu)))
        assert "aten.silu.default" not in targets(plan)
        assert all(planned.reasons == ("Pack: only in float32",) for planned in plan)
    assert "aten.silu.default" not in targets(explain(exported))
    assert [node.meta.keys() for node in exported.graph.nodes] == [meta.keys() for meta in before]


@pytest.mark.parametrize("rule", [lambda x: x[None] * 2, lambda x: x.half(), lambda x: 1 / 0])
def test_a_rule_that_gives_something_else_than_the_operator_is_not_used(rule):
    @converter("aten.silu.default", rejects=lambda: "never")
    def silu(ctx, input): ...

    class Wrong(Pack):
        @hookimpl
        def torch2trt_decompositions(self, table):
            table[torch.ops.aten.silu.default] = rule

    plan = explain(F.silu, [torch.ones(2)], packs=with_installed(Wrong(silu)))
    assert [(p.call.target.name, p.reasons) for p in plan] == [("aten.silu.default", ("Wrong: never",))]


def test_both_ways_of_running_the_rules_give_the_same_program(monkeypatch):
    model = nn.Sequential(nn.Linear(4, 4), nn.SiLU(), nn.LayerNorm(4)).eval()
    first = explain(model, [torch.ones(2, 4)]).program
    monkeypatch.setattr(rules, "_decompose", None)
    assert explain(model, [torch.ones(2, 4)]).program == first
