"""Plugin fields of plain Python values, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch

from .._trt import trt
from ..dtypes import to_trt
from ..errors import ConversionError

#: the stubs do not know that the binding takes strings for its own kind of them
_Field: Final[Any] = trt.PluginField
#: the numbers that a field may have; no field has DIMS here, and nobody knows what UNKNOWN is
_NUMPY: Final[dict[str, Any]] = {
    "FLOAT16": np.float16,
    "FLOAT32": np.float32,
    "FLOAT64": np.float64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
}
#: what NumPy lacks, as integers of the same bits
_BITS: Final = {torch.bfloat16: ("BF16", torch.int16), torch.float8_e4m3fn: ("FP8", torch.uint8)}


def data_of(name: str, value: Any, kind: str = "") -> tuple[Any, str]:
    """The numbers of a plugin field, and the name of its ``trt.PluginFieldType``.

    Args:
        name: of the field.
        value: a number, a string, a dtype (TensorRT's number for it), a tensor, an array, or a list of numbers.
        kind: the type that the creator wants; by default what is usual for the value: INT32 for numbers that fit, else
            INT64, FLOAT32, CHAR, and the dtype of a tensor.

    Raises:
        ConversionError: the value is none of these, or is not one of ``kind``.
    """
    if isinstance(value, (str, bytes)):
        if kind not in ("CHAR", ""):
            raise ConversionError(f"field {name!r} is {kind}, and {value!r} is a string")
        return np.array(bytearray(value.encode() if isinstance(value, str) else value), np.uint8).view(np.int8), "CHAR"
    if isinstance(value, torch.Tensor) and value.dtype in _BITS:
        bits, integer = _BITS[value.dtype]
        if kind in (bits, ""):
            return value.detach().cpu().contiguous().view(integer).numpy().ravel(), bits
        value = value.float()
    array = _array(name, value)
    kind = kind or _usual(array, isinstance(value, (np.ndarray, np.generic, torch.Tensor)))
    if kind not in _NUMPY:
        raise ConversionError(f"field {name!r} is {kind}, which no plain value is; got {value!r}")
    return _cast(name, array, kind), kind


def field_of(name: str, data: Any, kind: str) -> trt.PluginField:
    """A plugin field of what :func:`data_of` gave."""
    made: trt.PluginField = _Field(name, data, getattr(trt.PluginFieldType, kind))
    return made


def named(name: str) -> trt.PluginField:
    """A field that has nothing yet, as creators list theirs."""
    made: trt.PluginField = _Field(name)
    return made


def value_of(field: trt.PluginField) -> Any:
    """What a field holds: a string, or a list of numbers; INT8 are truth values."""
    if field.type == trt.PluginFieldType.CHAR:
        return bytes(np.asarray(field.data, np.int8)).decode()
    numbers = np.asarray(field.data)
    return numbers.astype(bool).tolist() if field.type == trt.PluginFieldType.INT8 else numbers.tolist()


def collection(fields: Sequence[trt.PluginField]) -> Any:
    """The fields as TensorRT takes them."""
    return trt.PluginFieldCollection(list(fields))


def attribute_fields(attributes: Mapping[str, Any]) -> list[trt.PluginField]:
    """The fields of an operator's attributes, from which :func:`value_of` gives the same values."""
    return [_attribute(name, value) for name, value in attributes.items()]


def _attribute(name: str, value: Any) -> trt.PluginField:
    if isinstance(value, torch.dtype):
        value = str(value).removeprefix("torch.")
    if isinstance(value, str):
        return field_of(name, *data_of(name, value))
    numbers = list(value) if isinstance(value, (list, tuple)) else [value]
    if all(isinstance(number, bool) for number in numbers) and numbers:
        return field_of(name, *data_of(name, numbers, "INT8"))
    whole = all(isinstance(number, int) for number in numbers)
    return field_of(name, *data_of(name, numbers, "INT64" if whole else "FLOAT64"))


def _array(name: str, value: Any) -> Any:
    if isinstance(value, torch.dtype):
        value = int(to_trt(value))
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    array = np.asarray(value) if not isinstance(value, (list, tuple)) or value else np.empty(0, np.int64)
    if array.dtype.kind not in "biuf":
        raise ConversionError(
            f"field {name!r} is a {type(value).__name__}; a plugin field is a number, a string, a dtype, a tensor, an "
            "array, or a list of numbers"
        )
    return array.ravel()


def _usual(array: Any, typed: bool) -> str:
    """The type of field for an array; Python's numbers have none of their own."""
    if typed:
        named = [kind for kind, dtype in _NUMPY.items() if array.dtype == dtype]
        return named[0] if named else "INT32"
    if array.dtype.kind == "f":
        return "FLOAT32"
    limits = np.iinfo(np.int32)
    return "INT32" if all(limits.min <= number <= limits.max for number in array.tolist()) else "INT64"


def _cast(name: str, array: Any, kind: str) -> Any:
    """The array in another dtype: floats are rounded, everything else stays what it is."""
    wanted = np.dtype(_NUMPY[kind])
    if wanted.kind != "f":
        limits = np.iinfo(wanted)
        fits = array.dtype.kind != "f" and all(limits.min <= number <= limits.max for number in array.tolist())
        if not fits:
            raise ConversionError(f"field {name!r} is {kind}, and {array.tolist()} is not")
        return np.ascontiguousarray(array, wanted)
    with np.errstate(over="ignore"):
        cast = np.ascontiguousarray(array, wanted)
    if not (np.isfinite(cast) | ~np.isfinite(array)).all():
        raise ConversionError(f"field {name!r} is {kind}, beyond which {array.tolist()} is")
    return cast
