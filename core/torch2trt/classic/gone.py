"""Names of the classic library whose work TensorRT or this library does in another way; using one says which."""

from __future__ import annotations

from typing import Any, Final

from ..errors import InputError

#: what ``int8_calib_algorithm`` is by default: the largest magnitude of each tensor
DEFAULT_CALIBRATION_ALGORITHM: Final = "minmax"


class _Gone:
    """Can be imported and subclassed, not made."""

    _instead = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise InputError(f"{type(self).__name__}: {self._instead}")


class DatasetCalibrator(_Gone):
    """A calibrator, which TensorRT no longer has."""

    _instead = (
        "TensorRT for RTX and TensorRT 11 have no calibrators; give the data set to "
        "torch2trt(..., int8_mode=True, int8_calib_dataset=...), or convert a model that quantizes for itself"
    )


class ConversionHook(_Gone):
    """A patched method, in whose place calls are intercepted while torch.export runs."""

    _instead = "calls are intercepted while the model is captured; register a converter with @tensorrt_converter"


class NetworkWrapper(_Gone):
    """A network that names its layers, which the lowering does for every network."""

    _instead = "ctx.network is TensorRT's own network, and layers are named after each converter"


def attach_converter(ctx: Any, method: Any, converter: Any, method_str: str) -> Any:
    """Attach a converter to a method; :class:`InputError` says what to do instead."""
    raise InputError(f"attach_converter: {ConversionHook._instead}")
