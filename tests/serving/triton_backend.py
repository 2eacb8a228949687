"""What Triton's Python backend gives to a model, as far as ours uses it: tensors, requests and responses."""

from dataclasses import dataclass, field
from typing import Any

import torch


class TritonError(Exception):
    pass


@dataclass
class Tensor:
    named: str
    values: torch.Tensor

    def name(self):
        return self.named

    def to_dlpack(self):
        return self.values.__dlpack__()

    @classmethod
    def from_dlpack(cls, name, values):
        assert values.is_contiguous()
        return cls(name, torch.from_dlpack(values))


@dataclass
class InferenceRequest:
    tensors: dict[str, torch.Tensor]
    wanted: list[str]

    def inputs(self):
        return [Tensor(*pair) for pair in self.tensors.items()]

    def requested_output_names(self):
        return self.wanted


@dataclass
class InferenceResponse:
    output_tensors: list[Tensor] = field(default_factory=list)
    error: Any = None
