"""Lowering: run the planned converters on a fresh network and verify every tensor that they return."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch.utils import _pytree as pytree

from .. import _trt, log
from .._trt import trt
from ..dtypes import carrier, to_trt, why_unsupported
from ..errors import ConversionError, Torch2TRTError
from ..packs.plugins import register_plugins
from ..plan.plan import Plan
from ..plan.planned import PlannedCall
from ..plan.segments import Segment
from ..program.call import Call, Ref
from ..program.memory import storage_of
from ..program.program import Program
from ..settings import Settings
from .context import Constants, Context, is_runtime
from .progress import counted
from .shape_inputs import check_shape_inputs
from .verify import verify

_UNNAMED: Final = "(Unnamed Layer"
#: what a layer's metadata keep of its call
_ORIGIN: Final = ("id", "name", "target", "module", "source", "pack", "converter", "converter_source")
#: how many copies of one output TensorRT for RTX 1.6.1 makes without leaving another one unwritten
_PLAIN_COPIES: Final = 2
#: more than one segment makes
_SEEDS: Final = 1 << 16
#: between the seeds of two draws, modulo 2**32: calls and draws rarely meet
_APART: Final = 0x3C6EF35F


@dataclass(frozen=True)
class Network:
    """A finished network with all that must live as long as it."""

    builder: trt.Builder
    network: trt.INetworkDefinition
    constants: Constants
    plan: Plan
    segment: Segment
    #: the tensors that the calls' results are
    results: Mapping[Ref, trt.ITensor]


def lower(plan: Plan, segment: Segment) -> Network:
    """The network of an engine segment of a plan.

    Raises:
        UnsupportedError: calls that no converter takes, all listed.
        ConversionError: a converter failed or returned what PyTorch would not.
    """
    plan.check()
    _trt.require()
    register_plugins(plan.packs)
    with log.record_errors() as messages:
        builder, network = new_network()
        lowering = _Lowering(network, plan.program, plan.settings, messages, _seeds_before(plan, segment))
        try:
            results = lowering.run(segment)
        finally:  # a converter that failed may have done so because of such an input
            check_shape_inputs(network, segment, plan.program)
        for ref, tensor in results.items():
            if ref.name in plan.breaks and not _crosses_already(tensor):
                # a name that comes of its layer's is lost in the engine
                tensor.name = tensor.name
                network.mark_output(tensor)
    return Network(builder, network, lowering.constants, plan, segment, results)


def _seeds_before(plan: Plan, segment: Segment) -> int:
    """From which seed on a segment makes its own: two that draw would draw the same."""
    return next((_SEEDS * number for number, one in enumerate(plan.segments) if one is segment), 0)


def _in_memory(leaf: Any) -> Any:
    """A result that stands in memory as it is, and not as what it is the negative or conjugate of."""
    return leaf.resolve_conj().resolve_neg() if isinstance(leaf, torch.Tensor) else leaf


def _crosses_already(tensor: Any) -> bool:
    # sizes have no memory on the GPU that an output could be
    return bool(tensor.is_network_input or tensor.is_network_output or tensor.is_shape_tensor)


def new_network() -> tuple[trt.Builder, trt.INetworkDefinition]:
    """An empty, strongly typed network, and its builder, which has to live as long."""
    builder = trt.Builder(log.logger())
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return builder, builder.create_network(0 if flag is None else 1 << int(flag))


class _Lowering:
    """One pass over the calls of a segment, and of the subprograms that they run."""

    def __init__(
        self,
        network: trt.INetworkDefinition,
        program: Program,
        settings: Settings,
        messages: list[str],
        seeds_before: int,
    ) -> None:
        self.network, self.settings = network, settings
        self.constants = Constants(network, {id(tensor): name for name, tensor in program.constants.items()})
        self._program = program
        self._messages = messages
        self._layers_named: dict[str, int] = {}
        self._copies: dict[str, int] = {}
        self._seed: trt.ITensor | None = None
        self._seeds_made = seeds_before

    def run(self, segment: Segment) -> dict[Ref, trt.ITensor]:
        values: dict[Ref, Any] = {}
        signature = self._program.signature
        seeds = [buffer.name for buffer in signature.state if buffer.is_seed] if signature else []
        for ref, spec in segment.inputs.items():
            dtype = carrier(getattr(torch, spec.dtype), self.settings.float64)
            if reason := why_unsupported(dtype):
                raise ConversionError(f"input {spec.name!r}: {reason}")
            values[ref] = self.network.add_input(spec.name, to_trt(dtype), spec.shape)
            if spec.name in seeds:
                self._seed = values[ref]
        with counted("Lowering", len(segment.calls), self.settings) as done:
            self._lower_calls(segment.calls, self._program, values, done)
        for output, name in segment.outputs:
            self._mark_output(_value(output, self._program, values), name)
        self.constants.name_weights()
        return {ref: value for ref, value in values.items() if ref.kind == "call" and is_runtime(value)}

    def _lower_calls(
        self,
        calls: Sequence[PlannedCall],
        program: Program,
        values: dict[Ref, Any],
        done: Callable[[], None] = lambda: None,
    ) -> None:
        for planned in calls:
            args, kwargs = planned.call.bind(lambda ref: _value(ref, program, values))
            fold = planned.action == "fold"
            results = self._fold(planned.call, args, kwargs) if fold else self._convert(planned, args, kwargs)
            for index, result in enumerate(results):
                values[Ref("call", planned.call.name, index)] = result
            if len(results) == 1:
                values[Ref("call", planned.call.name)] = results[0]
            done()

    def _fold(self, call: Call, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        with torch.no_grad():
            results = [_in_memory(leaf) for leaf in call.run(args, kwargs)]
        given = {
            storage_of(tensor) for tensor in pytree.tree_leaves((args, kwargs)) if isinstance(tensor, torch.Tensor)
        }
        self.constants.computed.update({id(tensor): tensor for tensor in results if storage_of(tensor) not in given})
        return results

    def _convert(self, planned: PlannedCall, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        converter = planned.converter
        assert converter is not None  # the plan was checked

        def lower_subprogram(program: Program, inputs: Sequence[Any]) -> list[Any]:
            values = {Ref("input", name): value for name, value in zip(program.inputs, inputs, strict=True)}
            self._lower_calls(planned.bodies[program.name], program, values)
            return [_value(output, program, values) for output in program.outputs]

        context = Context(
            self.network, self.constants, planned.call, args, kwargs, self.settings, lower_subprogram, self._next_seed
        )
        before = self.network.num_layers
        del self._messages[:]
        try:
            returned = converter.invoke(converter.function, context, context.args, context.kwargs)
            results = verify(returned, planned.call)
        except Exception as error:
            raise self._error(error, context, planned) from error
        self._name_layers(before, planned)
        return results

    def _error(self, error: Exception, context: Context, planned: PlannedCall) -> Torch2TRTError:
        call, converter = planned.call, planned.converter
        assert converter is not None
        why = str(error) if isinstance(error, Torch2TRTError) else f"{type(error).__name__}: {error}"
        lines = [
            f"{converter.name} (pack {converter.pack}, {converter.location}) failed",
            f"  target {call.target.name}   call {call.name}   in {call.where}",
            f"  got    {context.describe_arguments()}",
            f"  why    {why}",
        ]
        lines += [f"  TensorRT says: {message}" for message in self._messages]
        return ConversionError("\n".join(lines))

    def _name_layers(self, before: int, planned: PlannedCall) -> None:
        """Name the layers that a call added and note in each where it comes from."""
        call, row = planned.call, planned.to_dict()
        prefix = f"{call.module_path}/{call.target.name}" if call.module_path else call.target.name
        metadata = json.dumps({key: row[key] for key in _ORIGIN})
        for index in range(before, self.network.num_layers):
            layer = self.network.get_layer(index)
            if layer.name.startswith(_UNNAMED):
                number = self._layers_named[prefix] = self._layers_named.get(prefix, -1) + 1
                layer.name = f"{prefix}#{number}"
            if not layer.metadata:  # those of a subprogram have their own
                layer.metadata = metadata

    def _next_seed(self) -> trt.ITensor:
        if self._seed is None:
            raise ConversionError("the call is not one that PyTorch knows to draw random numbers, so it has no seed")
        self._seeds_made += 1
        apart = self.constants.tensor(torch.tensor([self._seeds_made * _APART]).to(torch.int32))
        layer = self.network.add_elementwise(self._seed, apart, trt.ElementWiseOperation.SUM)
        return layer.get_output(0)

    def _mark_output(self, value: Any, name: str) -> None:
        tensor: Any = value if is_runtime(value) else self.constants.tensor(torch.as_tensor(value))
        if not is_runtime(value) or tensor.is_network_input or tensor.is_network_output:
            tensor = self._copied(tensor)
        tensor.name = name
        self.network.mark_output(tensor)

    def _copied(self, tensor: Any) -> Any:
        """A tensor like it, as an engine's output is a tensor of its own, made when it runs."""
        number = self._copies[tensor.name] = self._copies.get(tensor.name, 0) + 1
        axis = next((axis for axis, size in enumerate(tensor.shape) if size > 0), None)
        if number <= _PLAIN_COPIES or axis is None:
            return self.network.add_identity(tensor).get_output(0)
        every = self.constants.tensor(torch.arange(tensor.shape[axis]))
        return self.network.add_gather(tensor, every, axis).get_output(0)


def _value(operand: Any, program: Program, values: Mapping[Ref, Any]) -> Any:
    if not isinstance(operand, Ref):
        return operand
    return program.constants[operand.name] if operand.kind == "constant" else values[operand]
