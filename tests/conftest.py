"""What all tests share."""

import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def no_cache(tmp_path_factory):
    """Nothing is kept from one test to another, nor in the user's cache; a test of the cache sets a limit of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH2TRT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("TORCH2TRT_CACHE_LIMIT", "0")
        yield


@pytest.fixture(autouse=True)
def seed():
    """Every test sees the same random numbers."""
    torch.manual_seed(0)
