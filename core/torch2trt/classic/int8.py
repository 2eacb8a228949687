"""``int8_mode=True``: a copy of the module that quantizes what its convolutions and linear layers compute with.

TensorRT has no calibrators any more: an engine computes in int8 where the network quantizes.  Activations get one scale
for each layer, from what the layer gets for the items of a data set; weights get one for each output channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import torch

from ..errors import InputError
from ..quantization import quantization_pack

_HIGH: Final = 127
_SMALLEST: Final = torch.finfo(torch.float32).tiny


def quantized(
    module: Any, inputs: Any, dataset: Any = None, algorithm: Any = None, for_onnx: bool = False
) -> torch.nn.Module:
    """A copy of a module that quantizes its convolutions and linear layers.

    Args:
        module: the module.
        inputs: its example inputs, which calibrate where there is no data set.
        dataset: a data set or a sequence of items, each the inputs of one call.
        algorithm: None or ``"minmax"`` takes the largest magnitude of all; a number, such as 99.9, the largest such
            percentile of the magnitudes of an item.
        for_onnx: whether PyTorch's ONNX export will see the copy.

    Raises:
        InputError: nothing to quantize, no items, or an algorithm that is neither.
    """
    percentile, pack = _percentile(algorithm), quantization_pack()
    modules = dict(module.named_modules()) if isinstance(module, torch.nn.Module) else {}
    layers: dict[str, Any] = {path: layer for path, layer in modules.items() if type(layer) in pack.LAYERS}
    if not layers:
        raise InputError("int8_mode=True finds no convolution and no linear layer in the module; leave it out")
    items = [inputs] if dataset is None else _items(dataset)
    largest = _calibrated(module, layers.values(), items, percentile)
    if not largest:
        raise InputError("int8_calib_dataset has no items; insert the inputs of some calls")
    reached = {path: layer for path, layer in layers.items() if id(layer) in largest}
    scales = {path: _scale(torch.tensor(largest[id(layer)])) for path, layer in reached.items()}
    weights = {path: _scale(_magnitudes(layer.weight, pack.channel_axis(layer))) for path, layer in reached.items()}
    result: torch.nn.Module = pack.with_quantized(module, scales, weights, torch.int8)
    for made in result.modules() if for_onnx else ():
        if isinstance(made, pack.Quantized):
            made.keep_floats()
    return result


def _magnitudes(weight: torch.Tensor, axis: int) -> torch.Tensor:
    return weight.detach().float().transpose(0, axis).flatten(1).abs().amax(1)


def _scale(magnitude: torch.Tensor) -> torch.Tensor:
    return magnitude.div(_HIGH).clamp(min=_SMALLEST)


def _calibrated(
    module: torch.nn.Module, layers: Iterable[torch.nn.Module], items: Iterable[Any], percentile: float | None
) -> dict[int, float]:
    """The largest magnitudes of the inputs of those layers that are called, by ``id``."""
    largest: dict[int, float] = {}

    def record(layer: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        sizes = inputs[0].detach().abs().float().flatten()
        if sizes.numel():
            rank = max(round(sizes.numel() * percentile / 100), 1) if percentile else sizes.numel()
            amax = sizes.kthvalue(rank).values if percentile else sizes.max()
            largest[id(layer)] = max(largest.get(id(layer), 0.0), float(amax))

    handles = [layer.register_forward_pre_hook(record) for layer in layers]
    try:
        with torch.no_grad():
            for item in items:
                if isinstance(item, Mapping):
                    module(**item)
                else:
                    module(*((item,) if isinstance(item, torch.Tensor) else item))
    finally:
        for handle in handles:
            handle.remove()
    return largest


def _items(given: Any) -> Iterable[Any]:
    # data sets of PyTorch end by their length, not by an IndexError
    indexed = hasattr(given, "__len__") and hasattr(given, "__getitem__")
    return (given[index] for index in range(len(given))) if indexed else given


def _percentile(algorithm: Any) -> float | None:
    if algorithm is None or algorithm == "minmax":
        return None
    if isinstance(algorithm, (int, float)) and not isinstance(algorithm, bool) and 0 < algorithm <= 100:
        return float(algorithm)
    raise InputError(
        f"int8_calib_algorithm={algorithm!r}: TensorRT no longer has calibrators; leave it out for the largest "
        "magnitude, or give a percentile of the magnitudes, such as 99.9"
    )
