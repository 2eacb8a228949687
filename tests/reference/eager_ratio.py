"""How long the interpreter of a ResNet-50 takes against eager, on the CPU at batch 1.

    PYTHONPATH=core python tests/reference/eager_ratio.py

The network is built by hand, batch norms folded into the convolutions on both sides.  Both are timed in turn; the ratio
is that of the medians.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch2trt._trt import trt
from torch2trt.reference import Interpreter


class Block(nn.Module):
    """A bottleneck without its batch norms."""

    def __init__(self, inputs: int, middle: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first, self.third = nn.Conv2d(inputs, middle, 1), nn.Conv2d(middle, outputs, 1)
        self.second = nn.Conv2d(middle, middle, 3, stride, 1)
        self.short = nn.Conv2d(inputs, outputs, 1, stride) if inputs != outputs else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.relu(self.first(x), inplace=True)
        y = self.third(functional.relu(self.second(y), inplace=True))
        return functional.relu(y + (x if self.short is None else self.short(x)), inplace=True)


def model() -> tuple[nn.Conv2d, list[Block], nn.Linear]:
    """Stem, blocks and classifier."""
    blocks, inputs = [], 64
    for middle, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for i in range(count):
            blocks.append(Block(inputs, middle, middle * 4, stride if i == 0 else 1))
            inputs = middle * 4
    return nn.Conv2d(3, 64, 7, 2, 3), blocks, nn.Linear(2048, 1000)


def network_of(stem: nn.Conv2d, blocks: list[Block], last: nn.Linear) -> Any:
    """The same as a TensorRT network; weights are shared with the modules."""
    logger = trt.Logger(trt.Logger.ERROR)
    network = trt.Builder(logger).create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))

    def convolution(x: Any, module: nn.Conv2d) -> Any:
        kernel, bias = module.weight.detach().numpy(), module.bias.detach().numpy()
        layer = network.add_convolution_nd(x, module.out_channels, module.kernel_size, kernel, bias)
        layer.stride_nd, layer.padding_nd = module.stride, module.padding
        return layer.get_output(0)

    def relu(x: Any) -> Any:
        return network.add_activation(x, trt.ActivationType.RELU).get_output(0)

    def add(a: Any, b: Any) -> Any:
        return network.add_elementwise(a, b, trt.ElementWiseOperation.SUM).get_output(0)

    x = relu(convolution(network.add_input("x", trt.float32, (1, 3, 224, 224)), stem))
    pool = network.add_pooling_nd(x, trt.PoolingType.MAX, (3, 3))
    pool.stride_nd, pool.padding_nd = (2, 2), (1, 1)
    x = pool.get_output(0)
    for block in blocks:
        y = relu(convolution(relu(convolution(x, block.first)), block.second))
        x = relu(add(convolution(y, block.third), x if block.short is None else convolution(x, block.short)))
    x = network.add_reduce(x, trt.ReduceOperation.AVG, 0b1100, False).get_output(0)
    weight = network.add_constant((1000, 2048), last.weight.detach().numpy()).get_output(0)
    bias = network.add_constant((1, 1000), last.bias.detach().numpy()).get_output(0)
    none, transpose = trt.MatrixOperation.NONE, trt.MatrixOperation.TRANSPOSE
    result = add(network.add_matrix_multiply(x, none, weight, transpose).get_output(0), bias)
    result.name = "y"
    network.mark_output(result)
    return network


def main() -> None:
    """Time both and print the ratio."""
    torch.manual_seed(0)
    stem, blocks, last = model()
    pool = nn.MaxPool2d(3, 2, 1)
    eager = nn.Sequential(stem, nn.ReLU(True), pool, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), last).eval()
    interpreter = Interpreter(network_of(stem, blocks, last))
    x = torch.randn(1, 3, 224, 224)
    runs: dict[str, Callable[[], torch.Tensor]] = {
        "eager": lambda: eager(x),
        "interpreter": lambda: interpreter({"x": x})["y"],
    }
    taken: dict[str, list[float]] = {name: [] for name in runs}
    with torch.no_grad():
        print(f"greatest difference {float((runs['eager']() - runs['interpreter']()).abs().max()):.1e}")
        for _ in range(30):
            for name, call in runs.items():
                begun = time.perf_counter()
                call()
                taken[name].append(time.perf_counter() - begun)
    median = {name: statistics.median(times) for name, times in taken.items()}
    print(", ".join(f"{name} {seconds * 1e3:.1f} ms" for name, seconds in median.items()))
    print(f"ratio {median['interpreter'] / median['eager']:.3f}")


if __name__ == "__main__":
    main()
