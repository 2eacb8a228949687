"""``torch2trt.quantize``, which the distribution torch2trt-ops-quantization brings."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def quantize(
    model: torch.nn.Module, calibration_data: Iterable[Any], dtype: str = "int8", skip: Collection[str | type] = ()
) -> torch.nn.Module:
    """A copy of a model whose convolutions and linear layers quantize their inputs and weights.

    The ranges are those that the layers see for the calibration data, by torchao's observers.  The copy is a model of
    PyTorch that computes what its conversion computes, so it can be tried before it is converted.

    Args:
        model: the model, in eval mode, which stays as it is.
        calibration_data: the inputs of some calls, each a tensor, a sequence of positional or a mapping of keyword
            arguments.
        dtype: ``"int8"`` or ``"fp8"`` (float8_e4m3fn).
        skip: paths of modules, or classes, whose layers stay as they are, with all that is in them.

    Returns:
        the copy, which :func:`convert` takes.

    Raises:
        InputError: nothing to quantize or to calibrate with, or an argument that means nothing here.
        ImportError: torch2trt-ops-quantization or torchao is not installed.
    """
    quantized: torch.nn.Module = quantization_pack().quantize(model, calibration_data, dtype, skip)
    return quantized


def quantization_pack() -> ModuleType:
    """The pack of quantized models; :class:`ImportError` with the cure where it is not installed."""
    try:
        return importlib.import_module("torch2trt_ops_quantization")
    except ModuleNotFoundError as error:
        if error.name != "torch2trt_ops_quantization":
            raise
        raise ImportError(
            "quantized models need the pack torch2trt-ops-quantization, which is not installed; "
            'pip install "torch2trt-ops-quantization[quantize]"'
        ) from error
