"""A TensorRT plugin that is written by hand: what ``@plugin`` writes for an operator, for those who need more.

Only the hook that registers it imports this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch2trt import tensor_at, trt

NAME, VERSION, NAMESPACE = "ScaledTanh", "1", "torch2trt_example"
#: the stubs do not know that the binding takes strings for its own kind of them
_Field: Any = trt.PluginField
_DTYPES = {trt.float32: torch.float32, trt.float16: torch.float16}


class ScaledTanh(trt.IPluginV3, trt.IPluginV3OneCore, trt.IPluginV3OneBuild, trt.IPluginV3OneRuntime):
    """``scale * tanh(x / scale)``, written to TensorRT's memory without another copy."""

    def __init__(self, scale: float) -> None:
        for base in (trt.IPluginV3, trt.IPluginV3OneCore, trt.IPluginV3OneBuild, trt.IPluginV3OneRuntime):
            base.__init__(self)
        self.plugin_name, self.plugin_version, self.plugin_namespace = NAME, VERSION, NAMESPACE
        self.num_outputs = 1
        self.scale = scale
        # a collection has no memory of its own
        self._fields = [_Field("scale", torch.tensor([scale]).numpy(), trt.PluginFieldType.FLOAT32)]

    def get_capability_interface(self, type: trt.PluginCapabilityType) -> ScaledTanh:
        """Say which object is the plugin's core, its build and its runtime."""
        return self

    def clone(self) -> ScaledTanh:
        """Make the copy that TensorRT keeps."""
        return ScaledTanh(self.scale)

    def get_output_data_types(self, input_types: list[trt.DataType]) -> list[trt.DataType]:
        """Return what is given."""
        return input_types

    def get_output_shapes(
        self, inputs: Sequence[trt.DimsExprs], shape_inputs: Any, builder: Any
    ) -> list[trt.DimsExprs]:
        """Return the sizes of the input."""
        return [trt.DimsExprs([inputs[0][axis] for axis in range(len(inputs[0]))])]

    def supports_format_combination(
        self, position: int, tensors: Sequence[trt.DynamicPluginTensorDesc], num_inputs: int
    ) -> bool:
        """Take dense tensors of one dtype."""
        here = tensors[position].desc
        return here.format == trt.TensorFormat.LINEAR and here.type in _DTYPES and here.type == tensors[0].desc.type

    def configure_plugin(self, inputs: Any, outputs: Any) -> None:
        """Prepare nothing."""

    def get_workspace_size(self, inputs: Any, outputs: Any) -> int:
        """Need no memory."""
        return 0

    def get_valid_tactics(self) -> list[int]:
        """Have one way to run."""
        return []

    def set_tactic(self, tactic: int) -> None:
        """Have one way to run."""

    def get_fields_to_serialize(self) -> Any:
        """Give what an engine keeps, of which the creator makes the plugin again."""
        return trt.PluginFieldCollection(self._fields)

    def on_shape_change(self, inputs: Any, outputs: Any) -> None:
        """See the sizes at every call."""

    def attach_to_context(self, context: Any) -> ScaledTanh:
        """Make the copy of one execution context."""
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
        """Queue the work on TensorRT's stream."""
        shape, dtype = tuple(input_desc[0].dims), _DTYPES[input_desc[0].type]
        device = torch.device("cuda", torch.cuda.current_device())
        with torch.cuda.stream(torch.cuda.ExternalStream(stream)), torch.no_grad():
            x = tensor_at(inputs[0], shape, dtype, device)
            out = tensor_at(outputs[0], shape, dtype, device)
            torch.div(x, self.scale, out=out).tanh_().mul_(self.scale)

    def evaluate(self, x: torch.Tensor) -> list[torch.Tensor]:
        """For the reference interpreter."""
        return [self.scale * torch.tanh(x / self.scale)]


class ScaledTanhCreator(trt.IPluginCreatorV3One):
    """Makes the plugin, for a network and for a saved engine alike."""

    def __init__(self) -> None:
        trt.IPluginCreatorV3One.__init__(self)
        self.name, self.plugin_version, self.plugin_namespace = NAME, VERSION, NAMESPACE
        self._fields = ScaledTanh(1.0)._fields
        self.field_names: Any = trt.PluginFieldCollection(self._fields)

    def create_plugin(self, name: str, fields: Any, phase: trt.TensorRTPhase) -> ScaledTanh:
        """Make the plugin of its fields."""
        (scale,) = [field.data[0] for field in fields if field.name == "scale"]
        return ScaledTanh(float(scale))


#: TensorRT does not keep it alive
creator = ScaledTanhCreator()
