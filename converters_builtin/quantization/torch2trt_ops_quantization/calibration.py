"""``quantize``: from a float model and some inputs to one that quantizes, with torchao's observers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

import torch
from torch2trt import InputError

from .modules import LAYERS, call, channel_axis, with_quantized

_DTYPES: Final = {"int8": torch.int8, "fp8": torch.float8_e4m3fn}

#: what computes something else in training, or learns of what it sees
_OTHER: Final = (torch.nn.modules.batchnorm._BatchNorm, torch.nn.modules.dropout._DropoutNd)


def quantize(
    model: torch.nn.Module, calibration_data: Iterable[Any], dtype: str = "int8", skip: Collection[str | type] = ()
) -> torch.nn.Module:
    """What ``torch2trt.quantize`` says: a copy of a model whose layers quantize their inputs and weights.

    An input gets one scale, by the largest magnitude that the layer gets for the calibration data; weights get one for
    each output channel.
    """
    _check(model, calibration_data, dtype)
    layers = _chosen(model, (skip,) if isinstance(skip, (str, type)) else skip)
    if not layers:
        raise InputError(
            "the model has no convolution and no linear layer to quantize" + (" beside skip" if skip else "")
        )
    inputs = {path: _observer(_DTYPES[dtype]) for path in layers}
    if not _run(model, {layers[path]: observer for path, observer in inputs.items()}, calibration_data):
        raise InputError("calibration_data has no items; give the inputs of some calls")
    scales, weight_scales = {}, {}
    for path, observer in inputs.items():
        if hasattr(observer, "min_val"):
            scales[path] = _finite(observer, f"the input of {path or 'the model'}")
            weights = _observer(_DTYPES[dtype], channel_axis(layers[path]))
            weights(layers[path].weight)
            weight_scales[path] = _finite(weights, f"the weight of {path or 'the model'}")
    if not scales:
        raise InputError("the calibration data reaches no convolution and no linear layer of the model")
    return with_quantized(model, scales, weight_scales, _DTYPES[dtype])


def _check(model: Any, calibration_data: Any, dtype: Any) -> None:
    if dtype not in _DTYPES:
        raise InputError(f"dtype={dtype!r} is none that layers are quantized to; use {' or '.join(map(repr, _DTYPES))}")
    if not isinstance(model, torch.nn.Module):
        raise InputError(f"quantize takes a torch.nn.Module, not a {type(model).__name__}")
    if training := sorted({type(one).__name__ for one in model.modules() if one.training and isinstance(one, _OTHER)}):
        raise InputError(f"the model is in training mode, where {', '.join(training)} differ; call model.eval() first")
    if isinstance(calibration_data, (torch.Tensor, Mapping)):
        raise InputError("calibration_data is the inputs of several calls; for those of one call, put them in a list")


def _chosen(model: torch.nn.Module, skip: Collection[str | type]) -> dict[str, Any]:
    """The layers to quantize, by their first path."""
    modules = dict(model.named_modules())
    classes = tuple(entry for entry in skip if isinstance(entry, type))
    skipped = {entry for entry in skip if isinstance(entry, str)}
    unknown = [repr(path) for path in skipped - modules.keys()]
    unknown += [kind.__name__ for kind in classes if not any(isinstance(module, kind) for module in modules.values())]
    if unknown:
        raise InputError(f"skip names {', '.join(sorted(unknown))}, which the model does not have")
    skipped |= {path for path, module in modules.items() if isinstance(module, classes)}
    inside = tuple(f"{path}." if path else "" for path in skipped)
    return {
        path: module
        for path, module in modules.items()
        if type(module) in LAYERS and path not in skipped and not path.startswith(inside)
    }


def _observer(dtype: torch.dtype, axis: int | None = None) -> Any:
    try:
        from torchao.quantization import MappingType, PerAxis, PerTensor
        from torchao.quantization.observer import AffineQuantizedMinMaxObserver
    except ImportError as error:
        raise ImportError(
            "torch2trt.quantize calibrates with torchao, which is not installed; pip install torchao"
        ) from error
    granularity = PerTensor() if axis is None else PerAxis(axis)
    return AffineQuantizedMinMaxObserver(
        MappingType.SYMMETRIC,
        dtype,
        granularity=granularity,
        eps=torch.finfo(torch.float32).eps,
        scale_dtype=torch.float32,
        zero_point_dtype=torch.int32,
    )


def _run(model: torch.nn.Module, observers: Mapping[Any, Callable[[Any], Any]], items: Iterable[Any]) -> int:
    """Let each observer see what its layer gets; how many items there were."""

    def watch(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = args[0] if args else kwargs["input"]
        observers[layer](given.detach().float().contiguous())

    handles = [layer.register_forward_pre_hook(watch, with_kwargs=True) for layer in observers]
    count = 0
    try:
        with torch.no_grad():
            for item in items:
                count += 1
                call(model, item)
    finally:
        for handle in handles:
            handle.remove()
    return count


def _finite(observer: Any, what: str) -> torch.Tensor:
    scale: torch.Tensor = observer.calculate_qparams()[0]
    if not bool(scale.isfinite().all()):
        raise InputError(f"{what} has infinities or NaN, which no scale fits; leave its layer out with skip")
    return scale
