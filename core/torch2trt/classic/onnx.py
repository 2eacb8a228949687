"""``use_onnx=True``: another way into an engine, by PyTorch's ONNX export and TensorRT's parser, without converters.

The TorchScript-based export needs no package beside PyTorch.  It traces: what the model decides by values or sizes is
as in the example, of which PyTorch warns.
"""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils import _pytree as pytree

from .. import log
from .._trt import FLAVOR, trt
from ..capture.described import Input
from ..capture.given import call_names, signature_of_model
from ..dtypes import carrier, short_name, to_torch
from ..errors import CaptureError, ConversionError, InputError
from ..network.build import serialize
from ..network.lower import new_network
from ..packs.loading import installed
from ..program.call import state_of
from ..program.leaves import Leaf, TensorSpec
from ..program.signature import Signature
from ..runtime.choose import runtime_of, will_interpret
from ..runtime.engine import Engine, built_elsewhere
from ..runtime.module import TRTModule
from ..runtime.reference import ReferenceRunner
from ..settings import Settings
from .planning import check_different, names_of


@dataclass
class _Parsed:
    """A network with what its weights point to."""

    builder: trt.Builder
    network: trt.INetworkDefinition
    parser: trt.OnnxParser
    made: dict[int, torch.Tensor] = field(default_factory=dict)


class _Flat(torch.nn.Module):
    """Tensors to tensors, of a module with nested inputs and outputs, computing in another precision."""

    def __init__(self, module: Any, leaves: Sequence[Any], spec: pytree.TreeSpec, precision: Any) -> None:
        super().__init__()
        is_module = isinstance(module, torch.nn.Module)
        self.module = copy.deepcopy(module).to(precision) if precision and is_module else module
        self._leaves, self._spec, self._precision = list(leaves), spec, precision

    def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        given = iter(tensors)
        leaves = [self._cast(next(given)) if isinstance(leaf, torch.Tensor) else leaf for leaf in self._leaves]
        args, kwargs = pytree.tree_unflatten(leaves, self._spec)
        returned = pytree.tree_leaves(self.module(*args, **kwargs))
        flat = [leaf for leaf in returned if isinstance(leaf, torch.Tensor)]
        return tuple(leaf.float() if leaf.dtype is self._precision else leaf for leaf in flat)

    def _cast(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self._precision) if self._precision and tensor.is_floating_point() else tensor


def convert_by_onnx(
    module: Any,
    inputs: Any,
    settings: Settings,
    input_names: Sequence[str] | None,
    output_names: Sequence[str] | None,
    opset: int | None,
) -> TRTModule:
    """Convert a module by way of ONNX.

    Args:
        module: the module.
        inputs: as ``convert`` takes them.
        settings: those of the conversion; ``float64`` and ``random`` have no part in it.
        input_names, output_names: of the engine's tensors.
        opset: the version of ONNX's operators; None is the export's own default.

    Raises:
        CaptureError: PyTorch cannot export the module.
        ConversionError: TensorRT's parser does not take what was exported.
        BuildError: TensorRT could not build the engine.
    """
    described, spec = pytree.tree_flatten(_arguments(inputs))
    device = next((tensor.device for tensor in state_of(module).values()), torch.device("cpu"))
    leaves = [leaf.example(device) if isinstance(leaf, Input) else leaf for leaf in described]
    args, kwargs = pytree.tree_unflatten(leaves, spec)
    with torch.no_grad():
        returned = module(*args, **kwargs)
    results = [leaf for leaf in pytree.tree_leaves(returned) if isinstance(leaf, torch.Tensor)]
    given = [leaf for leaf in described if isinstance(leaf, (Input, torch.Tensor))]
    names = names_of("input", input_names, len(given)), names_of("output", output_names, len(results))
    check_different([*names[0], *names[1]])
    specs = [_spec(name, leaf) for name, leaf in zip(names[0], given, strict=True)]
    flat = _Flat(module, leaves, spec, settings.precision)
    parsed = _parsed(
        _exported(flat, [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)], specs, names[1], opset)
    )
    _check_inputs(parsed, specs)
    signature = _signature(module, (args, kwargs), specs, returned, names[1], parsed)
    return _finished(parsed, signature, settings)


def _arguments(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    return ((inputs,) if isinstance(inputs, (torch.Tensor, Input)) else tuple(inputs)), {}


def _spec(name: str, leaf: Input | torch.Tensor) -> TensorSpec:
    if isinstance(leaf, Input) and leaf.profiles:
        raise InputError(f"input {name!r} has profiles, which use_onnx does not know; leave use_onnx out")
    ranges = leaf.ranges if isinstance(leaf, Input) else tuple((size, size, size) for size in leaf.shape)
    return TensorSpec(name, short_name(leaf.dtype), ranges)


def _exported(
    flat: torch.nn.Module,
    tensors: Sequence[torch.Tensor],
    specs: Sequence[TensorSpec],
    outputs: Sequence[str],
    opset: int | None,
) -> bytes:
    axes = {spec.name: {i: f"{spec.name}_{i}" for i, size in enumerate(spec.shape) if size == -1} for spec in specs}
    file: Any = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the export that needs no other package
        try:
            torch.onnx.export(
                flat.eval(),
                tuple(tensors),
                file,
                input_names=[spec.name for spec in specs],
                output_names=list(outputs),
                dynamic_axes={name: dims for name, dims in axes.items() if dims},
                opset_version=opset,
                dynamo=False,
            )
        except Exception as error:
            raise CaptureError(f"PyTorch cannot export the module to ONNX: {error}; leave use_onnx out") from error
    exported: bytes = file.getvalue()
    return exported


def _parsed(data: bytes) -> _Parsed:
    builder, network = new_network()
    parser = trt.OnnxParser(network, log.logger())
    with log.record_errors():
        accepted = bool(parser.parse(data))
    if not accepted:
        errors = [parser.get_error(index) for index in range(parser.num_errors)]
        reasons = [f"{error.node_operator() or 'the model'}: {error.desc()}" for error in errors]
        raise ConversionError(f"TensorRT's parser does not take the ONNX model:{log.format_messages(reasons)}")
    return _Parsed(builder, network, parser)


def _check_inputs(parsed: _Parsed, specs: Sequence[TensorSpec]) -> None:
    found = {parsed.network.get_input(index).name for index in range(parsed.network.num_inputs)}
    if missing := [spec.name for spec in specs if spec.name not in found]:
        raise ConversionError(f"the exported model does not use {', '.join(missing)}; leave these inputs out")


def _signature(
    module: Any,
    call: tuple[Sequence[Any], Mapping[str, Any]],
    specs: Sequence[TensorSpec],
    returned: Any,
    outputs: Sequence[str],
    parsed: _Parsed,
) -> Signature:
    leaves, in_spec = pytree.tree_flatten(call)
    known, out_spec = signature_of_model(module), pytree.tree_structure(returned)
    names, omitted = call_names(known, *call) if known else ([f"input_{i}" for i in range(len(call[0]))], [])
    given = iter(specs)
    dtypes = {tensor.name: to_torch(tensor.dtype) for tensor in map(parsed.network.get_output, range(len(outputs)))}
    rest = iter(outputs)
    return Signature(
        inputs=tuple(specs),
        input_leaves=tuple(
            Leaf("tensor", next(given).name) if isinstance(leaf, torch.Tensor) else Leaf("constant", "", leaf)
            for leaf in leaves
        ),
        in_spec=in_spec,
        parameters=tuple(names),
        outputs=tuple(outputs),
        output_leaves=tuple(
            Leaf("tensor", dtype=_other_dtype(leaf.dtype, dtypes[next(rest)]))
            if isinstance(leaf, torch.Tensor)
            else Leaf("constant", "", leaf)
            for leaf in pytree.tree_leaves(returned)
        ),
        out_spec=out_spec,
        omitted=tuple(omitted),
    )


def _other_dtype(wanted: torch.dtype, found: torch.dtype) -> str:
    """The dtype to cast an output to; empty where the network has it."""
    if wanted is not found and carrier(wanted) is not found:
        raise ConversionError(f"the ONNX model returns {short_name(found)}, PyTorch {short_name(wanted)}")
    return "" if wanted is found else short_name(wanted)


def _finished(parsed: _Parsed, signature: Signature, settings: Settings) -> TRTModule:
    engine = None
    if settings.build:
        serialized = serialize(parsed.builder, parsed.network, signature.inputs, settings, installed())
        engine = Engine(serialized, FLAVOR or "", trt.__version__, built_elsewhere(**settings.to_dict()))
    reference = ReferenceRunner(parsed.network, parsed, parsed, copy=will_interpret(settings))
    runtime = runtime_of(settings)
    return TRTModule(engine, signature=signature, reference=reference, runtime=runtime, cache=settings.cache)
