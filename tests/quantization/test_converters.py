import pytest
from torch2trt.testing import parametrize

from .cases import CASES


@pytest.mark.filterwarnings("ignore::torch2trt.Float64Warning")
@parametrize(CASES, pack="quantization")
def test_converter(check):
    check()
