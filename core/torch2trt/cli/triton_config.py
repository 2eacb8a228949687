"""What NVIDIA Triton is told of a converted module: the text of its ``config.pbtxt``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from ..errors import InputError
from ..serving.tensors import Interface, Tensor
from .common import templates

#: Triton's names of PyTorch's dtypes
DTYPES: Final = {
    "bool": "BOOL",
    "float16": "FP16",
    "bfloat16": "BF16",
    "float32": "FP32",
    "float64": "FP64",
    **{f"{sign}int{bits}": f"{sign}int{bits}".upper() for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


def config_of(name: str, interface: Interface, rows: int | None, instances: int, on_gpu: bool) -> dict[str, Any]:
    """The configuration of a model, as plain values.

    Args:
        name: the model's.
        interface: what clients send and get.
        rows: the most rows that Triton gathers of several requests, 0 for none; None for as many as a call takes.
        instances: how many processes run it, on each GPU or on the CPU.
        on_gpu: whether it is run there.

    Raises:
        InputError: its requests cannot be gathered, or Triton has no such tensors.
    """
    most = interface.most_rows(rows)
    tensors = {"inputs": interface.inputs, "outputs": interface.outputs}
    described = {kind: [_described(one, most > 0) for one in some] for kind, some in tensors.items()}
    return {"name": name, "rows": most, **described, "instances": instances, "kind": "GPU" if on_gpu else "CPU"}


def text_of(config: Mapping[str, Any]) -> str:
    """A configuration as ``config.pbtxt`` has it."""
    environment = templates("triton")
    environment.filters["quoted"] = lambda text: json.dumps(text, ensure_ascii=False)
    return environment.get_template("config.pbtxt.jinja").render(config)


def _described(tensor: Tensor, in_rows: bool) -> dict[str, Any]:
    if tensor.dtype not in DTYPES:
        raise InputError(f"{tensor.name!r} is {tensor.dtype}, which Triton has not; cast it in the model")
    sizes = [-1 if size is None else size for size in tensor.sizes[in_rows:]]
    # Triton has no tensors without a dimension: clients see one of one element, beside that of the rows
    return {"name": tensor.name, "dtype": DTYPES[tensor.dtype], "dims": sizes or [1]}
