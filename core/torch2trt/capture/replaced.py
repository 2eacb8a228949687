"""Functions and methods that are traced by a rule in their place, because PyTorch cannot trace them themselves."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from ..packs.targets import ORIGINAL, class_of, original
from .rules import Table


@contextlib.contextmanager
def replacing(rules: Table) -> Iterator[None]:
    """Let this thread run, in place of a function or method that has a rule, its rule.

    Args:
        rules: those of operators are for the decomposition, and not looked at; what returns NotImplemented leaves the
            call to the original.
    """
    functions = {original(key): rule for key, rule in rules.items() if not isinstance(key, torch._ops.OperatorBase)}
    if not functions:
        yield
        return
    with contextlib.ExitStack() as stack:
        for function, rule in functions.items():
            if (owner := class_of(function)) is not None:
                stack.enter_context(_replaced(owner, function, rule))
        stack.enter_context(_Rules(functions))
        yield


@contextlib.contextmanager
def _replaced(owner: type, function: Callable[..., Any], rule: Callable[..., Any]) -> Iterator[None]:
    """For all instances, those of subclasses included, whose own method may call this one."""
    thread, before = threading.get_ident(), vars(owner)[function.__name__]

    @functools.wraps(function)
    def method(*args: Any, **kwargs: Any) -> Any:
        result = rule(*args, **kwargs) if threading.get_ident() == thread else NotImplemented
        return function(*args, **kwargs) if result is NotImplemented else result

    setattr(method, ORIGINAL, function)
    setattr(owner, function.__name__, method)
    try:
        yield
    finally:
        setattr(owner, function.__name__, before)


class _Rules(TorchFunctionMode):
    """Runs the rules of the functions of PyTorch that are not written in Python."""

    def __init__(self, rules: Mapping[Any, Callable[..., Any]]) -> None:
        super().__init__()
        self._rules = rules

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        # Dynamo, which traces the branches of torch.cond, takes no function of this package apart
        rule = None if torch.compiler.is_dynamo_compiling() else self._rules.get(func)
        result = NotImplemented if rule is None else rule(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {})) if result is NotImplemented else result
