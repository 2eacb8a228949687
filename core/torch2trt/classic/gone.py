"""Names of the classic library whose work TensorRT or this library does in another way; using one says which."""

from __future__ import annotations

import re
from typing import Any, Final

from ..errors import InputError

#: what ``int8_calib_algorithm`` is by default: the largest magnitude of each tensor
DEFAULT_CALIBRATION_ALGORITHM: Final = "minmax"


#: attributes of TensorRT's Python API that converters used, and what stands in their place
_PORTING: Final = {
    **dict.fromkeys(
        ("add_plugin_v2", "add_plugin", "plugin_creator_list"),
        "plugins of that interface are gone from TensorRT; express the call with layers, or register a plugin of the "
        "third interface in a pack's hook torch2trt_register_plugins",
    ),
    **dict.fromkeys(
        ("precision", "set_output_type", "precision_is_set"),
        "networks are strongly typed; cast tensors with network.add_cast, or convert with fp16_mode=True",
    ),
    "add_fully_connected": "use network.add_matrix_multiply with a constant for the weights",
    **dict.fromkeys(("add_padding", "add_padding_nd"), "use network.add_slice with mode trt.SampleMode.FILL"),
    **dict.fromkeys(("add_convolution", "add_deconvolution", "add_pooling"), "use the form that ends in _nd"),
    "ResizeMode": "it is trt.InterpolationMode now",
    "SliceMode": "it is trt.SampleMode now",
    "align_corners": "set layer.coordinate_transformation = trt.ResizeCoordinateTransformation.ALIGN_CORNERS",
    **dict.fromkeys(
        ("CalibrationAlgoType", "IInt8EntropyCalibrator2", "IInt8MinMaxCalibrator", "IInt8LegacyCalibrator"),
        "TensorRT has no calibrators any more; use torch2trt(..., int8_mode=True, int8_calib_dataset=...)",
    ),
    "has_implicit_batch_dimension": "shapes have their batch dimension; there is no implicit batch any more",
    "max_batch_size": "batches are dynamic sizes; give max_batch_size to torch2trt",
}


def porting_note(error: AttributeError) -> str:
    """What to write in the place of a name that TensorRT no longer has; empty where it is another name."""
    missing = re.search(r"attribute '(\w+)'", str(error))
    return _PORTING.get(missing[1], "") if missing else ""


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
