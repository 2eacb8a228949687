"""Seeing claimed calls of modules and functions while ``torch.export`` runs.

The outermost claimed call wins: nothing inside it is looked at.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FunctionType
from typing import Any, Final

import torch
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree
from typing_extensions import TypeIs

from ..packs.choice import choose
from ..packs.loading import Packs
from ..packs.targets import class_of, original
from ..program.call import Call, Target, state_of
from .autocast import in_one_dtype
from .declined import noting
from .kept import OPERATOR, KeptCall, Slot, keeper, keeping


class Interception:
    """The claimed calls of one capture; active inside ``with interception.of(model)``.

    Args:
        packs: who claims them.
        fallback: whether PyTorch may run calls that every converter declines.  Then one that a converter's
            ``shape_rule`` is for, as its own code cannot be traced for all sizes, stays whole nevertheless.
        mixed: whether the model is traced by autocast's rules, which has none for a call that stays whole: that takes
            one dtype, the widest.
    """

    def __init__(self, packs: Packs, *, fallback: bool = False, mixed: bool = False) -> None:
        self.packs, self._fallback, self._mixed = packs, fallback, mixed
        #: the functions that are claimed, with their targets
        self.functions = packs.registry.claimed("function")
        self._modules = packs.registry.claimed("module")
        self._calls: dict[str, KeptCall] = {}

    def __getitem__(self, key: str) -> KeptCall:
        return self._calls[key]

    def stays(self, call: KeptCall) -> bool:
        """Whether a call that every converter declines stays whole, for PyTorch to run."""
        return self._fallback and call.ruled

    @contextlib.contextmanager
    def of(self, model: torch.nn.Module) -> Iterator[None]:
        """Intercept this thread's claimed calls of functions and of ``model``'s modules."""
        with contextlib.ExitStack() as stack:
            for module in model.modules() if self._modules else ():
                if target := self._modules.get(original(type(module).forward)):
                    stack.enter_context(self._patched_module(module, target))
            if self.functions:
                stack.enter_context(self._patched_functions())
                stack.enter_context(_FunctionMode(self.functions))
            stack.enter_context(keeping(self))
            yield

    def keep(
        self, target: Target, function: Callable[..., Any], module: torch.nn.Module | None, args: Any, kwargs: Any
    ) -> Any:
        """Run one claimed call as one operator of the graph, or as it is where every converter declines it."""
        state = {} if module is None else state_of(module)
        if self._mixed:
            args, kwargs = in_one_dtype((args, kwargs), state)
        leaves, spec = pytree.tree_flatten((args, kwargs))
        if any(isinstance(leaf, (torch.SymFloat, torch.SymBool)) for leaf in leaves):
            return function(*args, **kwargs)
        tensors: list[torch.Tensor] = []
        sizes: list[Any] = []
        laid_out = tuple(_lay_out(leaf, tensors, sizes) for leaf in leaves)
        rules = (converter.shape_rule for converter in self.packs.registry.chain(target.obj))
        rule = next((rule for rule in rules if rule is not None), None)
        call = KeptCall(target, function, module, tuple(state), laid_out, spec, rule)
        self._calls[call.key] = call
        flat = OPERATOR([*state.values(), *tensors], sizes, call.key)
        full = tuple(args) if module is None else (module, *args)
        choice = choose(Call(target, "", (full, kwargs), full, kwargs, call.result(flat)), self.packs)
        if (choice.converter is None and not self.stays(call)) or call.writes:
            with noting(
                [f"it writes its {', '.join(call.writes)} when it is called"] if call.writes else choice.declined
            ):
                return function(*args, **kwargs)  # the operator has no users now and falls out of the graph
        outputs = list(flat)
        for output, changed in call.in_place.items():
            outputs[output] = tensors[changed - len(state)].copy_(flat[output])
        return call.result(outputs)

    @contextlib.contextmanager
    def _patched_module(self, module: torch.nn.Module, target: Target) -> Iterator[None]:
        original = module.forward
        own = module.__dict__.get("forward")

        @functools.wraps(original)
        def forward(*args: Any, **kwargs: Any) -> Any:
            if keeper() is not self:
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
    def _patched_functions(self) -> Iterator[None]:
        """Replace what PyTorch's function mode does not see."""
        unseen = [function for function in self.functions if not _is_of_pytorch(function)]
        with contextlib.ExitStack() as stack:
            for function in unseen:
                if _has_code(function):
                    stack.enter_context(self._rerouted(function))
            if others := {id(function): function for function in unseen if not _has_code(function)}:
                stack.enter_context(self._patched_places(others))
            yield

    @contextlib.contextmanager
    def _rerouted(self, function: FunctionType) -> Iterator[None]:
        """Replace the code of a function, whoever holds it under whatever name."""
        code, defaults, attributes = function.__code__, function.__kwdefaults__, vars(function)
        own = FunctionType(code, function.__globals__, function.__name__, function.__defaults__)
        own.__kwdefaults__ = defaults
        signature = attributes.get("__signature__")
        attributes["__signature__"] = inspect.signature(function)  # by which inputs are named
        # another thread may call it in between: code with an argument that it does not know is right, without one not
        function.__kwdefaults__ = {**(defaults or {}), _RUN: self._wrapped(function, own)}
        function.__code__ = _run_another.__code__
        try:
            yield
        finally:
            function.__code__ = code
            function.__kwdefaults__ = defaults
            del attributes["__signature__"]
            if signature is not None:
                attributes["__signature__"] = signature

    @contextlib.contextmanager
    def _patched_places(self, functions: Mapping[int, Any]) -> Iterator[None]:
        """Replace functions without code of their own wherever they are a global of a module or in a class."""
        wrappers = {key: self._wrapped(function, function) for key, function in functions.items()}
        places = _places([*sys.modules.values(), *map(class_of, functions.values())], functions)
        try:
            for owner, name, function in places:
                setattr(owner, name, wrappers[id(function)])
            yield
        finally:
            for owner, name, function in places:
                setattr(owner, name, function)

    def _wrapped(self, function: Any, own: Any) -> Callable[..., Any]:
        """What runs in the place of ``function``, which ``own`` does as it is."""
        target = self.functions[function]

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if keeper() is not self:
                return own(*args, **kwargs)
            return self.keep(target, own, None, args, kwargs)

        return wrapper


def _run_another(*args: Any, _torch2trt_run: Callable[..., Any], **kwargs: Any) -> Any:
    return _torch2trt_run(*args, **kwargs)


#: what the code above finds in the defaults of the function that it is given to
_RUN: Final = "_torch2trt_run"


def _has_code(function: Any) -> TypeIs[FunctionType]:
    """Whether a function is written in Python, with code that does not depend on where it was defined."""
    return isinstance(function, FunctionType) and not function.__closure__


def _is_of_pytorch(function: Any) -> bool:
    return (getattr(function, "__module__", None) or "torch").partition(".")[0] in ("torch", "builtins")


def _places(owners: Iterable[Any], wanted: Mapping[int, Any]) -> list[tuple[Any, str, Any]]:
    """The attributes of modules and classes that are wanted, which are by their ids, each with its owner and name."""
    ids, places = frozenset(wanted), []
    for owner in owners:
        own = getattr(owner, "__dict__", {})
        # of thousands of modules: a loop over their attributes in Python is too slow, and so is a function for each
        if not ids.isdisjoint(map(id, list(own.values()))):
            places += [(owner, name, value) for name, value in list(own.items()) if id(value) in ids]
    return places


class _FunctionMode(TorchFunctionMode):
    """Sees every call of a function or method of PyTorch."""

    def __init__(self, claimed: dict[Any, Target]) -> None:
        super().__init__()
        self._claimed = claimed

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        target = self._claimed.get(func)
        # Dynamo, which traces the branches of torch.cond, takes no function of this package apart
        if target is None or torch.compiler.is_dynamo_compiling():
            return func(*args, **(kwargs or {}))
        interception = keeper()
        if interception is None:
            return func(*args, **(kwargs or {}))
        return interception.keep(target, func, None, args, kwargs or {})


def _lay_out(leaf: Any, tensors: list[torch.Tensor], sizes: list[Any]) -> Any:
    if isinstance(leaf, torch.Tensor):
        tensors.append(leaf)
        return Slot(size=False, index=len(tensors) - 1)
    if isinstance(leaf, torch.SymInt):
        sizes.append(leaf)
        return Slot(size=True, index=len(sizes) - 1)
    return leaf
