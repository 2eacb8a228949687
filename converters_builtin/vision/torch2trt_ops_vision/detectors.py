"""Steps of torchvision's detectors that loop over boxes in Python, of which only the run knows how many there are.

No engine runs them.  With ``fallback=True`` PyTorch does, each as a whole, so the rest of a detector can be traced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.fx.experimental.symbolic_shapes import free_unbacked_symbols
from torch2trt import Context, ConversionError, converter

_WHY = (
    "how many boxes there are depends on the values, and its Python decides by that; fallback=True runs it in PyTorch"
)


def _left_to_torch(target: str, shape_rule: Callable[..., Any], stores: Sequence[str] = ()) -> Callable[..., Any]:
    """Declines every call of ``target``, whose results for data-dependent sizes ``shape_rule`` knows."""

    @converter(target, rejects=lambda: _WHY, shape_rule=shape_rule, stores=stores)
    def declined(ctx: Context, *args: Any, **kwargs: Any) -> Any:
        raise ConversionError(_WHY)

    return declined


def _varies(tensor: torch.Tensor) -> bool:
    """Whether a size of a tensor depends on the values of another."""
    return bool(free_unbacked_symbols(tensor.shape))


def _kept(boxes: torch.Tensor, scores: torch.Tensor, idxs: torch.Tensor, iou_threshold: float) -> torch.Tensor | None:
    if not _varies(boxes):
        return None
    # torchvision's own rule says that at least two stay
    return boxes.new_empty(torch.library.get_ctx().new_dynamic_size(), dtype=torch.int64)


def _decoded(self: object, rel_codes: torch.Tensor, boxes: Sequence[torch.Tensor]) -> torch.Tensor | None:
    if not any(map(_varies, boxes)):
        return None
    return rel_codes.new_empty((sum(one.shape[0] for one in boxes), rel_codes.shape[-1] // 4, 4))


def _pooled(
    module: Any,
    x: Mapping[str, torch.Tensor],
    boxes: Sequence[torch.Tensor],
    image_shapes: Sequence[tuple[int, int]],
) -> torch.Tensor | None:
    if not any(map(_varies, boxes)):
        return None
    features = [tensor for name, tensor in x.items() if name in module.featmap_names]
    count = sum(one.shape[0] for one in boxes)
    return features[0].new_empty((count, features[0].shape[1], *module.output_size))


def _pasted(masks: torch.Tensor, boxes: torch.Tensor, img_shape: tuple[int, int], padding: int = 1) -> torch.Tensor:
    return masks.new_empty((masks.shape[0], 1, *img_shape))


def _keypoints(maps: torch.Tensor, rois: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    count, points = rois.shape[0], maps.shape[1]
    return maps.new_empty((count, 3, points)).permute(0, 2, 1), maps.new_empty((count, points))


batched_nms = _left_to_torch("torchvision.ops.boxes.batched_nms", _kept)
decode_boxes = _left_to_torch("torchvision.models.detection._utils.BoxCoder.decode", _decoded)
pooling_of_regions = _left_to_torch(
    "torchvision.ops.poolers.MultiScaleRoIAlign.forward", _pooled, stores=["torchvision.ops.poolers.LevelMapper"]
)
paste_masks = _left_to_torch("torchvision.models.detection.roi_heads.paste_masks_in_image", _pasted)
keypoints = _left_to_torch("torchvision.models.detection.roi_heads.heatmaps_to_keypoints", _keypoints)
