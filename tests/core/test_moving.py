"""Graphs whose copies move, on memory of the CPU: what CUDA would do is done in its place."""

import ctypes
from types import SimpleNamespace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch2trt.runtime import graphs, moving


class Copies(TorchDispatchMode):
    """Notes copies and does none."""

    def __init__(self, nodes):
        super().__init__()
        self.nodes = nodes

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is not torch.ops.aten.copy_.default:
            return func(*args, **(kwargs or {}))
        if args[0].nbytes:
            self.nodes.append([args[0].data_ptr(), args[1].data_ptr(), args[0].nbytes])
        return args[0]


class CUDA:
    """The functions of ``cuda.bindings.runtime`` that are called; a node is a number."""

    cudaMemcpyKind = SimpleNamespace(cudaMemcpyDeviceToDevice=3)
    cudaGraphNodeType = SimpleNamespace(cudaGraphNodeTypeMemcpy=1)

    def __init__(self):
        self.nodes, self.refused, self.launches, self.destroyed = [], None, 0, []

    def capture(self, work, device, beside=None, *, keep_graph=False):
        assert keep_graph
        with Copies(self.nodes):
            result = work()
        return SimpleNamespace(graph=SimpleNamespace(raw_cuda_graph=lambda: "graph"), result=result)

    def engine(self, own):
        self.run = lambda: torch.add(own["x"], own["y"], out=self.sum)
        self.sum = own["x"] + own["y"]
        return {"sum": self.sum, "nothing": torch.empty(0)}

    def cudaGraphGetNodes(self, graph, count=0):
        return 0, [0, *range(1, 1 + len(self.nodes))][:count], 1 + len(self.nodes)

    def cudaGraphNodeGetType(self, node):
        return 0, int(node > 0)

    def cudaGraphMemcpyNodeGetParams(self, node):
        into, source, _ = self.nodes[node - 1]
        return 0, SimpleNamespace(dstPtr=SimpleNamespace(ptr=into), srcPtr=SimpleNamespace(ptr=source))

    def cudaGraphInstantiate(self, graph, flags):
        return 0, "launchable"

    def cudaGraphExecMemcpyNodeSetParams1D(self, graph, node, into, source, size, kind):
        assert (graph, size, kind) == ("launchable", self.nodes[node - 1][2], 3)
        self.nodes[node - 1] = [into, source, size]
        return (int(node == self.refused),)

    def cudaGraphLaunch(self, graph, stream):
        *inputs, output = self.nodes
        for into, source, size in inputs:
            ctypes.memmove(into, source, size)
        self.run()
        ctypes.memmove(*output)
        self.launches += 1
        return (0,)

    def cudaGraphExecDestroy(self, graph):
        self.destroyed.append(graph)


@pytest.fixture
def cuda(monkeypatch):
    cuda = CUDA()
    monkeypatch.setattr(moving, "bindings", lambda: cuda)
    monkeypatch.setattr(moving, "Captured", cuda.capture)
    monkeypatch.setattr(moving, "current_stream", lambda device: 0)
    return cuda


def inputs(seed):
    generator = torch.Generator().manual_seed(seed)
    return {"x": torch.randn(3, 4, generator=generator), "y": torch.randn(3, 4, generator=generator)}


@pytest.fixture
def graph(cuda):
    return moving.MovingGraph(cuda.engine, inputs(0), torch.device("cpu"))


def test_each_launch_reads_its_inputs_and_writes_new_tensors(cuda, graph):
    found = [graph(inputs(seed)) for seed in range(4)]
    for seed, outputs in enumerate(found):
        assert torch.equal(outputs["sum"], inputs(seed)["x"] + inputs(seed)["y"])
        assert outputs["nothing"].shape == (0,)
    assert cuda.launches == 4


def test_inputs_that_are_not_dense(graph):
    x = torch.view_as_complex(torch.randn(4, 3, 2)).conj().imag.t()
    y = torch._neg_view(torch.randn(3, 4))
    assert torch.equal(graph({"x": x, "y": y})["sum"], x + y)


@pytest.mark.parametrize("node", [1, 2, 3])
def test_an_address_that_cuda_refuses_is_left_to_others(cuda, graph, node):
    cuda.refused = node
    assert graph(inputs(1)) is None
    assert cuda.launches == 0


def test_it_is_destroyed_with_the_module(cuda):
    moving.MovingGraph(cuda.engine, inputs(0), torch.device("cpu"))
    assert cuda.destroyed == ["launchable"]


def test_where_a_copy_is_no_node_the_other_kind_is_taken(cuda, monkeypatch):
    monkeypatch.setattr(cuda, "cudaGraphNodeGetType", lambda node: (0, 0))
    monkeypatch.setattr(graphs, "Graph", lambda *arguments: arguments)
    found = graphs.graph_of(cuda.engine, inputs(0), torch.device("cpu"), SimpleNamespace(captured="before"))
    assert found[3] == "before"


def test_cudas_own_bindings_have_what_is_called():
    runtime = pytest.importorskip("cuda.bindings.runtime")
    names = [name for name in vars(CUDA) if name.startswith("cuda")]
    assert [name for name in names if not hasattr(runtime, name)] == []
