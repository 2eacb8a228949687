"""Build an engine of a generated network and execute it once on this machine's GPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from generated.base import TRT_TYPES, Case
from torch2trt._trt import trt

TORCH_TYPES = {name: dtype for dtype, name in TRT_TYPES.items()}


class Log(trt.ILogger):  # type: ignore[misc]
    """Keeps the errors."""

    def __init__(self) -> None:
        trt.ILogger.__init__(self)
        self.messages: list[str] = []

    def log(self, severity: Any, message: str) -> None:
        if int(severity) <= int(trt.ILogger.Severity.ERROR):
            self.messages.append(message)


class Allocator(trt.IOutputAllocator):  # type: ignore[misc]
    """Holds one output, whose extents may be known only after it has been computed."""

    def __init__(self) -> None:
        trt.IOutputAllocator.__init__(self)
        self.buffer = torch.empty(1, dtype=torch.uint8, device="cuda")
        self.shape: tuple[int, ...] = ()

    def reallocate_output_async(self, name: str, memory: int, size: int, alignment: int, stream: int) -> int:
        if size > self.buffer.numel():
            self.buffer = torch.empty(size, dtype=torch.uint8, device="cuda")
        return self.buffer.data_ptr()

    def reallocate_output(self, name: str, memory: int, size: int, alignment: int) -> int:
        return self.reallocate_output_async(name, memory, size, alignment, 0)

    def notify_shape(self, name: str, shape: Any) -> None:
        self.shape = tuple(shape)

    def tensor(self, dtype: torch.dtype) -> torch.Tensor:
        count = dtype.itemsize
        for extent in self.shape:
            count *= extent
        if count == 0:
            return torch.empty(self.shape, dtype=dtype, device="cuda")
        return self.buffer[:count].view(dtype).reshape(self.shape)


def build_engine(builder: Any, network: Any, case: Case) -> Any:
    """The serialized engine, or None if TensorRT refuses."""
    config = builder.create_builder_config()
    config.clear_flag(trt.BuilderFlag.TF32)
    if case.profile or case.shape_inputs:
        profile = builder.create_optimization_profile()
        for name, shapes in case.profile.items():
            profile.set_shape(name, *shapes)
        for name, ranges in case.shape_inputs.items():
            profile.set_shape_input(name, *ranges)
        config.add_optimization_profile(profile)
    return builder.build_serialized_network(network, config)


def run_engine(engine: Any, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Execute once on a side stream; outputs on the CPU."""
    context = engine.create_execution_context()
    stream = torch.cuda.Stream()
    buffers: list[torch.Tensor] = []  # TensorRT gets addresses only
    allocators: dict[str, Allocator] = {}
    bound: dict[str, torch.Tensor] = {}
    given: dict[str, torch.Tensor] = {}
    names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
    for name in (n for n in names if engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT):
        host = engine.get_tensor_location(name) == trt.TensorLocation.HOST
        tensor = given[name] = inputs[name].clone().contiguous() if host else inputs[name].cuda().contiguous()
        buffers.append(tensor if tensor.numel() else torch.empty(16, dtype=torch.uint8, device=tensor.device))
        if not host or not engine.is_shape_inference_io(name):
            context.set_input_shape(name, tuple(tensor.shape))
        context.set_tensor_address(name, buffers[-1].data_ptr())
    for name in (n for n in names if engine.get_tensor_mode(n) == trt.TensorIOMode.OUTPUT):
        if aliased := engine.get_aliased_input_tensor(name):  # a cache is updated in place
            bound[name] = given[aliased]
            context.set_tensor_address(name, bound[name].data_ptr())
        elif engine.get_tensor_location(name) == trt.TensorLocation.HOST:
            dtype = TORCH_TYPES[engine.get_tensor_dtype(name).name]
            bound[name] = torch.empty(tuple(context.get_tensor_shape(name)), dtype=dtype)
            context.set_tensor_address(name, bound[name].data_ptr())
        else:
            allocators[name] = Allocator()
            context.set_output_allocator(name, allocators[name])
    stream.wait_stream(torch.cuda.current_stream())
    if not context.execute_async_v3(stream.cuda_stream):
        raise RuntimeError("execute_async_v3 failed")
    stream.synchronize()
    outputs = {n: a.tensor(TORCH_TYPES[engine.get_tensor_dtype(n).name]).cpu() for n, a in allocators.items()}
    return outputs | {name: tensor.cpu() for name, tensor in bound.items()}
