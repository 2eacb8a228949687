"""ONNX's own operator tests through ``trt.OnnxParser`` and the interpreter: tests from outside of this project.

A model that TensorRT cannot parse is not tested.  If it parses only with all inputs but the first as constants (many
operators need such inputs at build time), that network is tested.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch2trt._trt import trt
from torch2trt.reference import interpret
from torch2trt.reference.dtypes import torch_dtype

#: relative and absolute tolerance
_TOLERANCE = {torch.float32: (1e-3, 1e-5), torch.float16: (1e-2, 1e-3), torch.bfloat16: (3e-2, 1e-2)}
_FP8 = {"float8_e4m3fn": torch.float8_e4m3fn}
_RANDOM = {"Bernoulli", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial"}


@dataclass(frozen=True)
class NodeTest:
    """One operator test: its model, and pairs of inputs and expected outputs."""

    name: str
    op: str
    model: Any
    data: Sequence[tuple[Sequence[Any], Sequence[Any]]]


class NoTorchType(Exception):
    """A value that torch cannot hold (strings, sequences)."""


def load() -> list[NodeTest]:
    """Every operator test of the installed onnx package."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tests = load_model_tests(kind="node")
    ops = {test.name: test.model.graph.node[0].op_type for test in tests}
    return [NodeTest(t.name, ops.get(t.name.split("_expanded")[0], ""), t.model, t.data_sets) for t in tests]


def tensor_of(value: Any) -> torch.Tensor:
    """A value of the suite as a tensor."""
    if isinstance(value, onnx.TensorProto):
        value = numpy_helper.to_array(value)
    if value is None or isinstance(value, list | tuple):
        raise NoTorchType("a sequence or an optional value")
    array = np.ascontiguousarray(np.asarray(value)).reshape(np.shape(value))
    if array.dtype.name == "int4":  # as the interpreter holds 4-bit types
        return torch.from_numpy(array.astype(np.int8))
    if array.dtype.name == "float4_e2m1fn":
        return torch.from_numpy(array.astype(np.float32)).to(torch.float8_e4m3fn)
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(np.int16).copy()).view(torch.bfloat16)
    if array.dtype.name in _FP8:
        return torch.from_numpy(array.view(np.uint8).copy()).view(_FP8[array.dtype.name])
    try:
        return torch.from_numpy(array.copy())
    except TypeError as error:
        raise NoTorchType(str(array.dtype)) from error


class Runner:
    """Parses and evaluates; one TensorRT builder for all tests."""

    def __init__(self) -> None:
        self._logger = trt.Logger(trt.Logger.INTERNAL_ERROR)
        self._builder = trt.Builder(self._logger)

    def check(self, test: NodeTest) -> str | None:
        """None if the test passes, "unparsed", or the reason why it fails."""
        parsed = self._parse(test.model)
        if parsed is None and len(test.model.graph.input) > 1:
            parsed = self._parse(_with_constants(test.model, test.data[0][0]))
        if parsed is None:
            return "unparsed"
        network, _parser = parsed  # the parser owns the weights
        for inputs, outputs in test.data:
            try:
                expected = [tensor_of(value) for value in outputs]
                results = interpret(network, _feed(network, test.model, inputs))
            except NoTorchType as error:
                return f"no torch type: {error}"
            except NotImplementedError as error:
                return f"unsupported: {error}"
            for declared, want in zip(test.model.graph.output, expected, strict=True):
                problem = _why_different(results[declared.name], want, _is_random(test))
                if problem is not None:
                    return f"{declared.name}: {problem}"
        return None

    def _parse(self, model: Any) -> tuple[Any, Any] | None:
        network = self._builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
        parser = trt.OnnxParser(network, self._logger)
        return (network, parser) if parser.parse(model.SerializeToString()) else None


def _with_constants(model: Any, inputs: Sequence[Any]) -> Any:
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    first = changed.graph.input[0]
    for given, value in list(zip(model.graph.input, inputs, strict=False))[1:]:
        if value is None or isinstance(value, list | tuple):
            continue
        proto = value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(np.asarray(value))
        changed.graph.initializer.add().CopyFrom(proto)
        changed.graph.initializer[-1].name = given.name
    del changed.graph.input[:]
    changed.graph.input.append(first)
    return changed


def _feed(network: Any, model: Any, inputs: Sequence[Any]) -> dict[str, torch.Tensor]:
    constants = {initializer.name for initializer in model.graph.initializer}
    names = [given.name for given in model.graph.input if given.name not in constants]
    by_name = dict(zip(names, inputs, strict=True))
    feed = {}
    for i in range(network.num_inputs):
        declared = network.get_input(i)
        # the parser renames an input that a subgraph knows by another name
        value = by_name.get(declared.name, inputs[i] if network.num_inputs == len(names) else None)
        feed[declared.name] = tensor_of(value).to(torch_dtype(declared.dtype))
    return feed


def _is_random(test: NodeTest) -> bool:
    return test.op in _RANDOM or (test.op == "Dropout" and "training" in test.name and "_zero_ratio" not in test.name)


def _why_different(got: torch.Tensor, want: torch.Tensor, random: bool) -> str | None:
    if got.shape != want.shape:
        return f"shape {tuple(got.shape)}, expected {tuple(want.shape)}"
    if got.dtype != want.dtype and (got.dtype, want.dtype) != (torch.float32, torch.float64):
        return f"dtype {got.dtype}, expected {want.dtype}"
    if random:
        return None
    relative, absolute = _TOLERANCE.get(got.dtype, (0.0, 0.0))
    same = torch.isclose(got.double(), want.double(), rtol=relative, atol=absolute, equal_nan=True)
    return None if same.all() else f"{int((~same).sum())} of {same.numel()} elements differ"
