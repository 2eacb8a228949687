"""Running an engine on a GPU."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import torch

from .. import log
from .._trt import trt
from ..cache.store import Store
from ..dtypes import to_torch
from ..errors import EngineError, InputError
from ..program.profiles import Choice, first_holding
from .capturing import dense
from .engine import Engine, deserialized, ranges_in_profiles, why_not_loadable
from .graphs import Graphs, graph_of
from .kernels import Kernels
from .lanes import Lanes
from .scratch import block_for_graphs, give
from .streaming import stream_weights
from .streams import OwnStream, bindings

_CAPTURED: Final = "call the converted module once in this thread before you capture it in a CUDA graph"


@dataclass(slots=True)
class _Profile:
    """An execution context of one optimization profile."""

    context: Any
    scratch_size: int
    #: what it runs beside the stream that it is queued on
    streams: list[OwnStream]
    #: scratch memory of the context for what somebody else queues with it
    own: torch.Tensor | None = None


@dataclass(frozen=True, slots=True)
class _Lane:
    """What calls of one thread on one stream have for themselves: what they queue is done in order."""

    graphs: Graphs
    #: as far as they were called
    profiles: dict[int, _Profile] = field(default_factory=dict)


class Session:
    """A deserialized engine; one execution context for each thread and stream.

    Outputs and scratch memory are allocated by PyTorch.  Work is queued on PyTorch's current stream; nothing waits for
    the GPU, except for an input whose values decide sizes: TensorRT reads these in host memory, so give them on the
    CPU.  Shapes that come back run as CUDA graphs, but not in a graph that the caller captures: there the engine is
    queued as it is.

    Args:
        engine: the engine.
        numbers: the inputs whose values the model reads, which may be on the CPU.
        store: where the kernels that TensorRT for RTX compiles are kept; None keeps none.
        graphs: whether shapes that come back run as CUDA graphs.
    """

    kind = "engine"

    def __init__(
        self, engine: Engine, numbers: Collection[str] = (), store: Store | None = None, graphs: bool = True
    ) -> None:
        if not torch.cuda.is_available():
            raise EngineError("an engine needs an NVIDIA GPU, and PyTorch sees none here")
        if reason := why_not_loadable(engine.flavor, engine.version):
            raise EngineError(f"the engine cannot be loaded: {reason}")
        self.engine: Any = engine.loaded or deserialized(engine.serialized)
        budget = engine.setting("weight_streaming")
        streams = budget is not None and stream_weights(self.engine, budget)
        names = [self.engine.get_tensor_name(index) for index in range(self.engine.num_io_tensors)]
        self._inputs = [name for name in names if self.engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT]
        self._outputs = [name for name in names if name not in self._inputs]
        self._dtypes = {name: to_torch(self.engine.get_tensor_dtype(name)) for name in self._outputs}
        self._numbers = frozenset(numbers)
        self._index = torch.cuda.current_device()
        self.device = torch.device("cuda", self._index)
        specialization = engine.setting("kernel_specialization")
        self._kernels = Kernels(self.engine, engine, store, self.device, specialization)
        changing = specialization == "lazy"
        self._lanes = Lanes(self._index, lambda: _Lane(Graphs(self._static, changing)))
        self._first_holding: Choice | None = None
        if self.engine.num_optimization_profiles > 1:
            profiles = zip(*(ranges_in_profiles(self.engine, name) for name in self._inputs), strict=True)
            self._first_holding = first_holding(list(profiles))
        on_host = (name for name in names if self.engine.get_tensor_location(name) == trt.TensorLocation.HOST)
        self._devices = {**dict.fromkeys(names, self.device), **dict.fromkeys(on_host, torch.device("cpu"))}
        # what TensorRT reads or writes in host memory waits for the GPU; of streamed weights it does not say
        self._graphs = graphs and not streams and not self._numbers and set(self._devices.values()) == {self.device}
        self._static = all(-1 not in tuple(self.engine.get_tensor_shape(name)) for name in self._inputs)
        # TensorRT wants an address for an empty tensor too
        self._byte = torch.empty(1, dtype=torch.uint8, device=self.device)
        self._empty_address = self._byte.data_ptr()
        # TensorRT synchronizes around every call on the default stream
        self._side_stream = torch.cuda.Stream(self.device)

    @property
    def context(self) -> Any:
        """The execution context of this thread and PyTorch's current stream, with scratch memory of its own.

        Of several profiles it has the first.
        """
        profile = self._profile(self._lane(False), 0, False)
        if profile.own is None:
            profile.own = self._scratch(profile)
            give(profile.context, profile.own, self._empty_address)
        return profile.context

    def __call__(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Run the engine.

        Args:
            tensors: the inputs by name, on the engine's GPU, checked against the signature; those whose values the
                model reads may be on the CPU.

        Returns:
            the outputs by name, new tensors.
        """
        for name, tensor in tensors.items():
            if tensor.get_device() != self._index and not (name in self._numbers and tensor.device.type == "cpu"):
                raise InputError(
                    f"input {name!r} is on {tensor.device}, the engine runs on {self.device}; move it with .to()"
                )
        capturing = torch.cuda.is_current_stream_capturing()
        lane = self._lane(capturing)
        if self._graphs and not capturing:
            shapes = () if self._static else self._shapes(tensors)
            graph = lane.graphs(shapes, lambda beside: self._capture(self._chosen(lane, tensors), tensors, beside))
            found: dict[str, torch.Tensor] | None = None if graph is None else graph(tensors)
            if found is not None:
                return found
        outputs = self._beside_default_stream(self._chosen(lane, tensors, capturing), tensors)
        if not capturing:
            self._kernels.ran()
        return outputs

    def _beside_default_stream(self, profile: _Profile, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Queue the engine on another stream where the current one is the default, and let both wait."""
        current = torch.cuda.current_stream(self.device)
        scratch = self._scratch(profile)
        if current != torch.cuda.default_stream(self.device):
            return self._enqueue(profile, tensors, scratch)
        self._side_stream.wait_stream(current)
        try:
            with torch.cuda.stream(self._side_stream):
                outputs = self._enqueue(profile, tensors, scratch)
        finally:  # the scratch memory is the current stream's, which others get as soon as it waits
            current.wait_stream(self._side_stream)
        for tensor in (*tensors.values(), *outputs.values()):
            if tensor.device != self.device:
                continue
            # both streams use it: the allocator must not hand its memory on before they are done
            tensor.record_stream(self._side_stream)
            tensor.record_stream(current)
        return outputs

    def _enqueue(
        self, profile: _Profile, tensors: Mapping[str, torch.Tensor], scratch: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Queue the engine on the current stream; ``scratch`` is memory that nothing else writes until it is done."""
        context, stream = profile.context, torch.cuda.current_stream(self.device)
        with log.record_errors() as messages:
            inputs = {name: dense(tensors[name].to(self._devices[name])) for name in self._inputs}
            for name, tensor in inputs.items():
                context.set_input_shape(name, tuple(tensor.shape))
                context.set_tensor_address(name, self._address(tensor))
            outputs: dict[str, torch.Tensor] = {}
            for name in self._outputs:
                shape = tuple(context.get_tensor_shape(name))
                outputs[name] = torch.empty(shape, dtype=self._dtypes[name], device=self._devices[name])
                context.set_tensor_address(name, self._address(outputs[name]))
            give(context, scratch, self._empty_address)
            if profile.streams:  # TensorRT's own wait for the default stream, which nobody could use in a capture
                context.set_aux_streams([own.stream.cuda_stream for own in profile.streams])
            if not context.execute_async_v3(stream.cuda_stream):
                raise EngineError("TensorRT could not run the engine:" + log.format_messages(messages))
            if profile.own is not None:
                give(context, profile.own, self._empty_address)
        if any(tensor.device != self.device for tensor in outputs.values()):
            stream.synchronize()  # before anybody reads what is in host memory
        return {name: tensor.to(self.device) for name, tensor in outputs.items()}

    def _capture(self, profile: _Profile, tensors: Mapping[str, torch.Tensor], beside: Any) -> Any:
        block = block_for_graphs(profile.scratch_size, self.device)
        graph = graph_of(lambda own: self._enqueue(profile, own, block.memory), tensors, self.device, beside)
        graph.captured.block = block
        return graph

    def _scratch(self, profile: _Profile) -> torch.Tensor:
        """Memory for one call: in a capture the graph's, else the current stream's for as long as something has it."""
        return torch.empty(profile.scratch_size, dtype=torch.uint8, device=self.device)

    def _shapes(self, tensors: Mapping[str, torch.Tensor]) -> tuple[torch.Size, ...]:
        return tuple(tensors[name].shape for name in self._inputs)

    def _chosen(self, lane: _Lane, tensors: Mapping[str, torch.Tensor], capturing: bool = False) -> _Profile:
        """The first profile that holds the sizes of a call."""
        index = 0 if self._first_holding is None else self._first_holding(self._shapes(tensors))
        if index is None:  # which the signature refuses, where there is one
            raise InputError(f"the sizes {self._shapes(tensors)} are in none of the engine's profiles")
        return self._profile(lane, index, capturing)

    def _profile(self, lane: _Lane, index: int, capturing: bool) -> _Profile:
        profile = lane.profiles.get(index)
        if profile is None:
            if capturing:
                raise EngineError(f"{_CAPTURED}, with sizes of the same profile")
            size = int(self.engine.get_device_memory_size_for_profile_v2(index))
            # which must be different ones: without bindings TensorRT has its own
            streams = [OwnStream(self.device) for _ in range(self.engine.num_aux_streams)] if bindings() else []
            profile = lane.profiles[index] = _Profile(self._kernels.new_context(index), size, streams)
        return profile

    def _address(self, tensor: torch.Tensor) -> int:
        return tensor.data_ptr() or self._empty_address

    def _lane(self, capturing: bool) -> _Lane:
        """That of this thread and the current stream; of a stream that is captured, that of the last call before."""
        lane = self._lanes.current(capturing)
        if lane is None:
            raise EngineError(_CAPTURED)
        return lane
