"""Calls that PyTorch runs, as the JSON-able values of a file.

``torch.export.save`` is not used: what it writes is read with pickle, and with ``sympy.sympify``, which evaluates text.
What is plain stands for itself; everything else is a mapping of one key, the kind of value that it is.
"""

from __future__ import annotations

import collections
from collections.abc import Mapping
from typing import Any, Final

import torch

from ..errors import EngineError
from ..packs.brought import Brought, class_name, pack_of
from ..program.call import Call, ModuleOperand, Ref
from ..program.program import Program
from .operators import operator_named
from .tensors import TensorTable

#: what JSON has itself
PLAIN: Final = (type(None), bool, int, float, str)
#: objects of PyTorch that are names
NAMED: Final = {"dtype": torch.dtype, "layout": torch.layout, "memory_format": torch.memory_format}


class Writer:
    """What calls take and are, as values of a file.

    Args:
        tensors: takes the tensors.
        brought: what packs know of calls that are no operators of PyTorch, by the names of their targets.
    """

    def __init__(self, tensors: TensorTable, brought: Mapping[str, Brought]) -> None:
        self._tensors, self._brought = tensors, brought
        #: of the call that is written, the classes of objects and the module's own tensors
        self._classes: Mapping[str, type] = {}
        self._own: dict[int, str] = {}

    def call(self, call: Call) -> dict[str, Any]:
        """One call.

        Raises:
            EngineError: no file can hold it, with its line and the cure.
        """
        try:
            return self._call(call)
        except (ValueError, RecursionError) as error:
            raise EngineError(
                f"the converted module cannot be saved: PyTorch runs {call.target.name} in {call.where}, and {error}"
            ) from error

    def _call(self, call: Call) -> dict[str, Any]:
        known = self._brought.get(call.target.name)
        if known is None:
            if call.target.level != "operator":
                raise ValueError("no pack claims it, so nothing could find it again")
            operator_named(call.target.name)
        before, self._classes = self._classes, known.classes if known else {}
        args, kwargs = call.operands
        try:
            return {
                "name": call.name,
                "target": call.target.name,
                "level": call.target.level,
                "pack": pack_of(known),
                "args": [self.value(one) for one in args],
                "kwargs": {name: self.value(one) for name, one in kwargs.items()},
                "results": len(call.results),
                "module": call.module_path,
                "module_type": call.module_type,
                "source": call.source,
            }
        finally:
            self._classes = before

    def value(self, value: Any) -> Any:
        """An operand, or a part of one; ValueError where no file can hold it."""
        if type(value) in PLAIN:
            return value
        if isinstance(value, list):
            return [self.value(one) for one in value]
        kind, body = self._described(value)
        return {kind: body}

    def _described(self, value: Any) -> tuple[str, Any]:
        if isinstance(value, Ref):
            return "ref", [value.kind, value.name, value.index]
        if type(value) in (tuple, torch.Size):
            return "tuple", [self.value(one) for one in value]
        if isinstance(value, dict):
            kind = "ordered" if isinstance(value, collections.OrderedDict) else "dict"
            return kind, [[self.value(key), self.value(one)] for key, one in value.items()]
        if type(value) in (set, frozenset):
            return "set", [self.value(one) for one in sorted(value)]
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, Program):
            return "program", self._program(value)
        if isinstance(value, ModuleOperand):
            return "module", self._module(value)
        if isinstance(value, torch.device):
            return "device", str(value)
        if isinstance(value, complex):
            return "complex", [value.real, value.imag]
        if named := next((kind for kind, known in NAMED.items() if isinstance(value, known)), None):
            return named, str(value).removeprefix("torch.")
        return "object", self._object(value)

    def _tensor(self, tensor: torch.Tensor) -> tuple[str, Any]:
        is_parameter = isinstance(tensor, torch.nn.Parameter)
        if id(tensor) in self._own:
            return "own", [self._own[id(tensor)], is_parameter]
        return "parameter" if is_parameter else "tensor", self._tensors.place(tensor)

    def _program(self, program: Program) -> dict[str, Any]:
        return {
            "name": program.name,
            "inputs": list(program.inputs),
            "constants": {name: self.value(tensor) for name, tensor in program.constants.items()},
            "calls": [self._call(call) for call in program.calls],
            "outputs": [self.value(one) for one in program.outputs],
            "single": program.single,
        }

    def _module(self, operand: ModuleOperand) -> list[Any]:
        named = [*operand.module.named_parameters(), *operand.module.named_buffers()]
        self._own = {id(tensor): name for name, tensor in named}
        try:
            return [self.value(operand.module), [[name, self.value(ref)] for name, ref in operand.state.items()]]
        finally:
            self._own = {}

    def _object(self, value: object) -> list[Any]:
        name = class_name(type(value))
        if self._classes.get(name) is not type(value) or not hasattr(value, "__dict__"):
            raise ValueError(
                f"takes an object of {name}, of which a file cannot hold all; where it is no more than its attributes, "
                "a converter of the call says so with stores=[...], otherwise convert the model again where it is "
                "needed, with cache=True, which keeps its engines"
            )
        return [name, [[attribute, self.value(one)] for attribute, one in vars(value).items()]]
