"""Small random modules are equal to eager when converted, or refused in words; a failure prints the module."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings

from .examine import examine
from .strategy import programs


@pytest.fixture(scope="session")
def runtime(request):
    chosen = request.config.getoption("--torch2trt-runtime")
    if chosen != "reference" and not torch.cuda.is_available():
        pytest.skip("an engine needs an NVIDIA GPU, and PyTorch sees none here")
    return "reference" if chosen == "reference" else "engine"


@pytest.mark.slow
@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
# not "special": PyTorch's own kernels disagree where NaN and infinities meet
@given(program=programs(["edges", "aliases"]))
def test_random_modules_are_equal_to_eager_or_refused(runtime, program):
    outcome = examine(program, runtime)
    assert not outcome.fault, f"{outcome.kind}\n{program}\n{outcome.detail}"
