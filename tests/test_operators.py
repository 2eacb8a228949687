"""The tables as a whole: they cover the packs, the documentation and PyTorch's core operators."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch2trt.packs.loading import installed
from torch2trt.packs.targets import resolve
from torch2trt.testing import check_pack

from tests.base.cases import CASES as BASE
from tests.quantization.cases import CASES as QUANTIZATION
from tests.transformer.cases import CASES as TRANSFORMER
from tests.vision.cases import CASES as VISION

ROOT = Path(__file__).parent.parent
CASES = [*BASE, *VISION, *TRANSFORMER, *QUANTIZATION]
#: core operators that are neither converted nor decomposed into converted ones, each with the reason
NOT_CONVERTED = {
    **dict.fromkeys(
        [
            "aten._adaptive_avg_pool2d_backward.default",
            "aten.avg_pool2d_backward.default",
            "aten.convolution_backward.default",
            "aten.embedding_dense_backward.default",
            "aten.max_pool2d_with_indices_backward.default",
            "aten.native_group_norm_backward.default",
            "aten.native_layer_norm_backward.default",
        ],
        "gradients are for training",
    ),
    "aten._native_batch_norm_legit.default": "updates its running statistics, which is training",
    "aten.resize_.default": "changes the memory of its input",
}


@pytest.mark.parametrize(
    ("pack", "cases", "without_case"),
    [
        ("torch2trt_ops_base", BASE, {}),
        (
            "torch2trt_ops_vision",
            VISION,
            dict.fromkeys(
                (
                    "torchvision.models.detection.roi_heads.paste_masks_in_image",
                    "torchvision.models.detection.roi_heads.heatmaps_to_keypoints",
                ),
                "without fallback=True no trace comes past it; tests/vision/test_detectors.py has it",
            ),
        ),
        ("torch2trt_ops_transformer", TRANSFORMER, {}),
        ("torch2trt_ops_quantization", QUANTIZATION, {}),
    ],
)
def test_every_converter_has_a_row(pack, cases, without_case):
    check_pack(pack, cases, without_case=without_case)


def test_the_operator_matrix_is_fresh():
    done = subprocess.run([sys.executable, "tools/operator_matrix.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "docs/operators.md is stale; run python tools/operator_matrix.py"


def core_operators():
    """Every overload that PyTorch tags as one of the core ATen operators."""
    for full_name in torch._C._dispatch_get_all_op_names():
        namespace, _, name = full_name.partition("::")
        if namespace == "aten":
            packet, _, overload = name.partition(".")
            found = getattr(getattr(torch.ops.aten, packet), overload or "default", None)
            if found is not None and torch.Tag.core in found.tags:
                yield found


def test_the_core_operators_are_converted_or_decompose_into_converted_ones():
    converted = {converter.target.obj for converter in installed().converters}
    # a row with whole=False is a call that was decomposed, converted and compared
    decomposed = {resolve(case.target).obj for case in CASES if not case.whole and not case.rejects}
    missing = {str(overload) for overload in core_operators()} - {str(o) for o in converted | decomposed}
    assert missing == set(NOT_CONVERTED)
    assert len(NOT_CONVERTED) <= 20


def test_there_are_as_many_checks_and_targets_as_we_say():
    checks = sum(len(list(case.variants())) for case in CASES)
    targets = {resolve(case.target).obj for case in CASES}
    assert checks >= 1500
    assert len(targets) >= 320
