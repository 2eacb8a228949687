"""Rows that masks select, of which only something of a known size is used, need no layer of a size that depends on data."""

import pytest
from torch2trt.testing import parametrize

from .selections import CASES


@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
@parametrize(CASES, pack="base")
def test_selections(check):
    check()
