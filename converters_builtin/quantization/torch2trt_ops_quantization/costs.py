"""What quantization costs, layer by layer, beside the float model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch2trt import InputError

from .modules import Quantized, call


@dataclass(frozen=True, slots=True)
class LayerCost:
    """How far the output of a quantized layer is from the float layer's, relative to the largest number of that."""

    #: of the layer
    path: str
    #: of what the float model gives the layer: what this layer alone adds
    own: float
    #: of what the quantized model gives it: what all layers before have added too
    error: float


def layer_costs(model: torch.nn.Module, quantized: torch.nn.Module, inputs: Any) -> list[LayerCost]:
    """The cost of every quantized layer, in the order of the calls; the one that costs most is the first to skip.

    Args:
        model: the float model.
        quantized: what ``torch2trt.quantize`` made of it.
        inputs: those of one call: a tensor, a sequence of positional or a mapping of keyword arguments.

    Raises:
        InputError: ``quantized`` has no quantized layers, or others than ``model`` has.
    """
    layers = {path: one for path, one in quantized.named_modules() if isinstance(one, Quantized)}
    floats = dict(model.named_modules())
    if not layers or layers.keys() - floats.keys():
        raise InputError("quantized is not what torch2trt.quantize made of the model, or has no quantized layer")
    expected = _calls(model, {path: floats[path] for path in layers}, inputs)
    actual = _calls(quantized, layers, inputs)
    costs = []
    with torch.no_grad():
        for path, calls in expected.items():
            own = max(_relative(layers[path](*args, **kwargs), result) for args, kwargs, result in calls)
            pairs = zip(actual[path], calls, strict=True)
            costs.append(LayerCost(path, own, max(_relative(mine[2], theirs[2]) for mine, theirs in pairs)))
    return costs


def _calls(model: torch.nn.Module, layers: Mapping[str, torch.nn.Module], inputs: Any) -> dict[str, list[Any]]:
    """The arguments and results of each call of the layers, by path."""
    calls = defaultdict(list)

    def watching(path: str) -> Any:
        return lambda layer, args, kwargs, result: calls[path].append((args, kwargs, result.clone()))

    handles = [layer.register_forward_hook(watching(path), with_kwargs=True) for path, layer in layers.items()]
    try:
        with torch.no_grad():
            call(model, inputs)
    finally:
        for handle in handles:
            handle.remove()
    return calls


def _relative(actual: torch.Tensor, expected: torch.Tensor) -> float:
    largest = expected.abs().max().clamp(min=torch.finfo(torch.float32).tiny)
    return float((actual - expected).abs().max() / largest)
