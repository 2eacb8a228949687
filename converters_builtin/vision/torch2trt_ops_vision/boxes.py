"""Non-maximum suppression; the number of boxes that stay is known only at run time."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import cast, narrow, size, squeeze, unsqueeze

#: how many boxes TensorRT considers at most
_LIMIT = 5000


def _rejects(call: Call, dets: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> str | None:
    many = isinstance(dets.shape[0], int) and dets.shape[0] > _LIMIT
    return f"TensorRT considers at most {_LIMIT} boxes; take the best ones first, with torch.topk" if many else None


@converter("torchvision.nms.default", rejects=_rejects)
def nms(ctx: Context, dets: Any, scores: Any, iou_threshold: float) -> trt.ITensor:
    """nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"""
    # a batch of one, with one class
    boxes = unsqueeze(ctx, cast(ctx, dets, torch.float32), [0])
    ranked = unsqueeze(ctx, cast(ctx, scores, torch.float32), [0, 2])
    most = ctx.tensor(size(ctx, boxes, 1), torch.int32)
    layer = ctx.network.add_nms(boxes, ranked, most)
    layer.bounding_box_format = trt.BoundingBoxFormat.CORNER_PAIRS
    layer.set_input(3, ctx.tensor(iou_threshold, torch.float32))
    # by default TensorRT passes over scores that are not positive
    layer.set_input(4, ctx.tensor(torch.finfo(torch.float32).min, torch.float32))
    chosen = squeeze(ctx, narrow(ctx, layer.get_output(0), 1, 2, 1), [1])
    return cast(ctx, chosen, torch.int64)
