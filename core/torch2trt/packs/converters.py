"""Converters: checking that a marked function fits its target, and the record of a registered one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from .. import _trt
from ..errors import PackError, RejectsError, did_you_mean
from ..program.call import Call, Target
from .marks import Invoke, Rejects, ShapeRule, call_with_torch_arguments, marks
from .targets import resolve


@dataclass(frozen=True, slots=True)
class PackInfo:
    """Where converters come from."""

    name: str
    distribution: str = ""
    version: str = ""

    def __str__(self) -> str:
        """``vision (torch2trt-ops-vision 0.1.0)``."""
        source = f"{self.distribution} {self.version}".strip()
        return f"{self.name} ({source})" if source else self.name


@dataclass(frozen=True, slots=True)
class Converter:
    """A converter of one target.

    Packs get theirs from ``registry.add``; a ``torch2trt_find_converter`` hook makes one of a call's target and a
    function, and the core notes the pack.
    """

    #: what it converts
    target: Target
    #: called with ``(ctx, *torch's own arguments)``
    function: Callable[..., Any]
    #: who brings it
    pack: PackInfo = PackInfo("")
    #: how the function is called
    invoke: Invoke = call_with_torch_arguments
    #: gives the reason for declining a call
    rejects: Rejects | None = None
    #: requirements on TensorRT, any of which is enough
    requires: tuple[Requirement, ...] = ()
    #: False keeps calls of constants for it
    fold: bool = True
    #: gives the results' shapes in the original's place
    shape_rule: ShapeRule | None = None
    #: the classes of objects that calls take and files may hold
    stores: tuple[str | type, ...] = ()

    @property
    def name(self) -> str:
        """``mylab_ops.activation.relu``."""
        module = getattr(self.function, "__module__", "?")
        return f"{module}.{getattr(self.function, '__qualname__', repr(self.function))}"

    @property
    def file(self) -> str:
        """The file that the function is in, or ""."""
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        return str(code.co_filename) if code else ""

    @property
    def location(self) -> str:
        """``activation.py:12``, the line of the function."""
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        return f"{self.file.rpartition('/')[2]}:{code.co_firstlineno}" if code else ""

    @property
    def unmet(self) -> str | None:
        """Why it takes no call with the TensorRT that is here; None where it may."""
        return _unmet(self.requires) if self.requires else None

    def why_declined(self, call: Call) -> str | None:
        """Why this converter does not take ``call``, or None."""
        if self.unmet:
            return self.unmet
        if self.rejects is None:
            return None
        known: dict[str, Any] = {"call": call}
        names = _named_parameters(self.rejects)
        if names != ["call"]:
            try:
                bound = inspect.signature(self.function).bind(None, *call.args, **call.kwargs)
            except TypeError as error:  # a function of PyTorch with several signatures
                return f"{self.name} does not take these arguments: {error}"
            bound.apply_defaults()
            known |= bound.arguments
        try:
            reason = self.rejects(**{name: known[name] for name in names})
        except Exception as error:
            raise PackError(self._rejects_failed(call, f"failed: {type(error).__name__}: {error}")) from error
        if reason is not None and not isinstance(reason, str):
            raise RejectsError(
                self._rejects_failed(
                    call, f"returned {reason!r}; it must return the reason for declining (a str) or None"
                )
            )
        return reason

    def _rejects_failed(self, call: Call, why: str) -> str:
        return (
            f"rejects of {self.name} (pack {self.pack}, {self.location}) {why}\n"
            f"  target {self.target.name}({call.describe_arguments()})   in {call.where}"
        )


def _named_parameters(function: Any) -> list[str]:
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [name for name, p in inspect.signature(function).parameters.items() if p.kind not in variable]


def from_marks(function: Callable[..., Any], pack: PackInfo, pack_requires: Sequence[str] = ()) -> Iterator[Converter]:
    """The converters that a marked function stands for, each resolved and checked against its target."""
    for mark in marks(function):
        requires = tuple(_requirement(text, function) for text in mark.requires or pack_requires)
        for name in mark.targets:
            target = resolve(name)
            if mark.invoke is call_with_torch_arguments:
                _check_signature(function, target)
                if mark.rejects is not None:
                    _check_rejects(mark.rejects, function)
            rest = (requires, mark.fold, mark.shape_rule, mark.stores)
            yield Converter(target, function, pack, mark.invoke, mark.rejects, *rest)


def _check_rejects(rejects: Rejects, function: Callable[..., Any]) -> None:
    known = ["call", *_named_parameters(function)[1:]]
    for name in _named_parameters(rejects):
        if name not in known:
            raise PackError(
                f"rejects of {function.__module__}.{function.__qualname__} names {name!r}, which is none of "
                f"the converter's arguments: {', '.join(known)}{did_you_mean(name, known)}"
            )


def _check_signature(function: Callable[..., Any], target: Target) -> None:
    """Bind ``function`` as the lowering will: all of the target's arguments, and only those without a default."""
    arguments = _arguments(target)
    if arguments is None:
        return
    signature = inspect.signature(function)
    for chosen in ([a for a in arguments if not a[2]], arguments):
        positional = [name for name, keyword, _ in chosen if not keyword]
        keywords = {name: None for name, keyword, _ in chosen if keyword}
        try:
            signature.bind(None, *positional, **keywords)
        except TypeError as error:
            schema = target.overload._schema if target.overload else inspect.signature(target.obj)
            raise PackError(
                f"{function.__module__}.{function.__qualname__}{signature} does not fit {target.name}: {error}. "
                f"It is called with (ctx or call, *arguments) of: {schema}"
            ) from None


def _arguments(target: Target) -> list[tuple[str, bool, bool]] | None:
    """``(name, keyword only, has a default)`` of each argument; None where Python cannot tell."""
    if target.overload is not None:
        return [(a.name, a.kwarg_only, a.has_default_value()) for a in target.overload._schema.arguments]
    if target.level != "module":
        return None  # inspect.signature fails on most functions of torch, and misnames others
    parameters = inspect.signature(target.obj).parameters.values()
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        return None
    return [(p.name, p.kind is p.KEYWORD_ONLY, p.default is not p.empty) for p in parameters]


def _requirement(text: str, function: Callable[..., Any]) -> Requirement:
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise PackError(f"{function.__module__}.{function.__qualname__}: requires={text!r}: {error}") from None
    if requirement.name not in _trt.MODULES:
        raise PackError(
            f"{function.__module__}.{function.__qualname__}: requires={text!r} names no flavor of TensorRT; "
            f"use {' or '.join(_trt.MODULES)}"
        )
    return requirement


def _unmet(requires: Sequence[Requirement]) -> str | None:
    version = _trt.version()
    if version is None:
        return None  # planning without TensorRT: nothing to hold it against
    if any(r.name == _trt.FLAVOR and r.specifier.contains(version, prereleases=True) for r in requires):
        return None
    return f"needs {' or '.join(str(r) for r in requires)}, here is {_trt.FLAVOR} {version}"
