"""Whole models, small ones, against PyTorch: static and with dynamic sizes."""

import pytest
from torch2trt.testing import parametrize

from . import language, sequences, vision


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@parametrize([*language.CASES, *sequences.CASES, *vision.CASES])
def test_model(check):
    check()
