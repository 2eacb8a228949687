"""Lowering: run the planned converters on a fresh network and verify every tensor that they return."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils import _pytree as pytree

from . import _trt, log
from ._trt import trt
from .call import Call
from .capture.program import fake, is_getitem
from .context import Constants, Context, is_runtime
from .dtypes import reason_unsupported, short_name, to_torch, to_trt
from .errors import ConversionError, Torch2TRTError, UnsupportedError
from .plan import Plan, PlannedCall, Segment
from .settings import Settings
from .signature import Signature

_UNNAMED = "(Unnamed Layer"


@dataclass(frozen=True)
class Network:
    """A finished network with all that must live as long as it."""

    builder: trt.Builder
    network: trt.INetworkDefinition
    constants: Constants
    signature: Signature


def lower(plan: Plan, settings: Settings) -> Network:
    """The network of a plan's engine segment.

    Raises:
        UnsupportedError: calls that no converter takes, all listed.
        ConversionError: a converter failed or returned what PyTorch would not.
    """
    plan.check()
    _trt.require()
    (segment,) = plan.segments
    with log.recorded() as messages:
        builder = trt.Builder(log.logger())
        network = builder.create_network(_strongly_typed())
        lowering = _Lowering(plan, segment, network, settings, messages)
        lowering.run()
    return Network(builder, network, lowering.constants, plan.program.signature)


def _strongly_typed() -> int:
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if flag is None else 1 << int(flag)


class _Lowering:
    """One pass over the nodes of a segment."""

    def __init__(
        self, plan: Plan, segment: Segment, network: trt.INetworkDefinition, settings: Settings, messages: list[str]
    ) -> None:
        self.plan, self.segment, self.network, self.settings = plan, segment, network, settings
        self.constants = Constants(network)
        self._messages = messages
        self._values: dict[torch.fx.Node, Any] = dict(plan.program.constants)
        self._layers_named: dict[str, int] = {}
        self._hook = plan.packs.hook.torch2trt_convert if plan.packs.implementers("torch2trt_convert") else None

    def run(self) -> None:
        signature = self.plan.program.signature
        for node, spec in zip(self.segment.inputs, signature.inputs, strict=True):
            if reason := reason_unsupported(fake(node).dtype):
                raise ConversionError(f"input {spec.name!r}: {reason}")
            self._values[node] = self.network.add_input(spec.name, to_trt(fake(node).dtype), spec.shape)
        for node in self.segment.nodes:
            if is_getitem(node):
                self._values[node] = self._values[node.args[0]][node.args[1]]  # type: ignore[index]
            else:
                self._values[node] = self._lower_call(node, self.plan.by_node[node])
        for node, name in zip(self.segment.outputs, signature.outputs, strict=True):
            self._mark_output(self._values[node], name)

    def _lower_call(self, node: torch.fx.Node, planned: PlannedCall) -> Any:
        args, kwargs = self.plan.program.arguments(node, self._values.__getitem__)
        if planned.action == "fold":
            with torch.no_grad():
                return node.target(*args, **kwargs)  # type: ignore[operator]
        context = Context(self.network, self.constants, planned.call, args, kwargs, self.settings)
        before = self.network.num_layers
        del self._messages[:]
        try:
            returned = self._convert(context, planned)
            results = self._verify(returned, planned.call, node)
        except Exception as error:
            raise self._error(error, context, planned) from error
        self._name_layers(before, planned)
        several = isinstance(fake(node), (tuple, list))
        return results if several else results[0]

    def _convert(self, context: Context, planned: PlannedCall) -> Any:
        if self._hook is not None:
            found = self._hook(ctx=context, call=planned.call)
            if found is not None:
                return found
        if planned.converter is None:
            raise UnsupportedError("; ".join(planned.reasons))
        return planned.converter.invoke(planned.converter.function, context, context.args, context.kwargs)

    def _verify(self, returned: Any, call: Call, node: torch.fx.Node) -> list[Any]:
        """The returned tensors, each held against PyTorch's own result.

        TensorRT hands back a layer even for impossible shapes; without this the blame would land many layers later.
        """
        expected = call.results
        found = pytree.tree_leaves(returned)
        if returned is None:
            raise ConversionError("it returned nothing; return the output tensor, for example layer.get_output(0)")
        if len(found) != len(expected):
            raise ConversionError(f"it returned {len(found)} tensors, PyTorch returns {len(expected)}")
        used = {user.args[1] for user in node.users if is_getitem(user)}
        for index, (tensor, want) in enumerate(zip(found, expected, strict=True)):
            if tensor is None and index not in used and len(expected) > 1:
                continue
            if reason := _mismatch(tensor, want):
                which = f"result {index}: " if len(expected) > 1 else ""
                raise ConversionError(which + reason)
        return found

    def _error(self, error: Exception, context: Context, planned: PlannedCall) -> Torch2TRTError:
        call, converter = planned.call, planned.converter
        kind = UnsupportedError if isinstance(error, UnsupportedError) else ConversionError
        why = str(error) if isinstance(error, Torch2TRTError) else f"{type(error).__name__}: {error}"
        lines = [
            f"{converter.name} (pack {converter.pack}, {converter.location}) failed"
            if converter
            else "no converter took a call",
            f"  target {call.target.name}   node {call.name}   in {call.where}",
            f"  got    {context.describe_arguments()}",
            f"  why    {why}",
        ]
        lines += [f"  TensorRT says: {message}" for message in self._messages]
        return kind("\n".join(lines))

    def _name_layers(self, before: int, planned: PlannedCall) -> None:
        """Name the layers that a call added and note in each where it comes from."""
        call, converter = planned.call, planned.converter
        prefix = f"{call.module_path}/{call.target.name}" if call.module_path else call.target.name
        origin = {"call": call.name, "target": call.target.name, "module": call.module_path, "source": call.source}
        if converter is not None:
            origin |= {"pack": str(converter.pack), "converter": converter.name, "converter_source": converter.location}
        metadata = json.dumps(origin)
        for index in range(before, self.network.num_layers):
            layer = self.network.get_layer(index)
            if layer.name.startswith(_UNNAMED):
                number = self._layers_named[prefix] = self._layers_named.get(prefix, -1) + 1
                layer.name = f"{prefix}#{number}"
            layer.metadata = metadata

    def _mark_output(self, value: Any, name: str) -> None:
        tensor: Any = value if is_runtime(value) else self.constants.tensor(torch.as_tensor(value))
        if not is_runtime(value) or tensor.is_network_input or tensor.is_network_output:
            # an engine's output is a tensor of its own, made when it runs
            tensor = self.network.add_identity(tensor).get_output(0)
        tensor.name = name
        self.network.mark_output(tensor)


def _mismatch(tensor: Any, want: Any) -> str | None:
    """How a returned tensor differs from PyTorch's result; None where it does not."""
    if not isinstance(want, (torch.Tensor, torch.SymInt)) or isinstance(tensor, int):
        return None
    shape: tuple[Any, ...] = tuple(want.shape) if isinstance(want, torch.Tensor) else ()
    dtype = want.dtype if isinstance(want, torch.Tensor) else torch.int64
    if not isinstance(tensor, (trt.ITensor, torch.Tensor)):
        return f"it returned a {type(tensor).__name__}, not a trt.ITensor"
    try:
        found = tuple(tensor.shape)
    except (ValueError, RuntimeError):  # which of the two depends on where TensorRT noticed
        return f"TensorRT cannot infer the shape of what it returned, PyTorch gives {_shape(shape)}"
    found_dtype = tensor.dtype if isinstance(tensor, torch.Tensor) else to_torch(tensor.dtype)
    if found_dtype != dtype:
        return f"dtype {short_name(found_dtype)}, PyTorch gives {short_name(dtype)}"
    fits = len(found) == len(shape) and all(
        a == b for a, b in zip(found, shape, strict=True) if isinstance(b, int) and a != -1
    )
    return None if fits else f"shape {_shape(found)}, PyTorch gives {_shape(shape)}"


def _shape(dims: Sequence[Any]) -> str:
    return f"({', '.join(map(str, dims))})"
