"""GATHER, SCATTER, ONE_HOT, NON_ZERO and NMS."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt._trt import trt

from .base import BF16, BOOL, F16, F32, I32, I64, SHORT, Case, Suite, constant, scalar, values


def cases() -> list[Case]:
    """Every mode; indices inside, negative and beyond."""
    suite = Suite()
    _gathers(suite)
    _scatters(suite)
    _searches(suite)
    return suite.cases


def _gathers(suite: Suite) -> None:
    def body(mode: str, axis: int = 0, elementwise: int = 0) -> Any:
        def build(n: Any, x: Any, indices: Any) -> Any:
            layer = n.add_gather_v2(x, indices, getattr(trt.GatherMode, mode))
            if mode != "ND":
                layer.axis = axis
            layer.num_elementwise_dims = elementwise
            return layer

        return build

    inside = torch.tensor([[0, 2], [1, 1]], dtype=I32)
    for dtype in (F32, F16, BF16, I32, I64, BOOL):
        x = values("gather", (3, 4, 5), dtype)
        suite.add("GATHER", f"DEFAULT-{SHORT[dtype]}", body("DEFAULT", 1), [x, inside])
        suite.add("GATHER", f"ND-{SHORT[dtype]}", body("ND"), [x, inside])
        index = values("index", (3, 2, 5), I32, 0, 4)
        suite.add("GATHER", f"ELEMENT-{SHORT[dtype]}", body("ELEMENT", 1), [x, index])
    x = values("gather", (3, 4, 5))
    suite.add("GATHER", "DEFAULT-scalar", body("DEFAULT", 2), [x, torch.tensor(3, dtype=I32)])
    suite.add("GATHER", "DEFAULT-i64-indices", body("DEFAULT", 0), [x, inside.to(I64)])
    suite.add("GATHER", "DEFAULT-negative", body("DEFAULT", 1), [x, torch.tensor([-1, -4, 0], dtype=I32)])
    suite.add("GATHER", "DEFAULT-beyond", body("DEFAULT", 1), [x, torch.tensor([4, 9, 3], dtype=I32)])
    suite.add("GATHER", "ELEMENT-beyond", body("ELEMENT", 0), [x, torch.full((1, 4, 5), 7, dtype=I32)])
    suite.add("GATHER", "ND-beyond", body("ND"), [x, torch.tensor([[0, 9], [5, 1]], dtype=I32)])
    suite.add("GATHER", "DEFAULT-elementwise", body("DEFAULT", 1, 1), [x, values("i", (3, 2), I32, 0, 4)])
    suite.add("GATHER", "ND-elementwise", body("ND", 0, 1), [x, values("i", (3, 2, 1), I32, 0, 4)])
    suite.add("GATHER", "ND-slices", body("ND"), [x, torch.tensor([[2], [0]], dtype=I32)])
    suite.add("GATHER", "DEFAULT-empty", body("DEFAULT", 1), [x, torch.empty((0,), dtype=I32)])
    suite.add("GATHER", "DEFAULT-dynamic", body("DEFAULT", 1), [values("g", (4, 4, 5)), inside], {0: (0,), 1: (0,)})


def _scatters(suite: Suite) -> None:
    def body(mode: str, axis: int = 0) -> Any:
        def build(n: Any, data: Any, indices: Any, updates: Any) -> Any:
            layer = n.add_scatter(data, indices, updates, getattr(trt.ScatterMode, mode))
            if mode == "ELEMENT":
                layer.axis = axis
            return layer

        return build

    distinct = torch.stack([torch.randperm(6, generator=torch.Generator().manual_seed(i))[:3] for i in range(4)])
    tuples = torch.tensor([[0, 1], [3, 5], [2, 0]], dtype=I32)
    for dtype in (F32, F16, BF16, I32, I64, BOOL):
        data = values("data", (4, 6), dtype)
        updates = [values("updates", (4, 3), dtype), values("updates", (3,), dtype)]
        suite.add("SCATTER", f"ELEMENT-{SHORT[dtype]}", body("ELEMENT", 1), [data, distinct.to(I32), updates[0]])
        suite.add("SCATTER", f"ND-{SHORT[dtype]}", body("ND"), [data, tuples, updates[1]])
    data = values("data", (4, 6))
    rows = torch.tensor([[2], [0]], dtype=I32)
    suite.add("SCATTER", "ND-slices", body("ND"), [data, rows, values("u", (2, 6))])
    suite.add("SCATTER", "ND-i64-indices", body("ND"), [data, rows.to(I64), values("u", (2, 6))])
    suite.add("SCATTER", "ELEMENT-negative", body("ELEMENT", 1), [data, distinct.to(I32) - 6, values("u", (4, 3))])
    suite.add("SCATTER", "ND-dynamic", body("ND"), [values("d", (4, 6)), rows, values("u", (2, 6))], {0: (0,)})


def _searches(suite: Suite) -> None:
    for axis in (0, 1, -1):
        for dtype in (F32, F16, I32):
            on_off = torch.tensor([2, 5], dtype=dtype)

            def one_hot(n: Any, indices: Any, axis: int = axis, pair: torch.Tensor = on_off) -> Any:
                return n.add_one_hot(indices, constant(n, pair), scalar(n, 5, I32), axis)

            suite.add("ONE_HOT", f"axis{axis}-{SHORT[dtype]}", one_hot, [values("hot", (3, 4), I32, 0, 5)])
    suite.add("ONE_HOT", "beyond", one_hot, [torch.tensor([[0, 5], [9, -1], [-5, -6]], dtype=I32)])
    for dtype in (F32, F16, I32, BOOL):
        x = values("zero", (4, 5), I32, -1, 2).to(dtype)
        suite.add("NON_ZERO", SHORT[dtype], lambda n, x: n.add_non_zero(x), [x])
        suite.add("NON_ZERO", f"{SHORT[dtype]}-i64", lambda n, x: n.add_non_zero(x, trt.int64), [x])
    suite.add("NON_ZERO", "none", lambda n, x: n.add_non_zero(x), [torch.zeros(3, 4)])
    suite.add("NON_ZERO", "dynamic", lambda n, x: n.add_non_zero(x), [values("z", (4, 5), BOOL)], {0: (0,)})
    _suppressions(suite)


def _suppressions(suite: Suite) -> None:
    corner = values("corner", (2, 12, 2)).abs() * 4
    boxes = torch.cat((corner, corner + values("size", (2, 12, 2)).abs() * 4 + 0.5), -1)
    scores = torch.rand((2, 12, 3), generator=torch.Generator().manual_seed(7))
    shared = torch.stack((scores[..., 0], scores[..., 0]), -1).contiguous()

    def body(centers: bool, overlap: float | None, threshold: float | None, dtype: torch.dtype = F32) -> Any:
        def build(n: Any, boxes: Any, scores: Any) -> Any:
            layer = n.add_nms(boxes, scores, scalar(n, 4, I32))
            if centers:
                layer.bounding_box_format = trt.BoundingBoxFormat.CENTER_SIZES
            if overlap is not None:
                layer.set_input(3, scalar(n, overlap, F32))
            if threshold is not None:
                layer.set_input(4, scalar(n, threshold, F32))
            return [layer.get_output(0), layer.get_output(1)]

        return build

    for centers in (False, True):
        kind = "centers" if centers else "corners"
        suite.add("NMS", kind, body(centers, 0.3, 0.2), [boxes, scores])
        suite.add("NMS", f"{kind}-f16", body(centers, 0.3, 0.2), [boxes.half(), scores.half()])
        suite.add("NMS", f"{kind}-defaults", body(centers, None, None), [boxes, scores])
    suite.add("NMS", "equal-scores-of-classes", body(False, 0.3, 0.2), [boxes, shared])
    suite.add("NMS", "none", body(False, 0.3, 2.0), [boxes, scores])
    per_class = boxes[:, :, None, :].repeat(1, 1, 3, 1) + torch.arange(3).reshape(1, 1, 3, 1) * 0.25
    suite.add("NMS", "boxes-of-classes", body(False, 0.3, 0.2), [per_class.contiguous(), scores])
