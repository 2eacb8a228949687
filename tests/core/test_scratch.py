"""Scratch memory of engines: who has the same, and that nobody writes another's."""

import gc
import threading
from types import SimpleNamespace

import pytest
import torch
import torch2trt
from torch import nn
from torch2trt import Input
from torch2trt.runtime import scratch
from torch2trt.runtime.graphs import Graphs
from torch2trt.runtime.scratch import block_for_graphs

CPU = torch.device("cpu", 0)


@pytest.fixture
def streams(monkeypatch):
    """The current stream of every thread, which a test changes."""
    current = SimpleNamespace(stream=0)
    monkeypatch.setattr(scratch, "current_stream", lambda device: current.stream)
    return current


def test_graphs_of_one_thread_and_stream_have_one_block(streams):
    block = block_for_graphs(100, CPU)
    assert block.memory.numel() == 100
    assert block_for_graphs(40, CPU) is block
    streams.stream = 1
    elsewhere = block_for_graphs(40, CPU)
    assert elsewhere is not block
    streams.stream = 0
    found = []
    thread = threading.Thread(target=lambda: found.append(block_for_graphs(40, CPU)))
    thread.start()
    thread.join()
    assert found[0] is not block


def test_a_block_is_gone_with_the_last_that_has_it(streams):
    block = block_for_graphs(100, CPU)
    other = block_for_graphs(40, CPU)
    del block
    assert block_for_graphs(40, CPU) is other
    del other
    assert block_for_graphs(40, CPU).memory.numel() == 40


def test_graphs_move_to_a_larger_block(streams):
    def capture(size):
        def graph(beside):
            return SimpleNamespace(captured=SimpleNamespace(block=block_for_graphs(size, CPU)))

        return graph

    small, large = Graphs(static=True), Graphs(static=True)
    before = [small((), capture(40)) for _ in range(2)][1].captured.block
    after = [large((), capture(100)) for _ in range(2)][1].captured.block
    assert (before.outgrown, after.outgrown) == (True, False)
    assert small((), capture(40)).captured.block is after
    moved = small((), capture(40))
    assert small((), capture(40)) is moved


class Wide(nn.Module):
    """Needs scratch memory for what is between its layers."""

    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.Sigmoid()
        )

    def forward(self, x):
        return self.layers(x).mean((2, 3))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")
class TestOnGPU:
    def convert(self, width, **options):
        torch.manual_seed(width)
        model = Wide(width).eval().cuda()
        size = {"shape": (4, 3, 128, 128)}
        if options.pop("dynamic", False):
            size = {"min": (2, 3, 128, 128), "max": (4, 3, 128, 128)}
        module = torch2trt.convert(model, [Input(**size)], runtime="engine", **options)
        module.drop_network()
        return module, model

    def inputs(self, seed, n=4):
        return torch.randn(n, 3, 128, 128, device="cuda", generator=torch.Generator("cuda").manual_seed(seed))

    def check(self, module, model, x):
        torch.testing.assert_close(module(x), model(x), rtol=1e-2, atol=1e-3)

    def blocks(self, *modules):
        torch.cuda.synchronize()
        lanes = [module.runner._lanes.current() for module in modules]
        return [shape.graph.captured.block for lane in lanes for shape in lane.graphs._shapes.values()]

    @pytest.mark.parametrize("dynamic", [False, True])
    @pytest.mark.parametrize("cuda_graphs", [False, True])
    def test_modules_in_turns(self, dynamic, cuda_graphs):
        pairs = [self.convert(width, dynamic=dynamic) for width in (16, 32, 24)]
        for module, _ in pairs:
            module.cuda_graphs = cuda_graphs
        for seed in range(6):
            for module, model in pairs:
                self.check(module, model, self.inputs(seed, 2 + seed % 3 if dynamic else 4))

    def test_two_modules_have_the_memory_of_one(self):
        (small, _), (large, _) = self.convert(16), self.convert(32)
        x = self.inputs(0)
        size = large.engine.device_memory_size_v2
        assert size > 8 * x.nbytes
        for _ in range(3):
            large(x)
        before = torch.cuda.memory_allocated()
        for _ in range(3):
            small(x)
        assert torch.cuda.memory_allocated() - before < size / 4
        assert len(set(map(id, self.blocks(small, large)))) == 1
        before = torch.cuda.memory_allocated(), torch.cuda.memory_reserved()
        for _ in range(50):
            small(x), large(x)
        assert torch.cuda.memory_allocated() <= before[0]
        assert torch.cuda.memory_reserved() <= before[1]

    def test_the_smaller_one_moves_when_the_larger_comes(self):
        pairs = [self.convert(width) for width in (16, 32)]
        for seed in range(4):
            for module, model in pairs:
                self.check(module, model, self.inputs(seed))
        (block,) = set(self.blocks(*(module for module, _ in pairs)))
        assert not block.outgrown

    def test_deleted_modules_give_their_memory_back(self):
        x = self.inputs(0)
        before = torch.cuda.memory_allocated()
        kept = self.convert(16)[0]
        for _ in range(3):
            kept(x)
        with_one = torch.cuda.memory_allocated()
        other = self.convert(16)[0]
        for _ in range(3):
            other(x)
        del other
        gc.collect()
        assert torch.cuda.memory_allocated() <= with_one
        del kept
        gc.collect()
        assert torch.cuda.memory_allocated() <= before

    def test_a_users_graph_runs_beside_the_module_and_others(self):
        (one, model), (other, other_model) = self.convert(16), self.convert(32)
        x, y = self.inputs(0), self.inputs(1)
        for _ in range(3):
            one(x), other(y)
        graph, stream = torch.cuda.CUDAGraph(), torch.cuda.Stream()
        with torch.cuda.graph(graph):
            captured = one(x)
        expected = model(x), model(y), other_model(y)
        stream.wait_stream(torch.cuda.current_stream())
        found = []
        for _ in range(20):
            with torch.cuda.stream(stream):
                graph.replay()
                found.append((captured.clone(), expected[0]))
            found += [(one(y), expected[1]), (other(y), expected[2])]
        torch.cuda.synchronize()
        for tensor, right in found:
            torch.testing.assert_close(tensor, right, rtol=1e-2, atol=1e-3)

    def test_who_runs_the_context_has_scratch_memory_that_stays(self):
        (module, model), (other, _) = self.convert(16), self.convert(32)
        x, y = self.inputs(0), torch.empty(4, 16, device="cuda")
        torch.cuda.synchronize()  # another stream reads them
        with torch.cuda.stream(torch.cuda.Stream()):
            context = module.context
            for _ in range(3):
                module(x), other(x)
            context.set_input_shape("x", tuple(x.shape))
            context.set_tensor_address("x", x.data_ptr())
            context.set_tensor_address(module.output_names[0], y.data_ptr())
            assert context.execute_async_v3(torch.cuda.current_stream().cuda_stream)
            other(x)
            torch.cuda.synchronize()
        torch.testing.assert_close(y, model(x), rtol=1e-2, atol=1e-3)
