"""Build a small network and evaluate it, in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from generated.base import Body, Suite
from torch2trt._trt import trt
from torch2trt.reference import interpret
from torch2trt.reference.dtypes import torch_dtype

_LOGGER = trt.Logger(trt.Logger.ERROR)
_BUILDER = trt.Builder(_LOGGER)


def new_network() -> Any:
    """An empty, strongly typed network."""
    return _BUILDER.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))


def network_of(body: Body, *inputs: torch.Tensor, dynamic: Mapping[int, Sequence[int]] | None = None) -> Any:
    """A network of inputs in0, in1, ... with the outputs that ``body`` returns, out0, out1, ..."""
    suite = Suite()
    suite.add("TEST", "test", body, inputs, dynamic)
    network = new_network()
    suite.cases[0].build(network)
    return network


def evaluate(body: Body, *inputs: torch.Tensor, dynamic: Mapping[int, Sequence[int]] | None = None) -> Any:
    """The outputs of the network (one tensor if there is one), after comparing them with what TensorRT infers."""
    network = network_of(body, *inputs, dynamic=dynamic)
    results = interpret(network, {f"in{i}": tensor for i, tensor in enumerate(inputs)})
    assert_as_inferred(network, results)
    outputs = [results[f"out{i}"] for i in range(network.num_outputs)]
    return outputs[0] if len(outputs) == 1 else outputs


def assert_as_inferred(network: Any, results: Mapping[str, torch.Tensor]) -> None:
    """Shapes and dtypes are those that TensorRT infers (-1 stands for any extent)."""
    assert len(results) == network.num_outputs
    for i in range(network.num_outputs):
        declared = network.get_output(i)
        result = results[declared.name]
        inferred = tuple(declared.shape)
        assert result.dtype == torch_dtype(declared.dtype)
        assert len(inferred) == result.dim(), f"{inferred} inferred, got {tuple(result.shape)}"
        for want, got in zip(inferred, result.shape, strict=True):
            assert want in (-1, got), f"{inferred} inferred, got {tuple(result.shape)}"


def close(got: torch.Tensor, want: torch.Tensor, **tolerance: float) -> None:
    """Equal within the tolerance of the dtype, NaN equal to NaN, the same dtype and shape."""
    torch.testing.assert_close(got, want, equal_nan=True, **tolerance)
