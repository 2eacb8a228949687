"""One evaluator per layer type, in files that mirror TensorRT's families."""

from __future__ import annotations

from typing import Final

from . import (
    activation,
    attention,
    convolution,
    elementwise,
    fill,
    grid_sample,
    indexing,
    linear,
    nms,
    normalization,
    plugin,
    pooling,
    quantization,
    reduce,
    resize,
    shape,
    slicing,
)
from .base import Evaluator

#: by the name of the ``trt.LayerType``, because an older TensorRT lacks some of the enum's members
EVALUATORS: Final[dict[str, Evaluator]] = {
    **convolution.EVALUATORS,
    **pooling.EVALUATORS,
    **activation.EVALUATORS,
    **elementwise.EVALUATORS,
    **linear.EVALUATORS,
    **reduce.EVALUATORS,
    **normalization.EVALUATORS,
    **shape.EVALUATORS,
    **slicing.EVALUATORS,
    **indexing.EVALUATORS,
    **resize.EVALUATORS,
    **fill.EVALUATORS,
    **grid_sample.EVALUATORS,
    **nms.EVALUATORS,
    **attention.EVALUATORS,
    **quantization.EVALUATORS,
    **plugin.EVALUATORS,
}
