"""Engines, and what PyTorch runs between them, as one CUDA graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch.utils import _pytree as pytree

from ..program.call import Call
from ..program.values import is_of_sizes
from .graphs import Graphs, graph_of
from .hybrid import HybridRunner
from .lanes import Lanes
from .parts import EnginePart, Hybrid

#: with a mask for an index they count what it selects
_MASKED: Final = ("index", "_unsafe_index", "index_put", "_index_put_impl", "_unsafe_index_put")
_TAGS: Final = (torch.Tag.dynamic_output_shape, torch.Tag.data_dependent_output)
#: operators of which PyTorch tells that they are simple, and products, which it takes apart
_SIMPLE: Final = (torch.Tag.core, torch.Tag.pointwise)
#: other results are numbers, for the host
_TENSORS: Final = ("Tensor", "List[Tensor]")
_PRODUCTS: Final = ("linear", "matmul", "conv1d", "conv2d", "conv3d", "scaled_dot_product_attention", "layer_norm")
#: what is not tagged, and is kernels and nothing else too
_KERNELS: Final = (
    *("hardswish", "prelu", "max", "min", "var_mean", "cumprod", "roll", "replication_pad1d", "_int_mm"),
    *("adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool2d", "adaptive_max_pool3d"),
    *("upsample_nearest1d", "upsample_nearest3d", "upsample_linear1d", "upsample_trilinear3d", "upsample_bicubic2d"),
    *("fake_quantize_per_tensor_affine", "fake_quantize_per_channel_affine"),
)


def may_be_captured(hybrid: Hybrid) -> bool:
    """Whether nothing between the inputs and the outputs waits for the GPU, as far as that is known.

    A capture that fails would leave PyTorch's allocator in a state of which it says nothing.
    """
    return not any(
        bool(part.numbers) or part.streams or any(spec.values for spec in part.inputs.values())
        if isinstance(part, EnginePart)
        else any(_may_wait(call, hybrid.device) for call in part.calls)
        for part in hybrid.parts
    )


def _may_wait(call: Call, device: torch.device) -> bool:
    overload = call.target.overload
    if overload is None or is_of_sizes(call.target):
        return not is_of_sizes(call.target)  # but a subprogram, a function or a module that stays whole may
    tags, name = overload.tags, overload._opname
    if name in _MASKED:
        return _may_have_mask(call)
    if any(tag in tags for tag in _TAGS) or getattr(torch.Tag, "cudagraph_unsafe", None) in tags:
        return True
    moves = any(isinstance(leaf, torch.device) and leaf != device for leaf in pytree.tree_leaves(call.operands))
    if moves or any(str(result.type) not in _TENSORS for result in overload._schema.returns):
        return True
    if overload.namespace != "aten":
        return overload.namespace in ("torchvision", "prims")
    is_view = any(result.alias_info is not None for result in overload._schema.returns)
    return not (is_view or name in (*_PRODUCTS, *_KERNELS) or any(tag in tags for tag in _SIMPLE))


def _may_have_mask(call: Call) -> bool:
    indices = [leaf for leaf in pytree.tree_leaves(call.args[1:2]) if isinstance(leaf, torch.Tensor)]
    return not indices or any(index.dtype in (torch.bool, torch.uint8) for index in indices)  # a file has no dtypes


class WholeGraph:
    """A runner of several parts that runs as a CUDA graph for shapes that come back.

    Args:
        runner: runs the parts; no graphs of their own.
        static: whether the inputs have one shape only.
    """

    def __init__(self, runner: HybridRunner, static: bool) -> None:
        self.kind = runner.kind
        self._runner, self._static = runner, static
        self._lanes: dict[int, Lanes[Graphs]] = {}

    def __call__(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The outputs by name, new tensors."""
        device = next(iter(tensors.values())).device if tensors else torch.device("cpu")
        alike = all(tensor.device == device for tensor in tensors.values())
        if device.type != "cuda" or not alike or torch.cuda.is_current_stream_capturing():
            return self._runner(tensors)
        lanes = self._lanes.get(device.index)
        if lanes is None:
            lanes = self._lanes.setdefault(device.index, Lanes(device.index, lambda: Graphs(self._static)))
        graphs: Any = lanes.current()
        shapes = () if self._static else tuple(tensor.shape for tensor in tensors.values())
        graph = graphs(shapes, lambda beside: self._capture(tensors, device, beside))
        found: dict[str, torch.Tensor] | None = None if graph is None else graph(tensors)
        return self._runner(tensors) if found is None else found

    def _capture(self, tensors: Mapping[str, torch.Tensor], device: torch.device, beside: Any) -> Any:
        # each engine is queued by what it has for its last call, which has to be one of this stream; and inductor
        # compiles for tensors of inference mode apart, which those of a capture are not
        with torch.inference_mode(False):
            self._runner({name: tensor.detach().clone() for name, tensor in tensors.items()})
        return graph_of(self._runner, tensors, device, beside)
