"""The example's operator and its plugins: in PyTorch, between engines, and as TensorRT calls them."""

import importlib
import sys

import numpy as np
import pytest
import torch
import torch2trt
from torch2trt import Input, trt
from torch2trt_ops_example import clamped_swiglu, scaled_tanh_plugin

NETWORKS_TAKE_PLUGINS = hasattr(trt.INetworkDefinition, "add_plugin_v3")
GPU = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")]
FULL = pytest.mark.skipif(not NETWORKS_TAKE_PLUGINS, reason="networks of TensorRT for RTX take no plugins")


class Expert(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down = torch.nn.Linear(6, 16), torch.nn.Linear(8, 6)

    def forward(self, x):
        return self.down(clamped_swiglu(self.up(x))) + x


def test_the_operator_is_what_pytorch_asks_of_one():
    x = torch.randn(3, 8)
    torch.library.opcheck(torch.ops.torch2trt_example.clamped_swiglu.default, (x, 1.5, 0.5))
    gate, up = x.chunk(2, -1)
    expected = gate.clamp(max=0.5) * torch.sigmoid(1.5 * gate.clamp(max=0.5)) * (up.clamp(-0.5, 0.5) + 1)
    torch.testing.assert_close(clamped_swiglu(x, 1.5, 0.5), expected)
    with pytest.raises(RuntimeError, match="the last dimension is 3, which has no two halves"):
        clamped_swiglu(torch.ones(2, 3, device="meta"))


@pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")
def test_pytorch_runs_it_between_engines():
    model = Expert().eval()
    inputs = [Input(min=(1, 6), opt=(4, 6), max=(9, 6))]
    plan = torch2trt.explain(model, inputs, fallback=True, min_segment=1)
    kinds = ["engine"] if NETWORKS_TAKE_PLUGINS else ["engine", "torch", "engine"]
    assert [segment.kind for segment in plan.segments] == kinds
    module = plan.convert()
    for rows in (1, 4, 7):
        x = torch.randn(rows, 6)
        torch.testing.assert_close(module(x), model(x), rtol=1e-4, atol=1e-5)


def test_the_creator_that_is_written_by_hand_makes_its_plugin_again():
    torch2trt.convert(torch.relu, [torch.ones(2)], build=False)  # which registers the plugins
    found = trt.get_plugin_registry().get_creator("ScaledTanh", "1", "torch2trt_example")
    assert found is scaled_tanh_plugin.creator
    fields = [trt.PluginField("scale", np.array([1.5], np.float32), trt.PluginFieldType.FLOAT32)]
    plugin = found.create_plugin("x", trt.PluginFieldCollection(fields), trt.TensorRTPhase.BUILD).clone()
    again = found.create_plugin("x", plugin.get_fields_to_serialize(), trt.TensorRTPhase.RUNTIME)
    (result,) = again.evaluate(torch.tensor([3.0]))
    torch.testing.assert_close(result, 1.5 * torch.tanh(torch.tensor([2.0])))


SHAPES = pytest.mark.parametrize("shape", [(3, 8), (5, 100, 34), (0, 4)])


def given(shape, dtype):
    x = (torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 9).to(dtype)
    x.view(-1)[:1] = torch.nan
    return x


@SHAPES
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_the_triton_kernel_computes_what_the_cpus_does(shape, dtype, monkeypatch):
    pytest.importorskip("triton", reason="Triton is not there without a PyTorch for CUDA")
    monkeypatch.setenv("TRITON_INTERPRET", "1")  # Triton's own interpreter; its decorator asks for it
    monkeypatch.delitem(sys.modules, "torch2trt_ops_example.kernels", raising=False)
    kernels = importlib.import_module("torch2trt_ops_example.kernels")
    del sys.modules["torch2trt_ops_example.kernels"]
    x = given(shape, dtype)
    expected = clamped_swiglu(x, 1.5, 6.0)
    torch.testing.assert_close(kernels.launch_clamped_swiglu(x, 1.5, 6.0), expected, equal_nan=True)


@pytest.mark.parametrize("dtype", ["fp32", "fp16", "bf16"])
def test_the_triton_kernel_compiles_for_a_gpu(dtype):
    triton = pytest.importorskip("triton", reason="Triton is not there without a PyTorch for CUDA")
    kernel = importlib.import_module("torch2trt_ops_example.kernels").clamped_swiglu_kernel
    types = {"x": f"*{dtype}", "out": f"*{dtype}", "count": "i32", "half": "i32", "alpha": "fp32", "limit": "fp32"}
    source = triton.compiler.ASTSource(kernel, {**types, "BLOCK": "constexpr"}, {"BLOCK": 1024})
    target = triton.backends.compiler.GPUTarget("cuda", 90, 32)
    assert "ptx" in triton.compile(source, target=target).asm


class TestOnAGpu:
    pytestmark = GPU

    @SHAPES
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
    def test_the_triton_kernel_computes_what_the_cpus_does(self, shape, dtype):
        x = given(shape, dtype)
        tolerance = {"rtol": 1e-5, "atol": 1e-5} if dtype is torch.float32 else {}
        torch.testing.assert_close(clamped_swiglu(x.cuda()).cpu(), clamped_swiglu(x), equal_nan=True, **tolerance)

    def test_pytorch_runs_it_between_engines(self):
        model, x = Expert().eval().cuda(), torch.randn(4, 6, device="cuda")
        module = torch2trt.convert(model, [x], fallback=True, min_segment=1, runtime="engine")
        torch.testing.assert_close(module(x), model(x), rtol=1e-2, atol=1e-2)

    def test_the_plugin_that_is_written_by_hand_runs_where_tensorrt_says(self):
        x, out, stream = torch.randn(3, 4, device="cuda"), torch.zeros(3, 4, device="cuda"), torch.cuda.Stream()
        torch.cuda.synchronize()
        description = trt.PluginTensorDesc()
        description.dims, description.type, description.format = (3, 4), trt.float32, trt.TensorFormat.LINEAR
        plugin = scaled_tanh_plugin.ScaledTanh(1.5)
        plugin.enqueue([description], [description], [x.data_ptr()], [out.data_ptr()], 0, stream.cuda_stream)
        stream.synchronize()
        torch.testing.assert_close(out, 1.5 * torch.tanh(x / 1.5))

    @FULL
    def test_it_is_a_layer_of_an_engine(self):
        model, x = Expert().eval().cuda(), torch.randn(4, 6, device="cuda")
        torch.testing.assert_close(torch2trt.convert(model, [x], runtime="engine")(x), model(x), rtol=1e-2, atol=1e-2)
