"""Targets: what a converter converts, named by a string and known by the identity of the object.

============  ======================================================  =====================================
level         spelling                                                what is kept whole
============  ======================================================  =====================================
``operator``  ``aten.add.Tensor``, ``mylib.fused.default``            an operator overload in the program
              ``operator.mul``, ``math.ceil``, ``torch.sym_max``      arithmetic on sizes (SymInts)
              ``higher_order.cond``                                   an operator that runs subprograms
``function``  ``torch.nn.functional.gelu``, ``torch.Tensor.roll``     one call of a function or method
``module``    ``torch.nn.ReLU.forward``, ``mylab.RMSNorm.forward``    one call of a module, subclasses included
============  ======================================================  =====================================
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from typing import Any, Final

import torch

from ..errors import TargetError, did_you_mean
from ..program.call import Level, Target

#: the attribute in which what stands in a method's place has the method
ORIGINAL: Final = "__torch2trt_original__"


def resolve(target: str | Callable[..., Any]) -> Target:
    """The target that a string names, or that an object is; :class:`TargetError` with the right spelling otherwise."""
    if not isinstance(target, str):
        return describe(original(target))
    obj = original(_operator(target) or _import(target))
    if not callable(obj):
        raise TargetError(f"target {target!r} is a {type(obj).__name__}, not something that a model calls")
    if inspect.isclass(obj) and issubclass(obj, torch.nn.Module):
        raise TargetError(f"target {target!r} is a module class; name its method: {target + '.forward'!r}")
    return Target(target, _level(obj), obj)


def original(method: Any) -> Any:
    """A method as its class defines it, also while some thread's capture has a rule in its place."""
    return getattr(method, ORIGINAL, method)


def class_of(function: Any) -> type | None:
    """The class that a method written in Python is defined in, where a module has it; None for other functions."""
    *path, name = function.__qualname__.split(".") if inspect.isfunction(function) else ("",)
    # the module that it names: what a decorator made has the globals of the decorator
    owner: Any = sys.modules.get(function.__module__) if path else None
    for part in path:
        owner = getattr(owner, part, None)
    return owner if isinstance(owner, type) and original(vars(owner).get(name)) is function else None


def resolve_class(name: str | type) -> type:
    """The class that a string names; :class:`TargetError` where there is none."""
    found = _import(name) if isinstance(name, str) else name
    if not isinstance(found, type):
        raise TargetError(f"{name!r} is no class")
    return found


def describe(obj: Callable[..., Any]) -> Target:
    """The target of a callable that is at hand, with the name that users know it by."""
    if isinstance(obj, torch._ops.OpOverload):
        return Target(str(obj), "operator", obj)
    if isinstance(obj, torch._ops.HigherOrderOperator):
        return Target(f"higher_order.{obj.name()}", "operator", obj)
    module = getattr(obj, "__module__", None) or getattr(getattr(obj, "__objclass__", None), "__module__", None)
    name = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None) or repr(obj)
    return Target(f"{module.lstrip('_')}.{name}" if module else str(name), _level(obj), obj)


def _level(obj: Callable[..., Any]) -> Level:
    if isinstance(obj, torch._ops.OperatorBase):
        return "operator"
    name = getattr(obj, "__name__", "")
    if getattr(obj, "__module__", None) in ("_operator", "operator", "math") or name.startswith("sym_"):
        return "operator"  # arithmetic on sizes
    return "module" if name == "forward" else "function"


def _operator(name: str) -> torch._ops.OperatorBase | None:
    namespace, _, rest = name.partition(".")
    packet_name, _, overload = rest.partition(".")
    if not packet_name or "." in overload:
        return None
    packet = getattr(getattr(torch.ops, namespace), packet_name, None)
    if isinstance(packet, torch._ops.HigherOrderOperator) and not overload:
        return packet
    if packet is None and namespace != "aten":
        # an operator library such as torchvision defines its operators when it is imported
        try:
            importlib.import_module(namespace)
        except ImportError:
            return None
        packet = getattr(getattr(torch.ops, namespace), packet_name, None)
    if not isinstance(packet, torch._ops.OpOverloadPacket):
        return None
    if overload in packet.overloads():
        return getattr(packet, overload)  # type: ignore[no-any-return]
    spellings = ", ".join(f"{namespace}.{packet_name}.{known}" for known in packet.overloads())
    raise TargetError(f"target {name!r} does not name an overload; the spellings are: {spellings}")


def _dotted(name: str) -> str:
    """``aten.add.Tensor`` of PyTorch's own ``aten::add.Tensor``."""
    dotted = name.replace("::", ".")
    return dotted if dotted.count(".") > 1 else f"{dotted}.default"


def _import(name: str) -> Any:
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module_name = ".".join(parts[:cut])
        try:
            obj: Any = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            # the name may be a class further left; a failing import *inside* that module is its own error
            if error.name and module_name.startswith(error.name):
                continue
            raise TargetError(f"target {name!r} cannot be imported: {error}") from error
        for index, part in enumerate(parts[cut:], cut):
            if not hasattr(obj, part):
                where = ".".join(parts[:index])
                raise TargetError(
                    f"target {name!r} does not resolve: {where} has no {part!r}{did_you_mean(part, dir(obj))}"
                )
            obj = getattr(obj, part)
        return obj
    if known := [_dotted(one) for one in torch._C._dispatch_get_all_op_names() if one.startswith(f"{parts[0]}::")]:
        raise TargetError(
            f"target {name!r} does not resolve: the operator library {parts[0]!r} has no {'.'.join(parts[1:])!r}"
            f"{did_you_mean(name, known)}"
        )
    raise TargetError(
        f"target {name!r} does not resolve: there is no module or operator library {parts[0]!r}. "
        "Spell an operator 'aten.relu.default', a function 'torch.nn.functional.relu', a module 'torch.nn.ReLU.forward'"
    )
