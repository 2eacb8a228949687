"""The plugin of an operator, as TensorRT builds, keeps and runs it.

Only what needs TensorRT imports this module: its classes cannot be defined without.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils import _pytree as pytree

from .._trt import trt
from ..dtypes import short_name, to_torch, to_trt
from ..errors import EngineError
from .fields import attribute_fields, collection, named, value_of
from .memory import tensor_at
from .operator import Operator
from .sizes import Outputs, expressed


class OperatorPlugin(trt.IPluginV3, trt.IPluginV3OneCore, trt.IPluginV3OneBuild, trt.IPluginV3OneRuntime):
    """A layer that runs a PyTorch operator.

    Args:
        operator: the operator.
        attributes: those of its arguments that are no tensors.
        outputs: what it returns; None in an engine, which knows.
        device: the kind of memory that TensorRT's addresses are of; tests have some on the CPU.
    """

    def __init__(
        self, operator: Operator, attributes: Mapping[str, Any], outputs: Outputs | None = None, device: str = "cuda"
    ) -> None:
        for base in OperatorPlugin.__bases__:  # super() would reach the first alone
            base.__init__(self)  # type: ignore[misc]  # each of them, not that of one class
        self.plugin_name, self.plugin_namespace = operator.name, operator.namespace
        self.plugin_version = operator.version
        self.num_outputs = len(outputs.dtypes) if outputs else 0
        self.operator, self.attributes = operator, dict(attributes)
        self._outputs_if_built, self._device = outputs, device
        #: a collection of fields has no memory of its own
        self._fields = attribute_fields(attributes)

    def get_capability_interface(self, type: trt.PluginCapabilityType) -> OperatorPlugin:
        """The plugin is its own core, build and runtime."""
        return self

    def clone(self) -> OperatorPlugin:
        """TensorRT keeps clones of its own."""
        return OperatorPlugin(self.operator, self.attributes, self._outputs_if_built, self._device)

    def get_output_data_types(self, input_types: Sequence[trt.DataType]) -> list[trt.DataType]:
        """Those that the fake kernel gives for the dtypes of the captured call."""
        outputs = self._outputs
        if (given := tuple(map(to_torch, input_types))) != outputs.given:
            raise EngineError(f"{self.plugin_name} was captured with {_named(outputs.given)}, not {_named(given)}")
        return [to_trt(dtype) for dtype in outputs.dtypes]

    def get_output_shapes(
        self, inputs: Sequence[trt.DimsExprs], shape_inputs: Sequence[trt.DimsExprs], builder: trt.IExprBuilder
    ) -> list[trt.DimsExprs]:
        """The sizes that the fake kernel gives, as expressions of those of the inputs."""
        every = [[expressed(size, inputs, builder) for size in sizes] for sizes in self._outputs.sizes]
        return [trt.DimsExprs(sizes) for sizes in every]

    def supports_format_combination(
        self, position: int, tensors: Sequence[trt.DynamicPluginTensorDesc], num_inputs: int
    ) -> bool:
        """Dense tensors of the captured dtypes alone."""
        description = tensors[position].desc
        wanted = (*self._outputs.given, *self._outputs.dtypes)[position]
        return bool(description.format == trt.TensorFormat.LINEAR and description.type == to_trt(wanted))

    def configure_plugin(self, inputs: Any, outputs: Any) -> None:
        """Nothing is prepared."""

    def get_workspace_size(self, inputs: Any, outputs: Any) -> int:
        """PyTorch has memory of its own."""
        return 0

    def get_valid_tactics(self) -> list[int]:
        """There is one way to run it."""
        return []

    def set_tactic(self, tactic: int) -> None:
        """There is one way to run it."""

    def get_fields_to_serialize(self) -> Any:
        """The attributes; the creator makes the plugin of them again."""
        return collection(self._fields)

    def on_shape_change(self, inputs: Any, outputs: Any) -> None:
        """The operator sees the sizes at every call."""

    def attach_to_context(self, context: Any) -> OperatorPlugin:
        """A plugin for one execution context."""
        return self.clone()

    def enqueue(
        self,
        input_desc: Sequence[trt.PluginTensorDesc],
        output_desc: Sequence[trt.PluginTensorDesc],
        inputs: Sequence[int],
        outputs: Sequence[int],
        workspace: int,
        stream: int,
    ) -> None:
        """Run the operator on TensorRT's memory and stream; its results alone are copied to where TensorRT has them."""
        device = self._device
        on_stream: Any = contextlib.nullcontext()
        if device == "cuda":
            on_stream = torch.cuda.stream(torch.cuda.ExternalStream(stream))
        with on_stream:
            results = self.evaluate(*map(_tensor, inputs, input_desc, [device] * len(inputs)))
            places = list(map(_tensor, outputs, output_desc, [device] * len(outputs)))
            if [*map(_kind, results)] != [*map(_kind, places)]:  # which a copy would broadcast or cast
                raise EngineError(
                    f"{self.plugin_namespace}::{self.plugin_name} returned {[*map(_kind, results)]}, its fake kernel "
                    f"says {[*map(_kind, places)]}"
                )
            for place, result in zip(places, results, strict=True):
                place.copy_(result)

    def evaluate(self, *tensors: torch.Tensor) -> list[torch.Tensor]:
        """What the operator returns; the reference interpreter calls this too."""
        args, kwargs = self.operator.joined(tensors, self.attributes)
        with torch.no_grad():
            return pytree.tree_leaves(self.operator.overload(*args, **kwargs))

    @property
    def _outputs(self) -> Outputs:
        outputs = self._outputs_if_built
        if outputs is None:
            raise EngineError(f"{self.plugin_name} was made of an engine's fields, which do not say how to build it")
        return outputs


class OperatorCreator(trt.IPluginCreatorV3One):
    """Makes the plugins of one operator when an engine is loaded; its converter makes those of a network."""

    def __init__(self, operator: Operator) -> None:
        trt.IPluginCreatorV3One.__init__(self)
        self.name, self.plugin_namespace, self.plugin_version = operator.name, operator.namespace, operator.version
        self.operator = operator
        self._fields = [named(name) for name in operator.attributes]
        self.field_names = collection(self._fields)

    def create_plugin(self, name: str, fields: Any, phase: trt.TensorRTPhase) -> OperatorPlugin:
        """The plugin that has these fields."""
        operator = self.operator
        return OperatorPlugin(operator, {f.name: operator.from_numbers(f.name, value_of(f)) for f in fields})


def _tensor(address: int, description: trt.PluginTensorDesc, device: str) -> torch.Tensor:
    where = torch.device("cuda", torch.cuda.current_device()) if device == "cuda" else torch.device(device)
    return tensor_at(address, tuple(description.dims), to_torch(description.type), where)


def _kind(tensor: torch.Tensor) -> tuple[str, list[int]]:
    return short_name(tensor.dtype), list(tensor.shape)


def _named(dtypes: Sequence[torch.dtype]) -> str:
    return ", ".join(map(short_name, dtypes))
