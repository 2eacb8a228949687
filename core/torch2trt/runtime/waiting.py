"""Which calls of PyTorch wait for the GPU, so that no CUDA graph can have them."""

from __future__ import annotations

from typing import Final

import torch
from torch.utils import _pytree as pytree

from ..program.call import Call
from ..program.values import is_of_sizes

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
    *("hardswish", "prelu", "max", "min", "var_mean", "cumprod", "roll", "replication_pad1d", "_int_mm", "index_copy"),
    *("adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool2d", "adaptive_max_pool3d"),
    *("upsample_nearest1d", "upsample_nearest3d", "upsample_linear1d", "upsample_trilinear3d", "upsample_bicubic2d"),
    *("fake_quantize_per_tensor_affine", "fake_quantize_per_channel_affine"),
)


def may_wait(call: Call, device: torch.device) -> bool:
    """Whether a call may wait for the GPU, as far as that is known; ``device`` is where the program was traced."""
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
    return not indices or any(index.dtype in (torch.bool, torch.uint8) for index in indices)
