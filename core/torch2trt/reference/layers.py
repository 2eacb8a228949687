"""Read an ``INetworkDefinition`` into plain dataclasses: values, and the layers that compute them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from .._trt import require, trt
from .dtypes import torch_dtype
from .errors import InterpreterError

#: the Python class of each layer type; a type's layer is read through it
_CLASSES = {
    "CONVOLUTION": "IConvolutionLayer",
    "GRID_SAMPLE": "IGridSampleLayer",
    "NMS": "INMSLayer",
    "ACTIVATION": "IActivationLayer",
    "POOLING": "IPoolingLayer",
    "LRN": "ILRNLayer",
    "SCALE": "IScaleLayer",
    "SOFTMAX": "ISoftMaxLayer",
    "DECONVOLUTION": "IDeconvolutionLayer",
    "CONCATENATION": "IConcatenationLayer",
    "ELEMENTWISE": "IElementWiseLayer",
    "UNARY": "IUnaryLayer",
    "PADDING": "IPaddingLayer",
    "SHUFFLE": "IShuffleLayer",
    "REDUCE": "IReduceLayer",
    "TOPK": "ITopKLayer",
    "GATHER": "IGatherLayer",
    "MATRIX_MULTIPLY": "IMatrixMultiplyLayer",
    "CONSTANT": "IConstantLayer",
    "CAST": "ICastLayer",
    "SLICE": "ISliceLayer",
    "RESIZE": "IResizeLayer",
    "TRIP_LIMIT": "ITripLimitLayer",
    "RECURRENCE": "IRecurrenceLayer",
    "ITERATOR": "IIteratorLayer",
    "LOOP_OUTPUT": "ILoopOutputLayer",
    "ASSERTION": "IAssertionLayer",
    "FILL": "IFillLayer",
    "QUANTIZE": "IQuantizeLayer",
    "DEQUANTIZE": "IDequantizeLayer",
    "CONDITION": "IConditionLayer",
    "CONDITIONAL_INPUT": "IIfConditionalInputLayer",
    "CONDITIONAL_OUTPUT": "IIfConditionalOutputLayer",
    "SCATTER": "IScatterLayer",
    "EINSUM": "IEinsumLayer",
    "ONE_HOT": "IOneHotLayer",
    "NON_ZERO": "INonZeroLayer",
    "REVERSE_SEQUENCE": "IReverseSequenceLayer",
    "NORMALIZATION": "INormalizationLayer",
    "CUMULATIVE": "ICumulativeLayer",
    "DYNAMIC_QUANTIZE": "IDynamicQuantizeLayer",
    "ATTENTION_INPUT": "IAttentionInputLayer",
    "ATTENTION_OUTPUT": "IAttentionOutputLayer",
    "ROTARY_EMBEDDING": "IRotaryEmbeddingLayer",
    "KV_CACHE_UPDATE": "IKVCacheUpdateLayer",
    "PLUGIN_V3": "IPluginV3Layer",
}


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """One tensor of the network.

    ``shape`` has -1 where an extent is dynamic and is None where TensorRT could not infer it.  ``host`` means that
    TensorRT computes the tensor on the CPU, because shapes depend on it.
    """

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...] | None
    host: bool
    tensor: Any = field(repr=False)

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        if self.shape is None:
            raise InterpreterError(f"TensorRT infers no shape for tensor {self.name!r}; its log says why")
        return len(self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One layer: ``layer`` has been cast to the class of its type; absent optional inputs are None."""

    index: int
    name: str
    kind: str
    metadata: str
    layer: Any = field(repr=False)
    inputs: tuple[Value | None, ...]
    outputs: tuple[Value, ...]

    def input(self, index: int) -> Value | None:
        """Input ``index``, or None if it is not set."""
        return self.inputs[index] if index < len(self.inputs) else None

    def required(self, index: int) -> Value:
        """Input ``index``; an error if it is not set."""
        value = self.input(index)
        if value is None:
            raise InterpreterError(f"{self} has no input {index}")
        return value

    def __str__(self) -> str:
        made_by = f", made by {self.metadata}" if self.metadata else ""
        return f"layer {self.name!r} ({self.kind}{made_by})"


@dataclass(frozen=True, slots=True)
class Layers:
    """All layers in the network's own order, which need not be topological, with the network's inputs and outputs."""

    nodes: tuple[Node, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]


def dims(value: Any) -> tuple[int, ...] | None:
    """A ``trt.Dims`` as a tuple; None if it is unset, given by a tensor, or could not be inferred."""
    try:
        return tuple(value)
    except (ValueError, TypeError):  # nbDims < 0; None
        return None


def read_layers(network: Any) -> Layers:
    """Read every layer and tensor of an ``INetworkDefinition`` once."""
    require()
    reader = _Reader()
    nodes = tuple(reader.node(i, network.get_layer(i)) for i in range(network.num_layers))
    inputs = tuple(reader.value(network.get_input(i)) for i in range(network.num_inputs))
    outputs = tuple(reader.value(network.get_output(i)) for i in range(network.num_outputs))
    return Layers(nodes, inputs, outputs)


class _Reader:
    """Makes one :class:`Value` per tensor.

    A tensor keeps its Python wrapper while the wrapper is referenced.  Each value references its tensor's wrapper, so
    the wrapper's id identifies the tensor.
    """

    def __init__(self) -> None:
        self._values: dict[int, Value] = {}

    def value(self, tensor: Any) -> Value:
        known = self._values.get(id(tensor))
        if known is None:
            try:
                shape = dims(tensor.shape)
            except RuntimeError:  # an invalid layer; TensorRT has logged why
                shape = None
            known = Value(tensor.name, torch_dtype(tensor.dtype), shape, bool(tensor.is_shape_tensor), tensor)
            self._values[id(tensor)] = known
        return known

    def node(self, index: int, layer: Any) -> Node:
        kind = trt.ILayer.type.__get__(layer).name  # some classes hide it behind an attribute of the same name
        name, metadata = layer.name, layer.metadata
        inputs = [layer.get_input(i) for i in range(layer.num_inputs)]
        outputs = [layer.get_output(i) for i in range(layer.num_outputs)]
        if kind in _CLASSES and hasattr(trt, _CLASSES[kind]):
            layer.__class__ = getattr(trt, _CLASSES[kind])
        return Node(
            index,
            name,
            kind,
            metadata,
            layer,
            _trimmed([None if t is None else self.value(t) for t in inputs]),
            tuple(self.value(t) for t in outputs if t is not None),
        )


def _trimmed(values: Sequence[Value | None]) -> tuple[Value | None, ...]:
    end = len(values)
    while end and values[end - 1] is None:
        end -= 1
    return tuple(values[:end])
