"""What TensorRT is given: a digest of a lowered network, for the key of its engine.

A converter may read the environment, call a library of another version, or be older in memory than its file is on disk.
So the key of a plan is not enough: the layers with their attributes are read back from the network.
"""

from __future__ import annotations

import enum
import functools
import hashlib
from collections.abc import Container, Iterator
from typing import Any, Final

import numpy as np
import torch

from .. import log
from .._trt import trt
from ..plan.plan import Plan
from ..reference.layers import Node, Value, dims, read_layers
from .key import constants_of, digest, engine_key
from .lower import Network

#: the attributes of layers that are written down as they are; loops and conditionals stand in the layers' order
_PLAIN: Final = (bool, int, float, str, enum.Enum, type(None))
#: what every layer has, and what is read with the tensors
_COMMON: Final = ("metadata", "name", "num_inputs", "num_outputs", "type")


def network_key(network: Network, plan: Plan) -> str:
    """:func:`engine_key` with the layers, their attributes and their tensors, and all weights."""
    made = hashlib.sha256(engine_key(plan, network.segment).encode())
    known = {_memory(plan.program.constants[name]) for name in constants_of(network.segment)}
    weights = {_memory(tensor): tensor for tensor in network.constants.dense.values()}
    for where, tensor in weights.items():
        if where not in known:  # a parameter as it is
            made.update(digest(tensor).encode())
    made.update(repr(network.constants.plugins).encode())
    addresses = {address for address, _ in known | weights.keys()}
    with log.record_errors():  # of attributes that are not set
        for node in read_layers(network.network).nodes:
            made.update(repr(list(parts(node, addresses))).encode())
    return made.hexdigest()


def parts(node: Node, known: Container[int]) -> Iterator[Any]:
    """What makes a layer; of its weights the digests, but of those at addresses that are known."""
    yield from (node.index, node.name, node.kind)
    yield [value and value.name for value in node.inputs]
    yield [_described(value) for value in node.outputs]
    for name in _attributes(node.layer.__class__):
        try:
            value = getattr(node.layer, name)
        except (RuntimeError, ValueError, TypeError):  # it is not set
            continue
        if isinstance(value, np.ndarray):
            if value.ctypes.data not in known:  # the core's own are digested once
                yield name, value.dtype, value.shape, hashlib.sha256(np.ascontiguousarray(value).data).hexdigest()
        elif isinstance(value, trt.Dims):
            yield name, dims(value)
        elif isinstance(value, _PLAIN):
            yield name, value
        else:
            yield name, type(value).__name__, _sequence(value)


def _described(value: Value) -> tuple[Any, ...]:
    return value.name, value.dtype, value.shape, value.host, value.tensor.is_network_output


def _sequence(value: Any) -> Any:
    """The members of a ``Permutation`` or a list; the name of what TensorRT's binding has no members of."""
    if hasattr(value, "__members__"):
        return str(value)
    return list(value) if hasattr(value, "__getitem__") else None


@functools.lru_cache
def _attributes(layer: type) -> list[str]:
    names = (name for name in dir(layer) if not name.startswith("_") and name not in _COMMON)
    return [name for name in names if isinstance(getattr(layer, name), property)]


def _memory(tensor: torch.Tensor) -> tuple[int, int]:
    return tensor.data_ptr(), tensor.nbytes
