"""CUDA graphs: when a shape gets one, and that calls give what they gave without."""

import os
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import torch
import torch2trt
from torch import nn
from torch2trt import EngineError, Input
from torch2trt.runtime.graphs import Graphs

gpu = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")]


class Named(str):
    """Stands in for a graph, whose scratch memory is in a block with others'."""

    captured = SimpleNamespace(block=None)


class Captures:
    """Counts what is captured."""

    def __init__(self, error=None):
        self.count, self.error, self.beside = 0, error, []

    def __call__(self, beside):
        self.count += 1
        self.beside.append(beside)
        if self.error:
            raise self.error
        return Named(f"graph {self.count}")


def test_a_static_shape_is_captured_at_its_second_call():
    graphs, capture = Graphs(static=True), Captures()
    assert [graphs((), capture) for _ in range(4)] == [None, "graph 1", "graph 1", "graph 1"]


def test_a_dynamic_shape_is_captured_where_it_comes_back():
    graphs, capture = Graphs(static=False), Captures()
    assert [graphs((1,), capture) for _ in range(600)] == [None, None, *["graph 1"] * 598]


def test_kernels_that_change_are_captured_again():
    graphs, capture = Graphs(static=False, changing=True), Captures()
    found = [graphs((1,), capture) for _ in range(600)]
    assert found[:3] == [None, None, "graph 1"]
    assert (found[30], found[31], found[511]) == ("graph 1", "graph 2", "graph 3")
    assert graphs((2,), capture) is None
    # as the one that it takes the place of is there until it has
    assert capture.beside == [None, "graph 1", "graph 2"]


def test_the_shapes_that_were_called_last_keep_their_graphs():
    graphs, capture = Graphs(static=False), Captures()
    for _ in range(3):
        graphs((0,), capture)
    for size in range(1, 8):
        graphs((size,), capture)
    assert graphs((0,), capture) == "graph 1"
    graphs((8,), capture)  # one too many: (1,) goes, not (0,)
    assert graphs((0,), capture) == "graph 1"
    for size in range(9, 17):
        graphs((size,), capture)
    assert graphs((0,), capture) is None


@pytest.mark.parametrize("error", [RuntimeError("not permitted when stream is capturing"), EngineError("no")])
def test_an_engine_that_cannot_be_captured_is_not_tried_again(error):
    graphs, capture = Graphs(static=True), Captures(error)
    assert [graphs((), capture) for _ in range(4)] == [None] * 4
    assert capture.count == 1


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))

    def forward(self, x, y):
        z = self.layers(x)
        return z + y, z.amax(1)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Model().eval()


def inputs(n, seed):
    generator = torch.Generator("cuda").manual_seed(seed)
    return [torch.randn(n, 8, device="cuda", generator=generator) for _ in range(2)]


def check(module, model, given):
    for found, expected in zip(module(*given), model(*given), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-2)


class TestOnGPU:
    pytestmark = gpu

    @pytest.fixture
    def model(self, model):
        return model.cuda()

    @pytest.fixture(params=["static", "dynamic"])
    def module(self, model, request):
        low, high = (4, 4) if request.param == "static" else (1, 8)
        return torch2trt.convert(model, [Input(min=(low, 8), opt=(4, 8), max=(high, 8))] * 2, runtime="engine")

    @pytest.fixture
    def dynamic(self, model):
        return torch2trt.convert(model, [Input(min=(1, 8), opt=(4, 8), max=(8, 8))] * 2, runtime="engine")

    def test_results_stay_right_and_outputs_their_own(self, module, model):
        kept = [(module(*inputs(4, seed)), model(*inputs(4, seed))) for seed in range(40)]
        for found, expected in kept:
            torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-2)

    def test_shapes_that_change_at_every_call(self, dynamic, model):
        for seed in range(80):
            check(dynamic, model, inputs(1 + seed % 8, seed))

    def test_modes(self, module, model):
        for mode in (torch.inference_mode, torch.no_grad, torch.enable_grad, torch.inference_mode):
            with mode():
                for seed in range(3):
                    check(module, model, inputs(4, seed))
        x, y = (tensor.requires_grad_() for tensor in inputs(4, 0))
        assert not module(x, y)[0].requires_grad

    def test_inputs_of_any_layout(self, module, model):
        for seed in range(4):
            x, y = inputs(8, seed)
            check(module, model, [x.t()[:, ::2].t(), y[::2]])

    def test_streams_and_threads(self, dynamic, model):
        def run(seed):
            with torch.cuda.stream(torch.cuda.Stream()):
                for index in range(60):
                    check(dynamic, model, inputs(1 + (seed + index // 10) % 8, seed))

        with ThreadPoolExecutor(6) as threads:
            list(threads.map(run, range(6)))  # raises what a thread does

    def test_in_a_graph_that_the_user_captures(self, module, model):
        x, y = inputs(4, 0)
        for _ in range(3):
            module(x, y)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            found = module(x, y)
        for seed in range(3):
            for own, new in zip((x, y), inputs(4, seed), strict=True):
                own.copy_(new)
            graph.replay()
            torch.testing.assert_close(found, model(x, y), rtol=1e-2, atol=1e-2)

    def test_a_module_that_was_never_called_says_so_in_a_users_capture(self, module):
        x, y = inputs(4, 0)
        module.runner  # noqa: B018  # loads the engine
        with (
            pytest.raises(EngineError, match="once in this thread before you capture"),
            torch.cuda.graph(torch.cuda.CUDAGraph()),
        ):
            module(x, y)

    def test_they_can_be_turned_off(self, module, model):
        module.cuda_graphs = False
        for seed in range(4):
            check(module, model, inputs(4, seed))

    def test_random_numbers_are_drawn_anew_by_a_graph(self):
        x = torch.zeros(100, device="cuda")
        module = torch2trt.convert(torch.rand_like, [x.cpu()], random="engine", runtime="engine")
        drawn = torch.stack([module(x) for _ in range(6)])
        assert len(drawn.unique(dim=0)) == 6

    def test_memory_stays_as_it_is(self, dynamic):
        for size in range(1, 9):
            for seed in range(4):
                dynamic(*inputs(size, seed))
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated(), torch.cuda.memory_reserved(), torch.cuda.mem_get_info()[0]
        for index in range(400):
            dynamic(*inputs(1 + index % 8, index))
        torch.cuda.synchronize()
        assert torch.cuda.memory_allocated() <= before[0]
        assert torch.cuda.memory_reserved() <= before[1]
        if "PYTEST_XDIST_WORKER" not in os.environ:  # other processes take memory of the same GPU
            assert torch.cuda.mem_get_info()[0] >= before[2] - 2**21
