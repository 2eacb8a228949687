"""NMS: greedy non-maximum suppression for each batch item and class."""

from __future__ import annotations

import torch

from ..layers import Node
from .base import Evaluator, Prepared, indices_dtype


def nms(node: Node) -> Prepared:
    """Rows (batch, class, box) of the selected boxes, and their number.

    A box is selected if its score exceeds the score threshold and its IoU with each selected box of a higher score is
    at most the IoU threshold.  Rows are sorted by batch item, then by score; for equal scores TensorRT leaves the order
    undefined, here the lower class and then the lower box comes first.  At most ``topk_box_limit`` boxes of a class are
    candidates.
    """
    layer = node.layer
    centers = layer.bounding_box_format.name == "CENTER_SIZES"
    limit = int(layer.topk_box_limit)
    dtype = indices_dtype(node)

    def evaluate(
        boxes: torch.Tensor,
        scores: torch.Tensor,
        max_boxes: torch.Tensor,
        iou_threshold: torch.Tensor | None,
        score_threshold: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        device = boxes.device
        corners = _corners(boxes.cpu().float(), centers)
        by_class = scores.cpu().float()
        max_iou = 0.0 if iou_threshold is None else float(iou_threshold)
        min_score = 0.0 if score_threshold is None else float(score_threshold)
        rows: list[tuple[int, int, int]] = []
        for batch in range(by_class.shape[0]):
            selected: list[tuple[float, int, int]] = []
            for label in range(by_class.shape[2]):
                of_class = corners[batch] if corners.dim() == 3 else corners[batch, :, label]
                kept = _suppress(of_class, by_class[batch, :, label], max_iou, min_score, int(max_boxes), limit)
                selected += [(float(by_class[batch, box, label]), label, box) for box in kept]
            selected.sort(key=lambda entry: (-entry[0], entry[1], entry[2]))
            rows += [(batch, label, box) for _, label, box in selected]
        indices = torch.tensor(rows, dtype=dtype, device=device).reshape(len(rows), 3)
        return indices, torch.tensor(len(rows), dtype=torch.int32, device=device)

    return Prepared(evaluate, tuple(node.input(i) for i in range(5)), control_from=2)


def _corners(boxes: torch.Tensor, centers: bool) -> torch.Tensor:
    """Boxes of either format as (low, low, high, high)."""
    first, second = boxes[..., :2], boxes[..., 2:]
    if centers:
        return torch.cat((first - second / 2, first + second / 2), -1)
    return torch.cat((torch.minimum(first, second), torch.maximum(first, second)), -1)


def _suppress(
    boxes: torch.Tensor, scores: torch.Tensor, max_iou: float, min_score: float, max_boxes: int, limit: int
) -> list[int]:
    """The selected boxes of one class, by descending score."""
    order = torch.sort(scores, dim=0, descending=True, stable=True).indices
    order = order[scores[order] > min_score][:limit]
    area = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    kept: list[int] = []
    while len(order) and len(kept) < max_boxes:
        best, order = int(order[0]), order[1:]
        kept.append(best)
        low = torch.maximum(boxes[best, :2], boxes[order, :2])
        high = torch.minimum(boxes[best, 2:], boxes[order, 2:])
        intersection = (high - low).clamp(min=0).prod(-1)
        order = order[intersection <= max_iou * (area[best] + area[order] - intersection)]
    return kept


EVALUATORS: dict[str, Evaluator] = {"NMS": nms}
