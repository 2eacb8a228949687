import pytest
from torch2trt.testing import parametrize

from .cases import CASES


# what PyTorch thinks of its own operators
@pytest.mark.filterwarnings("ignore:The reduce argument of torch.scatter", "ignore:index_reduce")
@pytest.mark.filterwarnings("ignore:reduction", "ignore:.*degrees of freedom")
@parametrize(CASES, pack="base")
def test_converter(check):
    check()
