"""The model of a repository that ``torch2trt serve-repository`` wrote, as NVIDIA Triton's Python backend runs it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch2trt
import triton_python_backend_utils as pb_utils
from torch2trt.serving import Served


class TritonPythonModel:
    """One instance: a process of its own, with the module on the CPU or on one GPU."""

    def initialize(self, args: Mapping[str, str]) -> None:
        """Load the file; what is raised here keeps Triton from serving the model."""
        on_gpu = args["model_instance_kind"] == "GPU"
        if on_gpu:
            torch.cuda.set_device(int(args["model_instance_device_id"]))
        file = Path(args["model_repository"], args["model_version"], "model.trt")
        rows = json.loads(args["model_config"])["max_batch_size"]
        self.served = Served(torch2trt.load(file), "cuda" if on_gpu else "cpu", rows)
        self.ranks = {tensor.name: len(tensor.sizes) for tensor in self.served.interface.inputs}

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """The responses to requests that Triton gathered; an error is that of one request."""
        answers = self.served.together([self._tensors(request) for request in requests])
        if torch.cuda.is_initialized():
            torch.cuda.current_stream().synchronize()  # Triton reads on a stream of its own
        return [self._response(*pair) for pair in zip(requests, answers, strict=True)]

    def _tensors(self, request: Any) -> dict[str, torch.Tensor]:
        given = {tensor.name(): torch.utils.dlpack.from_dlpack(tensor.to_dlpack()) for tensor in request.inputs()}
        # what has no dimension, or none beside that of the rows, has one of one element in Triton
        return {name: tensor.reshape(tensor.shape[: self.ranks[name]]) for name, tensor in given.items()}

    def _response(self, request: Any, answer: Mapping[str, torch.Tensor] | Exception) -> Any:
        if isinstance(answer, Exception):
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(f"{type(answer).__name__}: {answer}"))
        tensors = []
        for name in request.requested_output_names():
            tensor = answer[name].contiguous()
            shaped = tensor if tensor.dim() > (self.served.rows > 0) else tensor.unsqueeze(-1)
            tensors.append(pb_utils.Tensor.from_dlpack(name, shaped))
        return pb_utils.InferenceResponse(tensors)
