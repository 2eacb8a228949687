"""The classic function ``torch2trt``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import _trt
from ..api import explain
from ..keywords import takes_settings_and_others
from ..runtime.module import TRTModule
from ..settings import Settings
from .examples import Shapes, described, first_item
from .int8 import quantized
from .keywords import settings_of
from .onnx import convert_by_onnx
from .planning import named, with_keywords


@takes_settings_and_others
def torch2trt(
    module: Any,
    inputs: Any,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    log_level: Any = None,
    fp16_mode: bool = False,
    max_workspace_size: int | None = None,
    strict_type_constraints: bool = False,
    keep_network: bool = True,
    int8_mode: bool = False,
    int8_calib_dataset: Any = None,
    int8_calib_algorithm: Any = None,
    use_onnx: bool = False,
    default_device_type: Any = None,
    dla_core: int = 0,
    gpu_fallback: bool = True,
    device_types: Mapping[Any, Any] | None = None,
    min_shapes: Shapes = None,
    max_shapes: Shapes = None,
    opt_shapes: Shapes = None,
    onnx_opset: int | None = None,
    max_batch_size: int | None = None,
    avg_timing_iterations: int | None = None,
    int8_calib_batch_size: int = 1,
    **kwargs: Any,
) -> TRTModule:
    """Convert a module, with the keywords of NVIDIA's function; docs/classic.md says what each does today.

    Args:
        module: the module, in eval mode.
        inputs: the positional arguments, a mapping of keyword arguments, or a data set of such.
        kwargs: fields of :class:`Settings`, and whatever converters look up in ``ctx.torch2trt_kwargs``.
    """
    given = {name: value for name, value in locals().items() if name != "kwargs"}
    return _converted({**given, **kwargs})


def _converted(given: Mapping[str, Any]) -> TRTModule:
    """The module of a call with these arguments."""
    _trt.require()
    settings = settings_of(given)
    ranges = (given["min_shapes"], given["opt_shapes"], given["max_shapes"], given["max_batch_size"])
    inputs, names = described(given["inputs"], *ranges), (given["input_names"], given["output_names"])
    module = given["module"]
    if given["int8_mode"]:
        example, dataset = first_item(given["inputs"]), given["int8_calib_dataset"]
        module = quantized(module, example, dataset, given["int8_calib_algorithm"], given["use_onnx"])
    if given["use_onnx"]:
        converted = convert_by_onnx(module, inputs, Settings(**settings), *names, given["onnx_opset"])
    else:
        plan = explain(module, inputs, **settings)
        converted = with_keywords(named(plan, *names), given).convert()
    if not given["keep_network"]:
        converted.drop_network()
    return converted
