"""Weights that stay in host memory, which an engine brings to the GPU when it needs them."""

from __future__ import annotations

from typing import Any

from .. import log
from ..errors import EngineError


def stream_weights(engine: Any, budget: int) -> bool:
    """Keep at most ``budget`` bytes of an engine's weights on the GPU; before it has a context.

    Args:
        engine: the ``trt.ICudaEngine``.
        budget: the bytes.

    Returns:
        whether some weights are streamed.

    Raises:
        EngineError: TensorRT cannot stream this engine's weights.
    """
    size = int(engine.streamable_weights_size)
    if not size:
        raise EngineError(
            f"weight_streaming={budget}: TensorRT streams none of this engine's weights; leave the setting out"
        )
    if budget >= size:
        return False
    with log.record_errors() as messages:
        engine.weight_streaming_budget_v2 = budget
    if not 0 <= (taken := int(engine.weight_streaming_budget_v2)) <= budget:
        raise EngineError(
            f"weight_streaming={budget}: TensorRT keeps {taken} of {size} bytes on the GPU; "
            f"give another budget:{log.format_messages(messages)}"
        )
    return True
