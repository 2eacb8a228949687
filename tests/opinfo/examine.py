"""What became of one sample."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch.utils import _pytree as pytree
from torch2trt import Torch2TRTError, convert
from torch2trt.program.program import draws

from .samples import Sample

#: agrees with eager; refused in words; eager itself cannot be compared with; an exception that is none of ours; wrong
Kind = Literal["agrees", "refused", "incomparable", "error", "wrong"]


@dataclass(frozen=True)
class Outcome:
    """What became of a sample, and why."""

    kind: Kind
    why: str = ""


def examine(sample: Sample) -> Outcome:
    """Convert a sample, run it on the reference interpreter and compare."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            expected, again = sample.function(*_copies(sample)), sample.function(*_copies(sample))
        except Exception as error:
            return Outcome("incomparable", f"eager fails: {_first_line(error)}")
        if _difference(again, expected):
            return Outcome("incomparable", "draws random numbers")
        if not any(isinstance(leaf, torch.Tensor) for leaf in pytree.tree_leaves(expected)):
            return Outcome("incomparable", "gives no tensor")
        try:
            module = convert(sample.function, list(_copies(sample)), runtime="reference", build=False)
            if any(draws(planned.call) for planned in module.lowered.plan):
                return Outcome("incomparable", "draws random numbers")
            got = module(*_copies(sample))
        except Torch2TRTError as error:
            return Outcome("refused", _reason(error))
        except Exception as error:
            return Outcome("error", f"{type(error).__name__}: {_first_line(error)}")
    why = _difference(got, expected)
    if not why or _as_exact(sample, got, expected):
        return Outcome("agrees")
    return Outcome("wrong", why)


def _copies(sample: Sample) -> tuple[torch.Tensor, ...]:
    return tuple(tensor.clone() for tensor in sample.tensors)


def _difference(got: Any, expected: Any) -> str:
    """How results differ; empty where they agree."""
    ours, theirs = (pytree.tree_leaves(value) for value in (got, expected))
    if len(ours) != len(theirs):
        return f"{len(ours)} results instead of {len(theirs)}"
    for one, other in zip(ours, theirs, strict=True):
        try:
            torch.testing.assert_close(one, other, equal_nan=True, check_stride=False)
        except AssertionError as error:
            return " ".join(str(error).split())[:300]
    return ""


def _as_exact(sample: Sample, got: Any, expected: Any) -> bool:
    """Whether the results are about as near to those of float64 as eager's own, or as inputs off by a unit leave them."""
    try:
        exact, *off = (pytree.tree_leaves(sample.function(*_widened(sample, noise))) for noise in (0, 1, 1, 1))
    except Exception:
        return False
    for index, (one, other) in enumerate(zip(pytree.tree_leaves(got), pytree.tree_leaves(expected), strict=True)):
        if not isinstance(other, torch.Tensor) or (one.dtype, one.shape) != (other.dtype, other.shape):
            return False
        if not other.is_floating_point():
            return False
        true = exact[index].to(other.dtype)
        if not torch.equal(one.isfinite(), true.isfinite()) or not torch.equal(one.isnan(), true.isnan()):
            return False
        allowed = [(other - true).abs(), *((noisy[index].to(other.dtype) - true).abs() for noisy in off)]
        largest = max((float(error.nan_to_num(0, 0, 0).max()) for error in allowed if error.numel()), default=0.0)
        unit = torch.finfo(other.dtype).eps * float(true.abs().nan_to_num(0, 0, 0).max() if true.numel() else 0)
        if bool(((one - true).abs().nan_to_num(0, 0, 0) > 4 * (largest + unit)).any()):
            return False
    return True


def _widened(sample: Sample, noise: int) -> Iterator[torch.Tensor]:
    """The tensors in float64, off by up to a unit of their own dtype."""
    for tensor in _copies(sample):
        unit = torch.finfo(tensor.dtype).eps if tensor.is_floating_point() else 0
        yield tensor.double() * (1 + noise * unit * (2 * torch.rand(tensor.shape) - 1)) if unit else tensor


def _reason(error: Torch2TRTError) -> str:
    """The lines of a refusal that say why."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if len(lines) > 1 and "have no converter" in lines[0]:
        return " ".join(lines[1:3])[:200]
    return " ".join(lines)[:200]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:160]
