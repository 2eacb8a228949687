"""The rows of the packs' tables as parts of random modules."""

from __future__ import annotations

import copy
import inspect
import itertools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch2trt.testing import Case, Sample

from tests.base.cases import CASES as BASE
from tests.quantization.cases import CASES as QUANTIZATION
from tests.transformer.cases import CASES as TRANSFORMER
from tests.vision.cases import CASES as VISION


def _excluded(case: Case) -> str | None:
    """Why a row is no part of random modules."""
    if case.rejects:
        return "the converter declines it in words, random operators and data-dependent sizes among them"
    if case.target.startswith("torchvision."):
        return "eager reads beyond the images that boxes of any numbers name, and ends the process"
    if case.xfail:
        return "known to fail"
    return None


#: by target and name
ROWS = {
    f"{case.target} {case.name}".strip(): case
    for case in [*BASE, *VISION, *TRANSFORMER, *QUANTIZATION]
    if not _excluded(case)
}


def row(key: str, dtype: torch.dtype = torch.float32) -> Callable[..., Any]:
    """The call of a row; a module is a copy of its own with parameters of ``dtype``."""
    call = ROWS[key].call
    return copy.deepcopy(call).eval().to(dtype) if isinstance(call, torch.nn.Module) else call


def given_by_row(key: str, index: int) -> torch.Tensor:
    """An input that the row gives as a tensor."""
    tensor = ROWS[key].inputs[index]
    assert isinstance(tensor, torch.Tensor)
    return tensor.clone()


def described(key: str) -> str:
    """What the row calls, on one line, for a reader."""
    call = ROWS[key].call
    text = repr(call)
    if inspect.isfunction(call):
        text = inspect.getsource(call)
        text = text[text.find("lambda") :] if "lambda" in text else text
    text = " ".join(text.split())
    return text if len(text) < 90 else text[:87] + "..."


#: put between a tensor's numbers where special values are asked for
_SPECIAL_FLOATS = (float("nan"), float("inf"), -float("inf"), -0.0)


def sample(
    shape: tuple[int, ...],
    dtype: torch.dtype,
    low: float = -2,
    high: float = 2,
    *,
    seed: int = 0,
    special: bool = False,
) -> torch.Tensor:
    """Numbers from ``low`` to below ``high``, the same ones for the same arguments.

    Args:
        shape: the shape.
        dtype: the dtype.
        low, high: the range.
        seed: gives other numbers.
        special: whether the limits of the dtype, infinities and NaN are among the numbers.
    """
    count = math.prod(shape)
    tensor = Sample((count + seed,), dtype, low, high).make()[seed:].reshape(shape)
    if special and dtype is not torch.bool:
        if dtype.is_floating_point:
            limits = torch.finfo(dtype)
            # one of both: what is left of their sum depends on the order in which it is added up
            values = [limits.min if seed % 2 else limits.max, *_SPECIAL_FLOATS]
        else:
            values = [torch.iinfo(dtype).max, torch.iinfo(dtype).min]
        flat = tensor.view(-1)
        for index, value in zip(range(0, count, 3), itertools.cycle(values), strict=False):
            flat[index] = value
    return tensor.clone()
