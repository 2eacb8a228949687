"""The pytest plugin: where numerics are checked, and tests from tables.

pytest loads it in every run, so nothing heavy is imported before a test asks for it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..settings import Runtime
    from .case import Variant


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--torch2trt-runtime``."""
    parser.getgroup("torch2trt").addoption(
        "--torch2trt-runtime",
        choices=("reference", "engine", "both"),
        default="reference",
        help="where converters' numerics are checked: the reference interpreter, engines on a GPU, or both",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of every variant on every runtime for functions decorated with ``testing.parametrize``."""
    table = getattr(metafunc.function, "__torch2trt_cases__", None)
    if table is None:
        return
    cases, pack = table
    import torch

    chosen = metafunc.config.getoption("--torch2trt-runtime")
    rows = []
    for runtime in ("reference", "engine") if chosen == "both" else (chosen,):
        marks: list[Any] = []
        if runtime == "engine" and not torch.cuda.is_available():
            marks.append(pytest.mark.skip(reason="an engine needs an NVIDIA GPU, and PyTorch sees none here"))
        for variant in (variant for case in cases for variant in case.variants()):
            xfail = [pytest.mark.xfail(reason=variant.case.xfail, strict=True)] if variant.case.xfail else []
            check = functools.partial(_check, variant, runtime, pack)
            rows.append(pytest.param(check, id=f"{variant.id}-{runtime}", marks=[*marks, *xfail]))
    metafunc.parametrize("check", rows)


def _check(variant: Variant, runtime: Runtime, pack: str | None) -> None:
    from .check import check_converter

    check_converter(variant, runtime=runtime, pack=pack)
