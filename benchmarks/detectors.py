"""Convert torchvision's five detectors with ``fallback=True`` and hold them against eager.

They run on the interpreter or, with ``--engine``, as engines on the GPU, both sides without TF32: its ten bits of
mantissa put boxes of scores that are nearly equal into another order.

Weights are random and images small.  Each detector is converted twice: with a threshold that random scores pass, and
with one that none passes, as for an image with nothing on it.  The exit status is 1 where one differs from eager.
"""

import argparse
import sys
import time
from collections import Counter
from typing import Any

import torch
import torch2trt
from harness import forked, is_chosen, record
from torch2trt import trt
from torch2trt.verify.measure import error
from torchvision.models import detection

RCNN = {"rpn_pre_nms_top_n_test": 100, "rpn_post_nms_top_n_test": 50, "box_detections_per_img": 20}
ONE_STAGE = {"topk_candidates": 50, "detections_per_img": 20}
SMALL = {"min_size": 96, "max_size": 128}
#: the arguments of each, with the name of its threshold
DETECTORS: dict[str, tuple[str, dict[str, Any]]] = {
    "fasterrcnn_resnet50_fpn": ("box_score_thresh", RCNN | SMALL | {"num_classes": 5}),
    "maskrcnn_resnet50_fpn": ("box_score_thresh", RCNN | SMALL | {"num_classes": 5}),
    "keypointrcnn_resnet50_fpn": ("box_score_thresh", RCNN | SMALL),
    "retinanet_resnet50_fpn": ("score_thresh", ONE_STAGE | SMALL | {"num_classes": 5}),
    "ssd300_vgg16": ("score_thresh", ONE_STAGE | {"num_classes": 5}),
}
THRESHOLDS = {"found": 0.005, "nothing": 0.999}
#: of the largest value of an output
TOLERANCE = 1e-3


class OneImage(torch.nn.Module):
    """A detector of one image, which takes and returns no lists."""

    def __init__(self, detector: torch.nn.Module) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """What is found on ``image``, a float32 tensor of shape ``(3, height, width)``."""
        return self.detector([image])[0]


class WithoutTF32:
    """A pack whose engines multiply float32 in float32."""

    @torch2trt.hookimpl
    def torch2trt_configure_build(self, config: trt.IBuilderConfig) -> None:
        """Take TensorRT's leave to use TF32."""
        config.clear_flag(trt.BuilderFlag.TF32)


def measure(name: str, threshold: float, engine: bool) -> dict[str, Any]:
    """The row of a detector."""
    torch.manual_seed(0)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    device = "cuda" if engine else "cpu"
    settings: dict[str, Any] = {"runtime": "engine"} if engine else {"runtime": "reference", "build": False}
    argument, small = DETECTORS[name]
    make = getattr(detection, name)
    model = OneImage(make(weights=None, weights_backbone=None, **small, **{argument: threshold})).eval().to(device)
    began = time.perf_counter()
    packs = torch2trt.Packs.load(extra=[WithoutTF32()])
    plan = torch2trt.explain(model, [torch.rand(3, 96, 128, device=device)], fallback=True, packs=packs, **settings)
    module = plan.convert()
    row = {
        "calls": len(plan),
        "segments": [[segment.kind, segment.size] for segment in plan.segments],
        "in_torch": dict(Counter(planned.call.target.name for planned in plan.in_torch)),
        "conversion_seconds": round(time.perf_counter() - began, 1),
        "found": [],
        "largest_error": 0.0,
    }
    for _ in range(2):
        image = torch.rand(3, 96, 128).to(device)
        with torch.no_grad():
            expected = model(image)
        found = module(image)
        row["found"].append(len(expected["boxes"]))
        for key, tensor in expected.items():
            row["largest_error"] = max(row["largest_error"], error(found[key], tensor))
    return row | {"equal": row["largest_error"] <= TOLERANCE}


def main() -> int:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*", default=["*"], help="patterns of names")
    parser.add_argument("--engine", action="store_true", help="as engines on the GPU, not by the interpreter")
    parser.add_argument("--json", help="write the rows and the environment to this file")
    options = parser.parse_args()
    rows = []
    for name in DETECTORS:
        for case, threshold in THRESHOLDS.items() if is_chosen(name, "", options.models) else ():
            rows.append({"model": name, "case": case, **forked(measure, name, threshold, options.engine)})
            print(rows[-1], flush=True)
            record(options.json, rows)
    return int(not all(row.get("equal") for row in rows))


if __name__ == "__main__":
    sys.exit(main())
