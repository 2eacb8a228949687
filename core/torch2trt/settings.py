"""The settings of one conversion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

Runtime = Literal["auto", "engine", "reference"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a conversion does beyond the model and its inputs; hooks receive it too."""

    #: the floating-point dtype that the network computes in; None leaves every dtype as the model has it
    precision: torch.dtype | None = None
    #: ``"engine"`` needs a GPU, ``"reference"`` interprets the network, ``"auto"`` takes the engine where it can run
    runtime: Runtime = "auto"
    #: False stops after lowering: the module runs on the reference interpreter and cannot be saved
    build: bool = True
    #: bytes that TensorRT may use as scratch memory; None is TensorRT's own default
    workspace: int | None = None
    #: TensorRT's builder optimisation level, 0 (fast build) to 5 (fast engine); None is TensorRT's own default
    optimization_level: int | None = None
    #: compute capabilities that an engine of TensorRT for RTX is built for, such as ``("8.6", "12.0")``
    compute_capabilities: tuple[str, ...] = ()
    #: whether a build shows its progress; None shows it on a terminal only
    progress: bool | None = None
    #: whether TensorRT's own messages below warnings are shown
    verbose: bool = False

    def __post_init__(self) -> None:
        """Refuse values that would only fail deep inside TensorRT."""
        if self.precision not in (None, torch.float32, torch.float16, torch.bfloat16):
            raise ValueError(
                f"precision={self.precision} is not one of torch.float32, torch.float16, torch.bfloat16, None"
            )
        if self.runtime not in ("auto", "engine", "reference"):
            raise ValueError(f"runtime={self.runtime!r} is not one of 'auto', 'engine', 'reference'")
        if self.runtime == "engine" and not self.build:
            raise ValueError("runtime='engine' needs an engine; leave build=True")
