import pytest
from torch2trt.testing import parametrize

from .cases import CASES


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@parametrize(CASES, pack="transformer")
def test_converter(check):
    check()
