"""Convert torchvision's five detectors with ``fallback=True`` and hold them against eager.

They run on the interpreter or, with ``--engine``, as engines on the GPU.  Engines multiply float32 in TF32, whose ten
bits of mantissa put boxes of nearly equal scores into another order, and others into the last places.  So of an
engine's boxes it is counted how many of eager's they find again (``again``), and beside it how many eager itself does
with operands that are rounded so (``rounded``).

Weights are random and images small.  Each detector is converted twice: with a threshold that random scores pass, and
with one that none passes, as for an image with nothing on it.  The exit status is 1 where one differs from eager.
"""

import argparse
import itertools
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch2trt
import torchvision
from harness import forked, is_chosen, record
from torch.nn import functional
from torch.overrides import TorchFunctionMode
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
#: on an engine: of two boxes that are taken for one, and how many images are tried
OVERLAP, IMAGES = 0.9, 8
PRODUCTS = (functional.conv2d, torch.conv2d, functional.conv_transpose2d, torch.conv_transpose2d, functional.linear)

Tensors = dict[str, torch.Tensor]
#: an image, what eager finds on it, and what the converted module does
Answers = tuple[torch.Tensor, Tensors, Tensors]


class OneImage(torch.nn.Module):
    """A detector of one image, which takes and returns no lists."""

    def __init__(self, detector: torch.nn.Module) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, image: torch.Tensor) -> Tensors:
        """What is found on ``image``, a float32 tensor of shape ``(3, height, width)``."""
        return self.detector([image])[0]


class Rounded(TorchFunctionMode):
    """Operands of convolutions and products have ten bits of mantissa, as in TF32."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Round the input and the weight."""
        if func in PRODUCTS:
            args = [*map(rounded, args[:2]), *args[2:]]
        return func(*args, **(kwargs or {}))


def rounded(tensor: torch.Tensor) -> torch.Tensor:
    """Numbers of float32 rounded to ten bits of mantissa."""
    return ((tensor.contiguous().view(torch.int32) + 0x1000) & ~0x1FFF).view(torch.float32)


def again(found: Tensors, expected: Tensors) -> int:
    """How many of the expected boxes are found, with the same label and a score within a hundredth."""
    if not len(expected["boxes"]) or not len(found["boxes"]):
        return 0
    same = torchvision.ops.box_iou(expected["boxes"], found["boxes"]) > OVERLAP
    same &= expected["labels"][:, None] == found["labels"]
    same &= (expected["scores"][:, None] - found["scores"]).abs() < 1e-2
    return int(same.any(1).sum())


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
    plan = torch2trt.explain(model, [torch.rand(3, 96, 128, device=device)], fallback=True, **settings)
    module = plan.convert()
    row = {
        "calls": len(plan),
        "segments": [[segment.kind, segment.size] for segment in plan.segments],
        "in_torch": dict(Counter(planned.call.target.name for planned in plan.in_torch)),
        "conversion_seconds": round(time.perf_counter() - began, 1),
    }
    answers = answers_of(model, module, device)
    return row | (on_engine(model, answers) if engine else on_interpreter(answers))


def on_interpreter(answers: Iterator[Answers]) -> dict[str, Any]:
    """What the outputs differ by, at most, in two images."""
    tried = list(itertools.islice(answers, 2))
    largest = max(error(found[key], tensor) for _, expected, found in tried for key, tensor in expected.items())
    return {"found": boxes_in(tried), "largest_error": largest, "equal": largest <= TOLERANCE}


def on_engine(model: torch.nn.Module, answers: Iterator[Answers]) -> dict[str, Any]:
    """How many boxes are found again in some images; as many as with rounded operands, but for one in each."""
    tried = list(itertools.islice(answers, IMAGES))
    with torch.no_grad(), Rounded():
        least = sum(again(model(image), expected) for image, expected, _ in tried)
    count = sum(again(found, expected) for _, expected, found in tried)
    return {"found": boxes_in(tried), "again": count, "rounded": least, "equal": count >= least - IMAGES}


def answers_of(model: torch.nn.Module, module: torch.nn.Module, device: str) -> Iterator[Answers]:
    """Images, with what eager and the converted module find on each."""
    while True:
        image = torch.rand(3, 96, 128).to(device)
        with torch.no_grad():
            expected = model(image)
        yield image, expected, module(image)


def boxes_in(tried: Sequence[Answers]) -> list[int]:
    """How many boxes eager finds on each image."""
    return [len(expected["boxes"]) for _, expected, _ in tried]


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
