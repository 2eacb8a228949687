import pytest
from torch2trt.testing import parametrize

from .cases import CASES


@pytest.fixture(autouse=True)
def without_the_example(monkeypatch):
    """The example pack converts a target of this one, and is asked first."""
    monkeypatch.setenv("TORCH2TRT_BLOCK", "example")


# what PyTorch thinks of its own operators
@pytest.mark.filterwarnings("ignore:The reduce argument of torch.scatter", "ignore:index_reduce")
@pytest.mark.filterwarnings("ignore:reduction", "ignore:.*degrees of freedom", "ignore:torch.triangular_solve")
@pytest.mark.filterwarnings("ignore::torch2trt.RandomNumbersWarning")
@pytest.mark.filterwarnings("ignore::torch2trt.Float64Warning")
@parametrize(CASES, pack="base")
def test_converter(check):
    check()
