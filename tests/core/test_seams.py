"""Seams that later features stand on: segments, runners, subprograms, folding, names of weights, the engine cache."""

import json

import pytest
import torch
import torch2trt
from torch import nn
from torch2trt import converter, explain, lib, trt
from torch2trt.network.build import build
from torch2trt.network.key import engine_key
from torch2trt.network.lower import lower
from torch2trt.plan.segments import part
from torch2trt.runtime.reference import ReferenceRunner

from .packs import Pack, with_installed

BATCH = ({0: torch.export.Dim("n", min=1, max=8)},)


def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)).eval()


def test_a_program_in_two_segments_with_tensors_of_their_own():
    model = mlp()
    plan = explain(model, [torch.ones(3, 4)], dynamic_shapes=BATCH)
    halves = [part(plan.program, calls, plan.calls) for calls in (plan.calls[:2], plan.calls[2:])]
    (between,) = halves[1].inputs.values()
    assert (between.dtype, between.ranges) == ("float32", ((1, 3, 8), (6, 6, 6)))
    assert [name for _, name in halves[0].outputs] == [between.name]
    runners = []
    for segment in halves:
        network = lower(plan, segment)
        assert build(network, plan).serialized
        runners.append(ReferenceRunner(network.network, network.builder, network.constants))
    x = torch.randn(5, 4)
    (result,) = runners[1](runners[0]({"input": x})).values()
    torch.testing.assert_close(result, model(x))


def test_constant_calls_belong_to_every_segment_that_needs_them():
    def model(x):
        table = torch.arange(4.0) * 2
        return torch.relu(x + table) * table

    plan = explain(model, [torch.ones(4)])
    folds = {planned.call.name for planned in plan if planned.action == "fold"}
    assert folds
    last = part(plan.program, plan.calls[-1:], plan.calls)
    assert folds <= {planned.call.name for planned in last.calls}
    assert [spec.name for spec in last.inputs.values()] == ["relu"]


def test_a_module_runs_on_whatever_is_a_runner():
    class Doubling:
        kind = "doubling"

        def __call__(self, tensors):
            return {"output_0": 2 * tensors["x"]}

    plan = explain(lambda x: x + x, [torch.ones(2)])
    module = torch2trt.TRTModule(signature=plan.program.signature, reference=Doubling(), runtime="reference")
    assert module.runtime == "doubling"
    assert module(torch.ones(2)).tolist() == [2.0, 2.0]


@converter("higher_order.cond")
def cond(ctx, pred, true_graph, false_graph, operands=()):
    """A conditional as both ways and a choice, which is enough to see that subprograms are lowered."""
    both = (ctx.lower(graph, operands) for graph in (true_graph, false_graph))
    return tuple(lib.where(ctx, pred, yes, no) for yes, no in zip(*both, strict=True))


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda x: torch.relu(self.linear(x)), lambda x: (x * 2).sigmoid(), (x,))


def test_a_converter_lowers_the_subprograms_of_its_call():
    model = Branches().eval()
    plan = explain(model, [torch.ones(2, 4)], packs=with_installed(Pack(cond)), build=False)
    assert not plan.unsupported
    names = [planned.call.target.name for planned in plan]
    assert {"higher_order.cond", "aten.linear.default", "aten.sigmoid.default"} <= set(names)
    assert "program true_graph_0" in str(plan.program)
    assert "program true_graph_0, program false_graph_0, [float32[2, 4]" in plan.to_json()
    module = plan.convert()
    for x in (torch.ones(2, 4), -torch.ones(2, 4)):
        torch.testing.assert_close(module(x), model(x))


def test_an_unsupported_call_of_a_subprogram_is_listed():
    packs = with_installed(Pack(cond), block=("base", "vision", "transformer", "quantization", "example"))
    unsupported = {p.call.target.name for p in explain(Branches().eval(), [torch.ones(2, 4)], packs=packs).unsupported}
    assert "aten.sigmoid.default" in unsupported


@pytest.mark.parametrize("fold", [True, False])
def test_a_call_of_constants_stays_where_its_converter_says_so(fold):
    seen = []

    @converter("aten.relu.default", fold=fold)
    def relu(ctx, input):
        seen.append(type(input))
        return lib.relu(ctx, input)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.tensor([-1.0, 2.0]))

        def forward(self, x):
            return x + torch.relu(self.weight)

    plan = explain(Model().eval(), [torch.ones(2)], packs=with_installed(Pack(relu)), build=False)
    assert [planned.action for planned in plan] == ["fold" if fold else "convert", "convert"]
    assert plan.convert()(torch.zeros(2)).tolist() == [0.0, 2.0]
    assert seen == ([] if fold else [torch.Tensor])


def test_parameters_keep_their_names_down_to_the_network(monkeypatch):
    named = {}  # what TensorRT answers: False where no layer uses the weights
    original = trt.INetworkDefinition.set_weights_name
    monkeypatch.setattr(
        trt.INetworkDefinition,
        "set_weights_name",
        lambda self, weights, name: named.setdefault(name, original(self, weights, name)),
    )

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)
            self.scale = nn.Parameter(torch.ones(4, 1, 1))

        def forward(self, x):
            return self.conv(x) * self.scale

    network = explain(Model().eval(), [torch.ones(1, 3, 8, 8)], build=False).convert().network
    assert named == {"conv.weight": True, "conv.bias": True, "scale": True}
    assert "scale" in {network.get_layer(index).name for index in range(network.num_layers)}


class TestTheEngineCache:
    def plan(self, model=None, **settings):
        return explain(model or mlp(), [torch.ones(2, 4)], **settings)

    def key(self, *args, **settings):
        plan = self.plan(*args, **settings)
        return engine_key(plan, plan.segments[0])

    def test_an_engine_of_the_same_key_is_not_built_again(self):
        cache = {}
        engines = []
        for _ in range(2):
            plan = self.plan()
            engines.append(build(lower(plan, plan.segments[0]), plan, cache))
        assert engines[0].serialized is engines[1].serialized
        assert len(cache) == 1

    def test_the_key_changes_with_all_that_makes_an_engine(self, monkeypatch):
        other_weights = mlp()
        with torch.no_grad():
            other_weights[0].weight[0, 0] += 1

        @converter("aten.relu.default")
        def relu(ctx, input):
            return lib.relu(ctx, input)

        keys = [
            self.key(),
            self.key(other_weights),
            self.key(nn.Sequential(*mlp(), nn.ReLU()).eval()),
            self.key(precision=torch.float16),
            self.key(optimization_level=1),
            self.key(packs=with_installed(Pack(relu))),
        ]
        monkeypatch.setattr(torch2trt._trt.trt, "__version__", "9.9")
        keys.append(self.key())
        assert len(set(keys)) == len(keys)
        json.dumps(keys)
