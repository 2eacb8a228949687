"""The operators that calls of a file may name: found by name, without an import, and none that reach out of PyTorch."""

from __future__ import annotations

import math
import operator
import re
from typing import Any, Final

import torch

from ..packs.brought import OWN
from ..packs.targets import describe
from ..program.call import Target

#: arithmetic on sizes and other numbers
_NUMBERS: Final = {
    describe(function).name: function
    for function in (
        *(operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow),
        *(operator.neg, operator.pos, operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge),
        *(operator.and_, operator.or_, operator.not_, operator.lshift, operator.rshift),
        *(math.ceil, math.floor, math.trunc, math.sqrt, math.exp, math.log, math.sin, math.cos, math.tan, math.tanh),
        *(torch.sym_float, torch.sym_int, torch.sym_ite, torch.sym_max, torch.sym_min, torch.sym_not, torch.sym_sum),
    )
}
#: operators that run programs
_RUN_PROGRAMS: Final = ("cond", "while_loop", "scan", "associative_scan", "map_impl")
#: PyTorch's other libraries of operators, for compilers, networks of machines and tests
_INTERNAL: Final = frozenset(
    [
        *("_c10d_functional", "_c10d_functional_autograd", "_dtensor", "_inductor_test", "_native", "_quantized"),
        *("_test", "c10d", "c10d_functional", "coor", "debug_mode_ops", "debugprims", "export", "flex_lib", "fsdp"),
        *("inductor", "inductor_prims", "mempool", "mkl", "mkldnn", "mkldnn_prepacked", "onednn", "onnx"),
        *("onnx_symbolic", "prim", "profiler", "quantization", "quantized", "rngprims", "sparse", "static_runtime"),
        *("streams", "symm_mem", "torch2trt"),
        # of other versions and builds
        *("_caffe2", "caffe2", "metal_prepack", "nvprims", "prepacked", "vulkan_prepack", "xnnpack"),
    ]
)
_NAME: Final = re.compile(r"([A-Za-z_]\w*)\.([A-Za-z_]\w*)\.([A-Za-z_]\w*)", re.ASCII)
#: of arguments that are names of files
_FILE: Final = "filename"


def operator_named(name: str) -> Target:
    """The operator of this name that is registered in this process.

    Raises:
        ValueError: there is none, or it is none that a file may name; with the reason and the cure.
    """
    if name in _NUMBERS:
        return Target(name, "operator", _NUMBERS[name])
    if name.removeprefix("higher_order.") in _RUN_PROGRAMS and name.startswith("higher_order."):
        return Target(name, "operator", getattr(torch.ops.higher_order, name.removeprefix("higher_order.")))
    if (parts := _NAME.fullmatch(name)) is None:
        raise ValueError(f"{name!r:.80} is no operator that a file may name")
    namespace, packet, overload = parts.groups()
    if namespace in _INTERNAL:
        raise ValueError(f"{name!r} is an operator for PyTorch's own use, which a file may not name")
    found = _overload(namespace, packet, overload)
    if found is None:
        raise ValueError(f"no operator {name!r} is registered here; import the package that defines it first")
    schema = found._schema
    if any(argument.name == _FILE for argument in schema.arguments) or (namespace in OWN and schema.is_mutable):
        raise ValueError(f"{name!r} is an operator that a file may not name")
    return Target(name, "operator", found)


def _overload(namespace: str, packet: str, overload: str) -> Any:
    """An overload that PyTorch dispatches: TorchScript has others, such as ``aten::save``."""
    try:
        torch._C._dispatch_find_schema_or_throw(f"{namespace}::{packet}", "" if overload == "default" else overload)
        return getattr(getattr(getattr(torch.ops, namespace), packet), overload)
    except (RuntimeError, AttributeError):
        return None
