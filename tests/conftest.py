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


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(items):
    """Mark what a table of rows tries once more as slow."""
    quick = {}
    for item in items:
        function = getattr(item, "function", None)
        if cases := getattr(function, "__torch2trt_cases__", ((), None))[0]:
            if function not in quick:
                quick[function] = quick_variants(cases)
            if item.callspec.id.rpartition("-")[0] not in quick[function]:
                item.add_marker("slow")


def quick_variants(cases):
    """The ids of the first variant of the first row of every target, and of the first one with dynamic sizes."""
    firsts = {}
    for case in cases:
        for variant in case.variants():
            firsts.setdefault((case.target, variant.dynamic), variant.id)
    return {*firsts.values()}
