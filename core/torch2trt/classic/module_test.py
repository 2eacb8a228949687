"""Rows of tests that classic converters bring along, for the test kit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import torch

from ..testing.case import Case, f32

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass
class ModuleTest:
    """One row: a function that makes a module, and the shapes of its inputs."""

    module_fn: Callable[[], torch.nn.Module]
    dtype: torch.dtype
    device: torch.device
    input_shapes: Sequence[Sequence[int]]
    torch2trt_kwargs: dict[str, Any] = field(default_factory=dict)

    def module_name(self) -> str:
        """The dotted name of the function."""
        return f"{self.module_fn.__module__}.{self.module_fn.__qualname__}"

    def case(self) -> Case:
        """The row for ``torch2trt.testing``: ``parametrize([test.case() for test in MODULE_TESTS])``."""
        dynamic = [{0: "batch"} for _ in self.input_shapes] if self.torch2trt_kwargs.get("max_batch_size") else None
        return Case(
            self.module_name(),
            self.module_fn(),
            [f32(*shape) for shape in self.input_shapes],
            dynamic=dynamic,
            dtypes=(self.dtype,),
            whole=False,
        )


#: the rows, in the order in which they were added
MODULE_TESTS: Final[list[ModuleTest]] = []


def add_module_test(
    dtype: torch.dtype, device: torch.device, input_shapes: Sequence[Sequence[int]], **torch2trt_kwargs: Any
) -> Callable[[Function], Function]:
    """Add a row for the function that is decorated, which makes a module.

    Args:
        dtype: that of the module and its inputs.
        device: kept, and not used: the test kit chooses where it runs.
        input_shapes: one for each input.
        torch2trt_kwargs: kept; with ``max_batch_size`` the row is dynamic too.
    """

    def add(function: Function) -> Function:
        MODULE_TESTS.append(ModuleTest(function, dtype, device, input_shapes, torch2trt_kwargs))
        return function

    return add
