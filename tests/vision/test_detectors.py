"""The steps of detectors that PyTorch runs, for as many boxes as there are."""

import torch
import torch2trt
import torchvision.models.detection.roi_heads as heads
import torchvision.ops as ops


def steps(boxes, scores, labels, maps, masks):
    chosen = torch.where(scores > 0.5)[0]
    boxes, scores, labels, maps, masks = (one[chosen] for one in (boxes, scores, labels, maps, masks))
    kept = ops.boxes.batched_nms(boxes, scores, labels, 0.5)
    boxes, maps, masks = boxes[kept], maps[kept], masks[kept]
    points, certain = heads.heatmaps_to_keypoints(maps, boxes)
    return boxes, points, certain, heads.paste_masks_in_image(masks, boxes, (9, 8))


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
