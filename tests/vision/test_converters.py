import pytest
import torch
import torch.nn.functional as F
import torch2trt
from torch2trt.testing import check_pack, parametrize

from .cases import CASES


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.filterwarnings("ignore:`create_unbacked_symint` is deprecated:FutureWarning")  # torchvision's own nms
@parametrize(CASES, pack="vision")
def test_converter(check):
    check()


def test_pack():
    # without fallback, their own code is no export of a row
    reason = "run in PyTorch, between engines, by test_detectors"
    steps = ("paste_masks_in_image", "heatmaps_to_keypoints")
    without = {f"torchvision.models.detection.roi_heads.{name}": reason for name in steps}
    check_pack("torch2trt_ops_vision", CASES, without_case=without)


@pytest.mark.parametrize(
    ("pool", "multiple"),
    [
        (lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), 2),
        (lambda x: F.avg_pool2d(x, 3, 2, ceil_mode=True), 2),
        (lambda x: F.avg_pool2d(x, 4, 2, 1, ceil_mode=True), 2),
        (lambda x: F.avg_pool2d(x, 4, 2, 1, ceil_mode=True, count_include_pad=False), 2),
    ],
)
def test_rounding_up_dynamic_sizes(pool, multiple):
    # a plain dynamic size is fixed by torch.export, which compares it with the last window; multiples are not
    height = multiple * torch.export.Dim("height", min=4, max=9)
    shapes = ({2: height},)
    module = torch2trt.convert(pool, [torch.ones(1, 2, 10, 9)], dynamic_shapes=shapes, build=False)
    for size in (8, 10, 18):
        x = torch.randn(1, 2, size, 9)
        torch.testing.assert_close(module(x), pool(x))
