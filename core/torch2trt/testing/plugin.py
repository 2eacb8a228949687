"""The pytest plugin: where numerics are checked, and tests from tables."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from .case import Case, Variant


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--torch2trt-runtime``."""
    parser.getgroup("torch2trt").addoption(
        "--torch2trt-runtime",
        choices=("reference", "engine", "both"),
        default="reference",
        help="where converters' numerics are checked: the reference interpreter, engines on a GPU, or both",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of every variant on every runtime for functions decorated with :func:`parametrize`."""
    cases = getattr(metafunc.function, "__torch2trt_cases__", None)
    if cases is None:
        return
    chosen = metafunc.config.getoption("--torch2trt-runtime")
    rows = []
    for runtime in ("reference", "engine") if chosen == "both" else (chosen,):
        marks: list[Any] = []
        if runtime == "engine" and not torch.cuda.is_available():
            marks.append(pytest.mark.skip(reason="an engine needs an NVIDIA GPU, and PyTorch sees none here"))
        for variant in (variant for case in cases for variant in case.variants()):
            xfail = [pytest.mark.xfail(reason=variant.case.xfail, strict=True)] if variant.case.xfail else []
            check = functools.partial(_check, variant, runtime)
            rows.append(pytest.param(check, id=f"{variant.id}-{runtime}", marks=[*marks, *xfail]))
    metafunc.parametrize("check", rows)


def parametrize(cases: Sequence[Case]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a test function the argument ``check``, once for every variant of every row."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        function.__torch2trt_cases__ = tuple(cases)  # type: ignore[attr-defined]
        return function

    return decorate


def _check(variant: Variant, runtime: str) -> None:
    from .check import check_converter

    check_converter(variant, runtime=runtime)
