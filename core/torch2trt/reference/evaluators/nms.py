"""NMS: greedy non-maximum suppression for each batch item and class."""

from __future__ import annotations

import torch

from ..dtypes import torch_dtype
from ..network import Node
from .base import Evaluator, Prepared


def nms(node: Node) -> Prepared:
    """Rows (batch, class, box) of the boxes that stay, and their number.

    A box stays if its score exceeds the score threshold and its overlap with each better box that stayed is at most the
    IoU threshold.  Rows are sorted by batch item and then by score; where scores are equal TensorRT leaves the order
    open, here the lesser class and box come first.  At most ``topk_box_limit`` candidates a class are considered.
    """
    layer = node.layer
    centers = layer.bounding_box_format.name == "CENTER_SIZES"
    limit = int(layer.topk_box_limit)
    chosen = getattr(layer, "indices_type", None)  # an older TensorRT has int32 only
    dtype = torch.int32 if chosen is None else torch_dtype(chosen)

    def evaluate(
        boxes: torch.Tensor,
        scores: torch.Tensor,
        most: torch.Tensor,
        overlap: torch.Tensor | None,
        threshold: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        device = boxes.device
        corners = _corners(boxes.cpu().float(), centers)
        by_class = scores.cpu().float()
        allowed = 0.0 if overlap is None else float(overlap)
        least = 0.0 if threshold is None else float(threshold)
        rows: list[tuple[int, int, int]] = []
        for batch in range(by_class.shape[0]):
            found: list[tuple[float, int, int]] = []
            for label in range(by_class.shape[2]):
                of_class = corners[batch] if corners.dim() == 3 else corners[batch, :, label]
                kept = _suppress(of_class, by_class[batch, :, label], allowed, least, int(most), limit)
                found += [(float(by_class[batch, box, label]), label, box) for box in kept]
            found.sort(key=lambda entry: (-entry[0], entry[1], entry[2]))
            rows += [(batch, label, box) for _, label, box in found]
        indices = torch.tensor(rows, dtype=dtype, device=device).reshape(len(rows), 3)
        return indices, torch.tensor(len(rows), dtype=torch.int32, device=device)

    return Prepared(evaluate, tuple(node.input(i) for i in range(5)), control_from=2)


def _corners(boxes: torch.Tensor, centers: bool) -> torch.Tensor:
    """(low, low, high, high) of either format."""
    first, second = boxes[..., :2], boxes[..., 2:]
    if centers:
        return torch.cat((first - second / 2, first + second / 2), -1)
    return torch.cat((torch.minimum(first, second), torch.maximum(first, second)), -1)


def _suppress(
    boxes: torch.Tensor, scores: torch.Tensor, allowed: float, least: float, most: int, limit: int
) -> list[int]:
    order = torch.sort(scores, dim=0, descending=True, stable=True).indices
    order = order[scores[order] > least][:limit]
    area = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    kept: list[int] = []
    while len(order) and len(kept) < most:
        best, order = int(order[0]), order[1:]
        kept.append(best)
        low = torch.maximum(boxes[best, :2], boxes[order, :2])
        high = torch.minimum(boxes[best, 2:], boxes[order, 2:])
        shared = (high - low).clamp(min=0).prod(-1)
        order = order[shared <= allowed * (area[best] + area[order] - shared)]
    return kept


EVALUATORS: dict[str, Evaluator] = {"NMS": nms}
