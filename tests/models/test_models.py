"""Whole models, small ones, against PyTorch: static and with dynamic sizes."""

import pytest
from torch2trt.testing import parametrize

from . import control, language, prompts, sequences, signals, vision


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`create_unbacked_symint` is deprecated:FutureWarning")  # by torchvision's nms
@parametrize([*control.CASES, *language.CASES, *prompts.CASES, *sequences.CASES, *signals.CASES, *vision.CASES])
def test_model(check):
    check()
