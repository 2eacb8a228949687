"""Keeping claimed calls of modules and functions whole while ``torch.export`` runs.

A claimed call is replaced by one opaque operator, ``torch2trt::call``, that takes the call's tensors (a module's
parameters and buffers included), its dynamic sizes and a key.  Its kernels run the original, so shapes and dtypes
stay PyTorch's own.  The outermost claimed call wins: nothing inside it is looked at.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import itertools
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from ..errors import CaptureError
from ..registry import Registry
from ..targets import Target

_library = torch.library.Library("torch2trt", "DEF")
_library.define("call(Tensor[] tensors, SymInt[] sizes, str key) -> Tensor[]")
#: the operator's kernels find the original call here; an entry lives as long as its capture
_kept: weakref.WeakValueDictionary[str, KeptCall] = weakref.WeakValueDictionary()
_keys = itertools.count()
#: what this thread captures just now; None outside of a capture and inside of a kept call
_current = threading.local()


@dataclass(frozen=True, slots=True)
class _Slot:
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
    out_spec: pytree.TreeSpec | None = None
    #: for each output the index of the input tensor that it is, where the call changes that input in place
    in_place: dict[int, int] = field(default_factory=dict)

    def bind(self, tensors: Sequence[Any], sizes: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The original's ``(args, kwargs)`` with these values; a module comes first, with this state."""
        args, kwargs = self._arguments(tensors, sizes)
        if self.module is None:
            return args, kwargs
        return (_with_state(self.module, dict(zip(self.state, tensors, strict=False))), *args), kwargs

    def _arguments(self, tensors: Sequence[Any], sizes: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        offset = len(self.state)
        values = [
            leaf if not isinstance(leaf, _Slot) else sizes[leaf.index] if leaf.size else tensors[offset + leaf.index]
            for leaf in self.leaves
        ]
        args, kwargs = pytree.tree_unflatten(values, self.spec)
        return tuple(args), kwargs

    def run(self, tensors: Sequence[torch.Tensor], sizes: Sequence[Any]) -> list[torch.Tensor]:
        """Run the original; no output shares memory with an input, and no input is changed."""
        copies = [tensor.clone() for tensor in tensors] if self.in_place else list(tensors)
        args, kwargs = self._arguments(copies, sizes)
        with paused(), _Mutations() as mutations:
            if self.module is None:
                result = self.function(*args, **kwargs)
            else:
                state = dict(zip(self.state, copies, strict=False))
                result = torch.func.functional_call(self.module, state, args, kwargs)
        outputs, self.out_spec = pytree.tree_flatten(result)
        self._note_in_place(outputs, copies, mutations)
        inputs = {id(tensor) for tensor in tensors}
        memory = {tensor.untyped_storage()._cdata for tensor in tensors}
        return [o.clone() if id(o) in inputs or o.untyped_storage()._cdata in memory else o for o in outputs]

    def run_fake(self, tensors: Sequence[torch.Tensor], sizes: Sequence[Any]) -> list[torch.Tensor]:
        """The outputs' shapes and dtypes, from the converter's ``shape_rule`` where it has one for this call."""
        if self.shape_rule is not None:
            args, kwargs = self._arguments(tensors, sizes)
            first = () if self.module is None else (self.module,)
            if (result := self.shape_rule(*first, *args, **kwargs)) is not None:
                outputs, self.out_spec = pytree.tree_flatten(result)
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
                self.in_place[places[0]] = index


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


def _run_kernel(tensors: Sequence[torch.Tensor], sizes: Sequence[Any], key: str) -> list[torch.Tensor]:
    return _kept[key].run(tensors, sizes)


def _run_fake(tensors: Sequence[torch.Tensor], sizes: Sequence[Any], key: str) -> list[torch.Tensor]:
    return _kept[key].run_fake(tensors, sizes)


_library.impl("call", _run_kernel, "CompositeExplicitAutograd")
torch.library.register_fake("torch2trt::call", _run_fake, lib=_library)
OPERATOR = torch.ops.torch2trt.call.default


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Let calls of this thread run as they are."""
    before, _current.interception = getattr(_current, "interception", None), None
    try:
        yield
    finally:
        _current.interception = before


class Interception:
    """The claimed calls of one capture; active inside ``with interception.of(model)``."""

    def __init__(
        self, registry: Registry, accepts: Callable[[Target, tuple[Any, ...], dict[str, Any], Any], bool]
    ) -> None:
        self._registry = registry
        self._functions = registry.claimed("function")
        self._modules = registry.claimed("module")
        self._accepts = accepts
        self._calls: dict[str, KeptCall] = {}

    def __getitem__(self, key: str) -> KeptCall:
        return self._calls[key]

    @contextlib.contextmanager
    def of(self, model: torch.nn.Module) -> Iterator[None]:
        """Intercept this thread's claimed calls of functions and of ``model``'s modules."""
        with contextlib.ExitStack() as stack:
            for module in model.modules() if self._modules else ():
                if converter := self._modules.get(type(module).forward):
                    stack.enter_context(self._patched_module(module, converter.target))
            if self._functions:
                for function, converter in self._functions.items():
                    stack.enter_context(self._patched_function(function, converter.target))
                stack.enter_context(_FunctionMode(self._functions))
            _current.interception = self
            stack.callback(setattr, _current, "interception", None)
            yield

    def keep(
        self, target: Target, function: Callable[..., Any], module: torch.nn.Module | None, args: Any, kwargs: Any
    ) -> Any:
        """Run one claimed call as one operator of the graph, or as it is where every converter rejects it."""
        leaves, spec = pytree.tree_flatten((args, kwargs))
        if any(isinstance(leaf, (torch.SymFloat, torch.SymBool)) for leaf in leaves):
            return function(*args, **kwargs)
        state = {} if module is None else {**dict(module.named_parameters()), **dict(module.named_buffers())}
        tensors: list[torch.Tensor] = []
        sizes: list[Any] = []
        laid_out = [_lay_out(leaf, tensors, sizes) for leaf in leaves]
        key = str(next(_keys))
        rules = (c.shape_rule for c in self._registry.chain(target.obj))
        rule = next((rule for rule in rules if rule is not None), None)
        call = KeptCall(target, function, module, tuple(state), tuple(laid_out), spec, rule)
        _kept[key] = self._calls[key] = call
        flat = OPERATOR([*state.values(), *tensors], sizes, key)
        assert call.out_spec is not None
        full = ((module, *args) if module is not None else tuple(args), kwargs)
        if not self._accepts(target, *full, pytree.tree_unflatten(flat, call.out_spec)):
            return function(*args, **kwargs)  # the operator has no users now and falls out of the graph
        outputs = list(flat)
        for output, changed in call.in_place.items():
            outputs[output] = tensors[changed - len(state)].copy_(flat[output])
        return pytree.tree_unflatten(outputs, call.out_spec)

    @contextlib.contextmanager
    def _patched_module(self, module: torch.nn.Module, target: Target) -> Iterator[None]:
        original = module.forward
        own = module.__dict__.get("forward")

        @functools.wraps(original)
        def forward(*args: Any, **kwargs: Any) -> Any:
            if getattr(_current, "interception", None) is not self:
                return original(*args, **kwargs)
            return self.keep(target, original, module, args, kwargs)

        module.forward = forward
        try:
            yield
        finally:
            if own is None:
                del module.__dict__["forward"]
            else:
                module.forward = own

    @contextlib.contextmanager
    def _patched_function(self, function: Any, target: Target) -> Iterator[None]:
        """Replace a function that PyTorch's function mode does not see wherever a module's global names it."""
        if (getattr(function, "__module__", None) or "torch").partition(".")[0] in ("torch", "builtins"):
            yield
            return

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if getattr(_current, "interception", None) is not self:
                return function(*args, **kwargs)
            return self.keep(target, function, None, args, kwargs)

        places = [
            (vars(module), name)
            for module in list(sys.modules.values())
            for name, value in list(getattr(module, "__dict__", {}).items())
            if value is function
        ]
        try:
            for names, name in places:
                names[name] = wrapper
            yield
        finally:
            for names, name in places:
                names[name] = function


class _FunctionMode(TorchFunctionMode):
    """Sees every call of a function or method of PyTorch."""

    def __init__(self, claimed: dict[Any, Any]) -> None:
        super().__init__()
        self._claimed = claimed

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        interception = getattr(_current, "interception", None)
        if interception is not None and (converter := self._claimed.get(func)):
            return interception.keep(converter.target, func, None, args, kwargs)
        return func(*args, **kwargs)


def _with_state(module: torch.nn.Module, state: dict[str, Any]) -> torch.nn.Module:
    """``module`` where ``state`` is its own, else a copy that holds it (after a change of precision, say)."""
    own = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    other = {
        id(own[name]): torch.nn.Parameter(tensor, False) if isinstance(own[name], torch.nn.Parameter) else tensor
        for name, tensor in state.items()
        if type(tensor) in (torch.Tensor, torch.nn.Parameter) and not _same_memory(tensor, own[name])
    }
    return copy.deepcopy(module, memo=other) if other else module


def _same_memory(first: torch.Tensor, second: torch.Tensor) -> bool:
    return first.dtype == second.dtype and first.data_ptr() == second.data_ptr()


def _lay_out(leaf: Any, tensors: list[torch.Tensor], sizes: list[Any]) -> Any:
    if isinstance(leaf, torch.Tensor):
        tensors.append(leaf)
        return _Slot(size=False, index=len(tensors) - 1)
    if isinstance(leaf, torch.SymInt):
        sizes.append(leaf)
        return _Slot(size=True, index=len(sizes) - 1)
    return leaf
