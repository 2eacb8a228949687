"""Calls that stay whole: one opaque operator, ``torch2trt::call``, stands in the graph for each.

It takes the call's tensors (a module's parameters and buffers included), its dynamic sizes and a key.  Its kernels run
the original, so shapes and dtypes stay PyTorch's own.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from ..errors import CaptureError
from ..program.call import ModuleOperand, Target
from ..program.memory import memory_of

_library = torch.library.Library("torch2trt", "DEF")
_library.define("call(Tensor[] tensors, SymInt[] sizes, str key) -> Tensor[]")
#: the operator's kernels find the original call here; an entry lives as long as its capture
_calls: weakref.WeakValueDictionary[str, KeptCall] = weakref.WeakValueDictionary()
_keys = itertools.count()
#: what keeps this thread's calls just now; None outside of a capture and inside of a kept call
_current = threading.local()


@dataclass(frozen=True, slots=True)
class Slot:
    """A leaf of the arguments that is a runtime value: tensor or size number ``index``."""

    size: bool
    index: int


@dataclass(eq=False)
class KeptCall:
    """One claimed call: the original and how its arguments are laid out in the operator's."""

    target: Target
    function: Callable[..., Any]
    module: torch.nn.Module | None
    #: names of the module's parameters and buffers, the first tensors of the operator
    state: tuple[str, ...]
    leaves: tuple[Any, ...]
    spec: pytree.TreeSpec
    #: makes the outputs of an export in the original's place
    shape_rule: Callable[..., Any] | None = None
    #: whether it made those of this call
    ruled: bool = False
    out_spec: pytree.TreeSpec | None = None
    #: for each output the index of the input tensor that it is, where the call changes that input in place
    in_place: dict[int, int] = field(default_factory=dict)
    #: the parameters and buffers that the module itself writes when it is called
    writes: list[str] = field(default_factory=list)
    key: str = field(init=False)

    def __post_init__(self) -> None:
        """Let the operator find this call."""
        self.key = str(next(_keys))
        _calls[self.key] = self

    def operands(
        self, tensors: Sequence[Any], sizes: Sequence[Any], varying: tuple[str, ...] = ()
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The original's ``(args, kwargs)`` with these values; a module comes first, with this state."""
        args, kwargs = self._arguments(tensors, sizes)
        if self.module is None:
            return args, kwargs
        state = dict(zip(self.state, tensors, strict=False))
        return (ModuleOperand(self.module, state, varying), *args), kwargs

    def result(self, outputs: Sequence[Any]) -> Any:
        """What the original returns, of the operator's outputs."""
        assert self.out_spec is not None
        return pytree.tree_unflatten(outputs, self.out_spec)

    def _arguments(self, tensors: Sequence[Any], sizes: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        offset = len(self.state)
        values = [
            leaf if not isinstance(leaf, Slot) else sizes[leaf.index] if leaf.size else tensors[offset + leaf.index]
            for leaf in self.leaves
        ]
        args, kwargs = pytree.tree_unflatten(values, self.spec)
        return tuple(args), kwargs

    def run(self, tensors: Sequence[torch.Tensor], sizes: Sequence[Any]) -> list[torch.Tensor]:
        """Run the original; no output shares memory with an input, and no input is changed."""
        copies = [tensor.clone() for tensor in tensors] if self.in_place else list(tensors)
        args, kwargs = self._arguments(copies, sizes)
        with keeping(None), _Mutations() as mutations:
            if self.module is None:
                result = self.function(*args, **kwargs)
            else:
                state = dict(zip(self.state, copies, strict=False))
                result = torch.func.functional_call(self.module, state, args, kwargs)
                # assigned, or written in place
                own = zip(self.state, copies, strict=False)
                self.writes = [name for name, t in own if state[name] is not t or id(t) in mutations.written]
        outputs, self.out_spec = pytree.tree_flatten(result)
        self._note_in_place(outputs, copies[len(self.state) :], mutations)
        inputs = {id(tensor) for tensor in tensors}
        memory = set(map(memory_of, tensors))
        return [o.clone() if id(o) in inputs or memory_of(o) in memory else o for o in outputs]

    def infer(self, tensors: Sequence[torch.Tensor], sizes: Sequence[Any]) -> list[torch.Tensor]:
        """The outputs' shapes and dtypes, from the converter's ``shape_rule`` where it has one for this call."""
        if self.shape_rule is not None:
            args, kwargs = self._arguments(tensors, sizes)
            first = () if self.module is None else (self.module,)
            if (result := self.shape_rule(*first, *args, **kwargs)) is not None:
                outputs, self.out_spec = pytree.tree_flatten(result)
                self.ruled = True
                return outputs
        return self.run(tensors, sizes)

    def _note_in_place(self, outputs: list[Any], inputs: list[torch.Tensor], mutations: _Mutations) -> None:
        for output in outputs:
            if not isinstance(output, torch.Tensor):
                raise CaptureError(
                    f"{self.target.name} returns a {type(output).__name__}; a call kept whole returns tensors"
                )
        for index, tensor in enumerate(inputs):
            if id(tensor) in mutations.written:
                places = [i for i, output in enumerate(outputs) if output is tensor]
                if not places:
                    raise CaptureError(
                        f"{self.target.name} changes its input in place without returning it; it cannot be kept whole"
                    )
                self.in_place[places[0]] = len(self.state) + index


class _Mutations(TorchDispatchMode):
    """Notes which tensors are written in place."""

    def __init__(self) -> None:
        super().__init__()
        self.written: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        for argument, value in zip(func._schema.arguments, args, strict=False):
            if argument.alias_info is not None and argument.alias_info.is_write and isinstance(value, torch.Tensor):
                self.written.add(id(value))
        return func(*args, **(kwargs or {}))


def run_original(tensors: Sequence[torch.Tensor], sizes: Sequence[Any], key: str) -> list[torch.Tensor]:
    """The operator's kernel, and its decomposition where no converter takes the call after all."""
    return _calls[key].run(tensors, sizes)


def _infer(tensors: Sequence[torch.Tensor], sizes: Sequence[Any], key: str) -> list[torch.Tensor]:
    return _calls[key].infer(tensors, sizes)


def infer_alone(tensors: Sequence[torch.Tensor], sizes: Sequence[Any], key: str) -> list[torch.Tensor]:
    """What the operator gives for other sizes; the call itself stays as it was traced."""
    call = copy.copy(_calls[key])
    call.in_place = dict(call.in_place)
    return call.infer(tensors, sizes)


_library.impl("call", run_original, "CompositeExplicitAutograd")
torch.library.register_fake("torch2trt::call", _infer, lib=_library)
OPERATOR = torch.ops.torch2trt.call.default


@contextlib.contextmanager
def keeping(by: object) -> Iterator[None]:
    """Let ``by`` keep calls of this thread; None lets them run as they are."""
    before, _current.keeper = keeper(), by
    try:
        yield
    finally:
        _current.keeper = before


def keeper() -> Any:
    """Whatever keeps calls of this thread just now."""
    return getattr(_current, "keeper", None)
