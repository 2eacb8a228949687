"""Segments that inductor compiles: the graph that it gets, and what comes of it."""

import functools
import gc
import weakref

import pytest
import torch
from torch import nn
from torch2trt import Input, explain
from torch2trt.plan.fallback import all_in_torch
from torch2trt.program.call import Ref
from torch2trt.program.evaluate import Step
from torch2trt.runtime import torch_run
from torch2trt.runtime.torch_run import as_graph, may_be_compiled, why_not_compiled

pytestmark = pytest.mark.filterwarnings("ignore::torch2trt.FallbackWarning")  # all of it is in PyTorch


class Several(nn.Module):
    """Operators of several results, views, constants that are used twice, and arithmetic on sizes."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, 6)
        self.norm = nn.LayerNorm(6)
        self.scale = nn.Parameter(torch.randn(6))

    def forward(self, x):
        count = x.shape[0] * 2 + 1
        low, high = (self.norm(self.linear(x)) * self.scale).chunk(2, dim=1)
        values, indices = torch.cat([low, high + 1], 1).topk(2, dim=1)
        return (values.t() / count, indices, self.scale * x.sum())


def in_pytorch(model, inputs, kind="inductor"):
    plan = explain(model, inputs, runtime="reference", build=False)
    calls, segments = all_in_torch(plan.program, plan.calls, "for this test", kind)
    return type(plan)(**{**vars(plan), "calls": calls, "segments": segments})


@pytest.fixture
def compiling(monkeypatch):
    """Have segments compiled here too, by everything of ``torch.compile`` but inductor's last step."""
    monkeypatch.setattr(torch_run, "why_not_compiled", lambda device: None)
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="aot_eager"))
    torch.compiler.reset()


def test_the_graph_computes_what_the_calls_do():
    model = Several().eval()
    plan = in_pytorch(model, [Input(min=(1, 6), opt=(3, 6), max=(5, 6))])
    calls = [planned.call for planned in plan.calls]
    assert may_be_compiled(calls)
    constants = {Ref("constant", name): tensor for name, tensor in plan.program.constants.items()}
    steps = [Step(call, torch.device("cpu"), known=constants) for call in calls]
    taken = [Ref("input", name) for name in plan.program.inputs]
    graph, held = as_graph(steps, taken, plan.program.outputs)
    assert {*map(id, held)} == {*map(id, plan.program.constants.values())}
    assert not list(graph.buffers())
    x = torch.randn(4, 6)
    torch.testing.assert_close(graph(x, *held), model(x))


@pytest.mark.parametrize("kind", ["torch", "inductor"])
def test_a_deleted_module_gives_its_weights_back_at_once(compiling, kind):
    model, x = Several().eval(), torch.randn(3, 6)
    module = in_pytorch(model, [x], kind).convert()
    torch.testing.assert_close(module(x), model(x))
    kept = [weakref.ref(one) for one in module._hybrid.constants.values() if isinstance(one, torch.Tensor)]
    assert len(kept) == len(list(model.parameters()))
    gc.disable()  # which would find circles
    try:
        del module
        assert [one() for one in kept] == [None] * len(kept)
    finally:
        gc.enable()


@pytest.mark.parametrize("count", [1, 3, 5])
def test_a_compiled_segment_is_right_at_all_sizes(compiling, count):
    model = Several().eval()
    module = in_pytorch(model, [Input(min=(1, 6), opt=(3, 6), max=(5, 6))]).convert()
    x = torch.randn(count, 6)
    torch.testing.assert_close(module(x), model(x))
    (run,) = module.runner._runner._on_device[torch.device("cpu")].runs.values()
    assert run.compiled


def test_where_inductor_makes_no_kernels_pytorch_runs_the_calls():
    assert why_not_compiled(torch.device("cpu")) == "it makes kernels for GPUs, not for cpu"
    model = Several().eval()
    module = in_pytorch(model, [torch.randn(3, 6)]).convert()
    x = torch.randn(3, 6)
    torch.testing.assert_close(module(x), model(x))


@pytest.mark.parametrize(
    "function",
    [lambda x: x + torch.rand_like(x), lambda x: torch.cond(x.sum() > 0, torch.neg, torch.abs, (x,))],
    ids=["random", "subprogram"],
)
def test_what_inductor_does_not_take_as_it_is(function):
    plan = explain(function, [torch.randn(3)], random="engine")
    assert not may_be_compiled([planned.call for planned in plan.calls])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="inductor makes kernels for a GPU")
def test_on_a_gpu_it_is_one_graph_of_inductors_kernels():
    model = Several().eval().cuda()
    module = in_pytorch(model, [Input(min=(1, 6), opt=(3, 6), max=(5, 6))]).convert()
    for count in (3, 3, 3, 3, 5, 5, 5, 5, 1):
        x = torch.randn(count, 6, device="cuda")
        torch.testing.assert_close(module(x), model(x))
        with torch.inference_mode():
            torch.testing.assert_close(module(x), model(x))
