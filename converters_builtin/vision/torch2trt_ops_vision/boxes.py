"""Non-maximum suppression; the number of boxes that stay is known only at run time."""

from __future__ import annotations

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

#: how many boxes TensorRT considers at most
_LIMIT = 5000


def _rejects(dets: torch.Tensor) -> str | None:
    many = isinstance(dets.shape[0], int) and dets.shape[0] > _LIMIT
    return f"TensorRT considers at most {_LIMIT} boxes; take the best ones first, with torch.topk" if many else None


@converter("torchvision.nms.default", rejects=_rejects)
def nms(ctx: Context, dets: Value, scores: Value, iou_threshold: float) -> trt.ITensor:
    """nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"""
    # a batch of one, with one class
    boxes = lib.unsqueeze(ctx, ctx.tensor(dets, torch.float32), [0])
    ranked = lib.unsqueeze(ctx, ctx.tensor(scores, torch.float32), [0, 2])
    most = ctx.tensor(lib.size(ctx, boxes, 1), torch.int32)
    layer = ctx.network.add_nms(boxes, ranked, most)
    layer.bounding_box_format = trt.BoundingBoxFormat.CORNER_PAIRS
    layer.set_input(3, ctx.tensor(iou_threshold, torch.float32))
    # by default TensorRT passes over scores that are not positive
    layer.set_input(4, ctx.tensor(torch.finfo(torch.float32).min, torch.float32))
    kept = lib.squeeze(ctx, lib.narrow(ctx, layer.get_output(0), 1, 2, 1), [1])
    return ctx.tensor(kept, torch.int64)
