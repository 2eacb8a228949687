"""Weight streaming: the budget that an engine gets, and that a module says where it has none."""

import pytest
import torch
import torch2trt
from torch import nn
from torch2trt import EngineError
from torch2trt.runtime.streaming import stream_weights


class Engine:
    """As ``trt.ICudaEngine``, which keeps the budget that it had where it cannot take one."""

    def __init__(self, streamable=1000, least=0):
        self.streamable_weights_size = self.budget = streamable
        self._least = least

    @property
    def weight_streaming_budget_v2(self):
        return self.budget

    @weight_streaming_budget_v2.setter
    def weight_streaming_budget_v2(self, budget):
        self.budget = budget if budget >= self._least else self.budget


@pytest.mark.parametrize(("budget", "streams"), [(0, True), (999, True), (1000, False), (2000, False)])
def test_weights_beyond_the_budget_are_streamed(budget, streams):
    engine = Engine()
    assert stream_weights(engine, budget) is streams
    assert engine.budget == min(budget, 1000)


def test_a_budget_that_cannot_be_is_refused():
    with pytest.raises(EngineError, match="weight_streaming=5: TensorRT streams none of this engine's weights"):
        stream_weights(Engine(streamable=0), 5)
    with pytest.raises(EngineError, match="weight_streaming=5: TensorRT keeps 1000 of 1000 bytes on the GPU"):
        stream_weights(Engine(least=10), 5)


def test_the_setting_is_kept(tmp_path):
    module = torch2trt.convert(nn.Linear(8, 8).eval(), [torch.ones(2, 8)], weight_streaming=100)
    module.save(tmp_path / "model.trt")
    assert torch2trt.load(tmp_path / "model.trt")._engine.setting("weight_streaming") == 100


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")
@pytest.mark.parametrize("budget", [0, 2**22, 2**30])
def test_on_a_gpu_it_computes_the_same(budget):
    model = nn.Sequential(*(layer for _ in range(4) for layer in (nn.Linear(1024, 1024), nn.ReLU()))).eval().cuda()
    module = torch2trt.convert(model, [torch.ones(2, 1024, device="cuda")], runtime="engine", weight_streaming=budget)
    engine = module.engine
    assert engine.streamable_weights_size >= 4 * 1024 * 1024 * 4
    assert budget >= engine.streamable_weights_size or engine.weight_streaming_budget_v2 <= budget
    for _ in range(5):
        x = torch.randn(2, 1024, device="cuda")
        torch.testing.assert_close(module(x), model(x), rtol=1e-2, atol=1e-3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")
def test_on_a_gpu_depthwise_convolutions_of_a_dynamic_batch_compute_what_the_model_does():
    def block(features, wide, kernel):
        layers = []
        for sizes in ((features, wide, 1), (wide, wide, kernel, 1, kernel // 2, 1, wide), (wide, features, 1)):
            layers += [nn.Conv2d(*sizes), nn.ReLU()]
        return nn.Sequential(*layers[:-1])

    # kernels that TensorRT for RTX 1.6.1 compiles for such shapes are off by more than the largest output
    model = nn.Sequential(*(block(40, 240, kernel) for kernel in (5, 5, 3))).eval().cuda()
    module = torch2trt.convert(model, [torch2trt.Input(min=(1, 40, 4, 4), opt=(2, 40, 4, 4), max=(3, 40, 4, 4))])
    for count in (1, 3, 2, 1, 3, 3, 3):
        x = torch.randn(count, 40, 4, 4, device="cuda")
        expected = model(x)
        assert (module(x) - expected).abs().max() < 1e-2 * expected.abs().max()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")
@pytest.mark.parametrize("strategy", ["lazy", "eager", "none"])
def test_on_a_gpu_kernels_of_dynamic_shapes_compute_the_same(strategy):
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3)).eval().cuda()
    inputs = [torch2trt.Input(min=(1, 3, 16, 16), max=(8, 3, 32, 32))]
    module = torch2trt.convert(model, inputs, runtime="engine", kernel_specialization=strategy)
    chosen = module.runner._kernels.config.dynamic_shapes_kernel_specialization_strategy
    assert chosen.name == strategy.upper()
    for size in range(16, 32, 3):
        x = torch.randn(2, 3, size, size, device="cuda")
        for _ in range(4):
            torch.testing.assert_close(module(x), model(x), rtol=1e-2, atol=1e-3)
