from torch2trt.testing import parametrize

from .cases import CASES


@parametrize(CASES)
def test_converter(check):
    check()
