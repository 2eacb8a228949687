"""Rows of a test table."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from ..dtypes import short_name


@dataclass(frozen=True, slots=True)
class Sample:
    """A random input: always the same numbers for the same shape.

    Args:
        shape: the shape.
        dtype: the dtype.
        low, high: the range of the values; integers are below ``high``.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype = torch.float32
    low: float = -2.0
    high: float = 2.0

    def make(self) -> torch.Tensor:
        """The tensor."""
        seed = zlib.crc32(repr((self.shape, short_name(self.dtype), self.low, self.high)).encode())
        generator = torch.Generator().manual_seed(seed)
        if self.dtype.is_floating_point or self.dtype.is_complex:
            shape = (*self.shape, 2) if self.dtype.is_complex else self.shape
            tensor = torch.rand(shape, generator=generator) * (self.high - self.low) + self.low
            tensor = torch.view_as_complex(tensor) if self.dtype.is_complex else tensor
        elif self.dtype is torch.bool:
            tensor = torch.rand(self.shape, generator=generator) < 0.5
        else:
            tensor = torch.randint(int(self.low), int(self.high), self.shape, generator=generator)
        return tensor.to(self.dtype)


def f32(*shape: int, low: float = -2.0, high: float = 2.0) -> Sample:
    """A float32 sample; the half-precision variants of a case cast it."""
    return Sample(shape, torch.float32, low, high)


def c64(*shape: int, low: float = -2.0, high: float = 2.0) -> Sample:
    """A complex64 sample, whose parts are in the range."""
    return Sample(shape, torch.complex64, low, high)


def i64(*shape: int, low: int = -5, high: int = 6) -> Sample:
    """An int64 sample with values from ``low`` to below ``high``."""
    return Sample(shape, torch.int64, low, high)


def i32(*shape: int, low: int = -5, high: int = 6) -> Sample:
    """An int32 sample with values from ``low`` to below ``high``."""
    return Sample(shape, torch.int32, low, high)


def b8(*shape: int) -> Sample:
    """A bool sample."""
    return Sample(shape, torch.bool, 0, 2)


#: dimension to name, for the only or the first input; or one such mapping (or None) for each input
Dynamic = Mapping[int, str] | Sequence[Mapping[int, str] | None]


@dataclass(frozen=True)
class Case:
    """One row: a call, what it is called with, and how closely it must agree with PyTorch.

    Args:
        target: the target that the row tests, as the converter names it.
        call: a function of the inputs, or a module.
        inputs: samples; a tensor stands for itself and keeps its dtype and shape.
        dynamic: dynamic sizes by name; sizes of one name are equal.
        dtypes: the dtypes that float32 samples and the module take, one variant each.
        dynamic_min: the smallest dynamic size that is tried.
        rtol, atol: tolerances; by default those of the dtype.
        rejects: a part of the reason with which the converter declines this call; it is run only where PyTorch's own
            rule gives calls that are converted.
        name: tells rows of one target apart.
        xfail: why the row is known to fail.
        whole: whether the target itself must appear in the plan; False for targets that PyTorch decomposes.
        static: False for a target that is a constant, or is not there, where all sizes are static.
    """

    target: str
    call: Callable[..., Any]
    inputs: Sequence[Sample | torch.Tensor]
    dynamic: Dynamic | None = None
    dtypes: tuple[torch.dtype, ...] = (torch.float32, torch.float16)
    dynamic_min: int = 1
    rtol: float | None = None
    atol: float | None = None
    rejects: str = ""
    name: str = ""
    xfail: str = ""
    whole: bool = True
    static: bool = True

    def variants(self) -> Iterator[Variant]:
        """Static in every dtype, and dynamic in the first where the row has dynamic sizes."""
        floating = any(isinstance(s, Sample) and s.dtype is torch.float32 for s in self.inputs)
        every = self.dtypes if floating and not self.rejects else self.dtypes[:1]
        for dtype in every if self.static else ():
            yield Variant(self, dtype, dynamic=False)
        if self.dynamic and not (self.rejects and self.static):
            yield Variant(self, self.dtypes[0], dynamic=True)


@dataclass(frozen=True)
class Variant:
    """One test of a row."""

    case: Case
    dtype: torch.dtype
    dynamic: bool
    id: str = field(init=False)

    def __post_init__(self) -> None:
        """Name the test."""
        parts = [self.case.target, self.case.name, short_name(self.dtype), "dynamic" if self.dynamic else "static"]
        object.__setattr__(self, "id", "-".join(part for part in parts if part))

    @property
    def dynamic_dims(self) -> list[Mapping[int, str]]:
        """The dynamic dimensions of each input."""
        given = self.case.dynamic if self.dynamic else None
        rows = [given] if isinstance(given, Mapping) else list(given or ())
        return [row or {} for row in rows] + [{}] * (len(self.case.inputs) - len(rows))

    def samples(self, change: int | None = None) -> list[Sample | torch.Tensor]:
        """The inputs in this variant's dtype; ``change`` is added to every dynamic size, None makes them smallest."""
        samples: list[Sample | torch.Tensor] = []
        for sample, dims in zip(self.case.inputs, self.dynamic_dims, strict=True):
            if isinstance(sample, Sample):
                shape = tuple(
                    size if index not in dims else self.case.dynamic_min if change is None else size + change
                    for index, size in enumerate(sample.shape)
                )
                dtype = self.dtype if sample.dtype is torch.float32 else sample.dtype
                sample = replace(sample, shape=shape, dtype=dtype)
            samples.append(sample)
        return samples

    def tensors(self, change: int | None = 0) -> list[torch.Tensor]:
        """The input tensors."""
        return [sample.make() if isinstance(sample, Sample) else sample for sample in self.samples(change)]


def parametrize(
    cases: Sequence[Case], *, pack: str | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a test function the argument ``check``, once for every variant of every row on every chosen runtime.

    Args:
        cases: the rows.
        pack: the name of the pack that they test.  Without it a row passes whichever pack converts its target, so one
            that is not installed seems right wherever another has the same target.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        function.__torch2trt_cases__ = (tuple(cases), pack)  # type: ignore[attr-defined]
        return function

    return decorate
