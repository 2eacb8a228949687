"""The steps of detectors that PyTorch runs, for as many boxes as there are."""

import subprocess
import sys

import pytest
import torch
import torch2trt
import torchvision.models.detection.roi_heads as heads
import torchvision.ops as ops
from torchvision.models.detection._utils import BoxCoder


def steps(boxes, scores, labels, maps, masks):
    chosen = torch.where(scores > 0.5)[0]
    boxes, scores, labels, maps, masks = (one[chosen] for one in (boxes, scores, labels, maps, masks))
    kept = ops.boxes.batched_nms(boxes, scores, labels, 0.5)
    boxes, maps, masks = boxes[kept], maps[kept], masks[kept]
    points, certain = heads.heatmaps_to_keypoints(maps, boxes)
    return boxes, points, certain, heads.paste_masks_in_image(masks, boxes, (9, 8))


class Pooled(torch.nn.Module):
    """Steps that are methods of objects and modules."""

    def __init__(self):
        super().__init__()
        self.coder = BoxCoder((10.0, 10.0, 5.0, 5.0))
        self.pooling = ops.MultiScaleRoIAlign(["a", "b"], 3, 2)

    def forward(self, codes, boxes, scores, first, second):
        chosen = torch.where(scores > 0.5)[0]
        decoded = self.coder.decode(codes[chosen], [boxes[chosen]])[:, 0]
        return self.pooling({"a": first, "b": second}, [decoded], [(32, 32)])


@pytest.mark.filterwarnings("ignore::torch2trt.errors.FallbackWarning")
def test_steps_come_back_from_a_file(tmp_path):
    corners = torch.rand(5, 2) * 8
    boxes = torch.cat([corners, corners + 4 + torch.rand(5, 2) * 16], 1)
    given = [torch.randn(5, 4) * 0.1, boxes, torch.tensor([0.9, 0.1, 0.6, 0.7, 0.2])]
    given += [torch.randn(1, 2, 16, 16), torch.randn(1, 2, 8, 8)]
    model = Pooled().eval()
    expected = model(*given)
    module = torch2trt.convert(model, given, fallback=True, min_segment=99, runtime="reference")
    module.save(tmp_path / "pooled.trt")
    code = f"import torch2trt; print(torch2trt.load({str(tmp_path / 'pooled.trt')!r}).runtime)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "torch\n"
    loaded = torch2trt.load(tmp_path / "pooled.trt")
    torch.testing.assert_close(loaded(*given), expected)
    with pytest.raises(
        torch2trt.EngineError, match=r"of the pack 'vision' \(torch2trt-ops-vision .*not loaded here; pip"
    ):
        torch2trt.load(tmp_path / "pooled.trt", packs=torch2trt.Packs.load(block=["vision"]))


def test_steps_that_loop_over_boxes_run_in_pytorch_for_any_number():
    corners = torch.rand(6, 2) * 4
    given = [torch.cat([corners, corners + 1 + torch.rand(6, 2) * 3], 1), torch.rand(6), torch.arange(6) % 2]
    given += [torch.randn(6, 3, 5, 5), torch.rand(6, 1, 4, 4)]
    plan = torch2trt.explain(
        lambda *args: torch.utils._pytree.tree_map(torch.relu, steps(*args)),
        given,
        fallback=True,
        runtime="reference",
        build=False,
        min_segment=1,
    )
    whole = {planned.call.target.name for planned in plan.in_torch if planned.call.target.level == "function"}
    assert {name.rpartition(".")[2] for name in whole} == {
        "batched_nms",
        "heatmaps_to_keypoints",
        "paste_masks_in_image",
    }
    module = plan.convert()
    for scores in (given[1], torch.zeros(6), torch.ones(6), torch.tensor([0.0, 0.9, 0.0, 0.0, 0.0, 0.0])):
        inputs = [given[0], scores, *given[2:]]
        expected = [torch.relu(one) for one in steps(*inputs)]
        torch.testing.assert_close(list(module(*inputs)), expected)
