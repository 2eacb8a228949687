"""The backend ``"torch2trt"`` of ``transformers.exporters``: to import this module registers it."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch2trt
from transformers import PreTrainedModel
from transformers.exporters.auto import register_backend
from transformers.exporters.base import HfExporter
from transformers.exporters.configs import DynamoConfig
from transformers.exporters.exporter_dynamo import DynamoExporter
from transformers.exporters.metadata import ExportMetadata
from transformers.exporters.runners.base import ModelRunner


@dataclass
class TRTConfig(DynamoConfig):
    """How a model is exported to an engine.

    Args:
        settings: those of :func:`torch2trt.convert`; all else is what ``DynamoConfig`` takes.  A size that varies needs
            a range in ``dynamic_shapes``.
    """

    export_format: str = "torch2trt"  # type: ignore[assignment]  # transformers' own have an enumeration
    settings: dict[str, Any] = field(default_factory=dict)


class TRTExporter(HfExporter):
    """Exports a model with ``torch.export`` as transformers does it, and converts that."""

    export_format = "torch2trt"
    config_class = TRTConfig
    program_suffix = ".trt"

    def export_program(
        self, model: PreTrainedModel, sample_inputs: MutableMapping[str, Any], config: Any
    ) -> tuple[torch2trt.TRTModule, ExportMetadata]:
        """The converted module of one graph, and what transformers notes of it."""
        exported, metadata = DynamoExporter().export_program(model, sample_inputs, config)
        return torch2trt.convert(exported, **config.settings), metadata

    @classmethod
    def save_program(cls, program: torch2trt.TRTModule, path: str | Path) -> None:
        """Write a converted module to a file."""
        program.save(path)

    @classmethod
    def load_program(cls, path: str | Path) -> torch2trt.TRTModule:
        """Read one, which runs no code of the file."""
        return torch2trt.load(path)


class TRTRunner(ModelRunner):
    """Runs what was exported, where the engine runs or on the reference interpreter."""

    def __init__(self, module: torch2trt.TRTModule, metadata: ExportMetadata) -> None:
        super().__init__(metadata)
        self.module = module

    @property
    def device(self) -> torch.device:
        """Where inputs should be."""
        return torch.device("cuda" if self.module.runtime == "engine" else "cpu")

    @classmethod
    def from_program(cls, program: torch2trt.TRTModule, metadata: ExportMetadata, device: Any = None) -> TRTRunner:
        """A runner; the module runs where its engine can."""
        return cls(program if device is None else program.to(device), metadata)

    def __call__(self, share_inputs: bool = True, share_outputs: bool = False, **kwargs: Any) -> Any:
        """What the model returns; inputs are read in place, and outputs are new tensors."""
        return self.module(**{**self.metadata.in_constants, **kwargs})


register_backend(TRTExporter, TRTRunner)
