"""The rows of what the pack makes of small integers before anything is planned, which no converter has."""

import pytest
from torch2trt.testing import parametrize

from .small_integers import CASES


@pytest.mark.filterwarnings("ignore:The reduce argument of torch.scatter")
@pytest.mark.filterwarnings("ignore::torch2trt.Float64Warning")
@parametrize(CASES, pack="base")
def test_small_integers(check):
    check()
