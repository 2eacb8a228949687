"""Calls that PyTorch runs, read from a file that anybody may have made: nothing is imported, unpickled or run."""

from __future__ import annotations

import collections
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from ..packs.brought import Brought
from ..program.call import Call, ModuleOperand, Ref, state_of
from ..program.program import Program
from .operators import operator_named
from .written import NAMED, PLAIN

#: a pack as a file has it, the name of a target and its level, to what the pack knows of it
Find = Callable[[Mapping[str, str], str, str], Brought]


class CallReader:
    """The values that a :class:`~torch2trt.runtime.written.Writer` wrote.

    Its methods raise nearly everything over values that somebody made up.

    Args:
        tensors: those of the file.
        find: finds what packs know of calls.
        known: the values that there are before the first call; those of calls are added.
    """

    def __init__(self, tensors: Sequence[torch.Tensor], find: Find, known: set[Ref]) -> None:
        self._tensors, self._find = tensors, find
        self.known = known
        #: what packs know of the calls that were read, by the names of their targets
        self.brought: dict[str, Brought] = {}
        self._classes: Mapping[str, type] = {}
        self._own: dict[str, torch.Tensor] = {}

    def call(self, data: Mapping[str, Any]) -> Call:
        """One call; what it takes must be known."""
        name, results = data["name"], data["results"]
        before = self._classes
        if data["pack"] is None:
            target = operator_named(data["target"])
        else:
            found = self._find(data["pack"], data["target"], data["level"])
            self.brought[data["target"]], target, self._classes = found, found.target, found.classes
        if target.level != data["level"] or Ref("call", name) in self.known or results < 0:
            raise ValueError(f"{name!r:.60} is no call of {target.name}")
        try:
            args = tuple(self.value(one) for one in data["args"])
            kwargs = {key: self.value(one) for key, one in data["kwargs"].items()}
        finally:
            self._classes = before
        self.known |= {Ref("call", name), *(Ref("call", name, index) for index in range(results))}
        origin = (data["module"], data["module_type"], data["source"])
        # for the results of the trace there is nothing but their number
        return Call(target, name, (args, kwargs), (), {}, (None,) * results, *origin)

    def ref(self, data: Any) -> Ref:
        """A value that is known; an operand that is none is a ValueError."""
        found = self.value(data)
        if not isinstance(found, Ref):
            raise ValueError(f"{data!r:.60} is no value of the program")
        return found

    def new_ref(self, data: Any) -> Ref:
        """A value that becomes known now."""
        kind, name, index = data["ref"]
        made = Ref(kind, name, index)
        if kind not in ("constant", "call") or made in self.known or len(data) != 1:
            raise ValueError(f"{data!r:.60} is no new value")
        self.known.add(made)
        return made

    def value(self, data: Any) -> Any:
        """An operand, or a part of one."""
        if type(data) in PLAIN:
            return data
        if type(data) is list:
            return [self.value(one) for one in data]
        ((kind, body),) = data.items()
        if kind in NAMED:
            return self._named(kind, body)
        return _READERS[kind](self, body)

    def _ref(self, body: Any) -> Ref:
        kind, name, index = body
        ref = Ref(kind, name, index)
        if ref not in self.known or isinstance(index, (bool, float)):
            raise ValueError(f"{ref} is nothing that was computed before")
        return ref

    def _named(self, kind: str, body: str) -> Any:
        value = vars(torch).get(body)
        if not isinstance(value, NAMED[kind]):
            raise ValueError(f"PyTorch has no {kind} {body!r:.60}")
        return value

    def _tensor(self, body: int) -> torch.Tensor:
        return self._tensors[range(len(self._tensors)).index(body)]

    def _own_tensor(self, body: Any) -> torch.Tensor:
        """What stands for a tensor of a module until the call has it."""
        name, is_parameter = body
        tensor = torch.empty(1)
        return self._own.setdefault(name, torch.nn.Parameter(tensor, False) if is_parameter is True else tensor)

    def _module(self, body: Any) -> ModuleOperand:
        made, state = body
        self._own = {}
        module = self.value(made)
        refs = {name: self.ref(ref) for name, ref in state}
        if not isinstance(module, torch.nn.Module) or state_of(module).keys() != refs.keys():
            raise ValueError("a module has not all of its tensors")
        return ModuleOperand(module, refs)

    def _object(self, body: Any) -> object:
        name, attributes = body
        kind = self._classes[name]
        made: object = object.__new__(kind)
        vars(made).update({str(attribute): self.value(one) for attribute, one in attributes})
        return made

    def _program(self, body: Mapping[str, Any]) -> Program:
        constants = {name: self.value(one) for name, one in body["constants"].items()}
        if not all(type(one) is torch.Tensor for one in constants.values()):
            raise ValueError("a constant of a program is no tensor")
        outside = self.known
        self.known = {*(Ref("input", name) for name in body["inputs"]), *(Ref("constant", name) for name in constants)}
        try:
            calls = tuple(map(self.call, body["calls"]))
            outputs = tuple(self.value(one) for one in body["outputs"])
        finally:
            self.known = outside
        inputs = dict.fromkeys(body["inputs"])
        return Program(str(body["name"]), inputs, constants, calls, outputs, single=body["single"] is True)


_READERS: Mapping[str, Callable[[CallReader, Any], Any]] = {
    "ref": CallReader._ref,
    "tuple": lambda reader, body: tuple(reader.value(one) for one in body),
    "dict": lambda reader, body: {reader.value(key): reader.value(one) for key, one in body},
    "ordered": lambda reader, body: collections.OrderedDict(
        (reader.value(key), reader.value(one)) for key, one in body
    ),
    "set": lambda reader, body: {reader.value(one) for one in body},
    "tensor": CallReader._tensor,
    "parameter": lambda reader, body: torch.nn.Parameter(reader._tensor(body), False),
    "own": CallReader._own_tensor,
    "program": CallReader._program,
    "module": CallReader._module,
    "object": CallReader._object,
    "device": lambda reader, body: torch.device(str(body)),
    "complex": lambda reader, body: complex(*body),
}
