"""What a conversion is given, held against what the model takes, before anything is traced."""

from __future__ import annotations

import collections
import inspect
import operator
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any, Final

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils import _pytree as pytree

from ..errors import InputError, did_you_mean
from ..program.call import state_of
from ..program.memory import overlap, storage_of

_PLAIN: Final = (torch.Tensor, type(None), bool, int, float, str, torch.SymInt)
_SIMPLE: Final = (type(None), bool, int, float, str)
_STARS: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def check_model(model: Any) -> None:
    """Refuse what is no model, and a model without values."""
    kind = type(model).__name__
    if isinstance(model, Mapping):
        raise InputError(f"the model is of type {kind}, as a state dict is; make the module and use load_state_dict")
    if isinstance(model, type):
        raise InputError(f"the model is the class {model.__name__}; convert an instance of it")
    if isinstance(model, torch.jit.ScriptModule):
        raise InputError("the model is a ScriptModule, which torch.export does not take; convert the original module")
    if not callable(model):
        raise InputError(f"the model must be a module, a callable or an ExportedProgram, got {kind}")
    for name, tensor in (state_of(model) if isinstance(model, torch.nn.Module) else {}).items():
        if tensor.is_meta or isinstance(tensor, FakeTensor):
            raise InputError(f"the model's {name!r} has no values ({tensor.device}); load its weights first")


def signature_of_model(model: Any) -> inspect.Signature | None:
    """How a module or callable is called; None for a built-in that does not say."""
    try:
        return inspect.signature(model.forward if isinstance(model, torch.nn.Module) else model)
    except (TypeError, ValueError):
        return None


def call_names(
    signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[list[str], list[tuple[str, Any]]]:
    """The names of what may be given by position, and the defaults of what these inputs leave out, where simple."""
    names: list[str] = []
    for parameter in signature.parameters.values():
        if parameter.kind in _POSITIONAL:
            names.append(parameter.name)
        elif parameter.kind is parameter.VAR_POSITIONAL:
            names += _star_names(parameter.name, len(args) - len(names))
    given = {*names[: len(args)], *kwargs}
    rest = (parameter for parameter in signature.parameters.values() if parameter.name not in given)
    return names, [(parameter.name, parameter.default) for parameter in rest if isinstance(parameter.default, _SIMPLE)]


def by_parameter(model: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call by the names of the parameters, ``*args`` and ``**kwargs`` as one each."""
    try:
        if signature := signature_of_model(model):
            return signature.bind(*args, **kwargs).arguments
    except TypeError:  # said where the inputs are checked
        pass
    return {**{f"input_{index}": value for index, value in enumerate(args)}, **kwargs}


def without_stars(model: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> inspect.Signature | None:
    """A signature with a parameter for each input of a star, which ``torch.export`` can name in the guards it writes.

    None where there is no star.
    """
    signature = signature_of_model(model)
    if signature is None or not _stars(signature):
        return None
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            names = _star_names(parameter.name, len(args) - len(parameters))
            parameters += [inspect.Parameter(name, _POSITIONAL[1], default=None) for name in names]
        elif parameter.kind is parameter.VAR_KEYWORD:
            names = [name for name in kwargs if name not in signature.parameters]
            parameters += [inspect.Parameter(name, parameter.KEYWORD_ONLY) for name in names]
        else:
            parameters.append(parameter)
    return signature.replace(parameters=parameters)


def shapes_without_stars(model: Any, args: Sequence[Any], kwargs: Mapping[str, Any], dynamic_shapes: Any) -> Any:
    """Dynamic shapes for the signature that :func:`without_stars` gives."""
    signature = signature_of_model(model)
    stars = _stars(signature) if signature else ()
    if dynamic_shapes is None or not stars:
        return dynamic_shapes
    if not isinstance(dynamic_shapes, Mapping):
        dynamic_shapes = dict(zip(by_parameter(model, args, kwargs), dynamic_shapes, strict=False))
    shapes: dict[str, Any] = {}
    for name, value in dynamic_shapes.items():
        if name not in stars:
            shapes[name] = value
        elif value is not None:
            nested = isinstance(value, Mapping)
            shapes.update(value if nested else zip(_star_names(name, len(value)), value, strict=True))
    return shapes


def _stars(signature: inspect.Signature) -> list[str]:
    return [name for name, parameter in signature.parameters.items() if parameter.kind in _STARS]


def _star_names(name: str, count: int) -> list[str]:
    return [f"{name}_{index}" for index in range(count)]


def check_given(model: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """That a model takes these inputs, and an engine their tensors.

    Raises:
        InputError: the first input that does not fit, by name, with what the model takes.
    """
    names = [f"input_{index}" for index in range(len(args))]
    if signature := signature_of_model(model):
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            plain = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
            takes = signature.replace(parameters=plain, return_annotation=inspect.Signature.empty)
            unknown = next((name for name in kwargs if name not in signature.parameters), "")
            cure = did_you_mean(unknown, signature.parameters)
            raise InputError(f"the inputs do not fit the model, which takes {takes}: {error}{cure}") from None
        names, _ = call_names(signature, args, kwargs)
    leaves = [
        (name + pytree.keystr(path), leaf)
        for name, value in {**dict(zip(names, args, strict=False)), **kwargs}.items()
        for path, leaf in pytree.tree_leaves_with_path(value)
    ]
    for name, leaf in leaves:
        if reason := _why_not_traced(leaf):
            raise InputError(f"input {name!r} {reason}")
    if model is not None and leaves and not any(isinstance(leaf, torch.Tensor) for _, leaf in leaves):
        raise InputError("the inputs have no tensor; describe one of some shape with torch2trt.Input(shape)")


def _why_not_traced(leaf: Any) -> str | None:
    if not isinstance(leaf, _PLAIN):
        kind = f"{type(leaf).__module__}.{type(leaf).__qualname__}"
        if hasattr(leaf, "__array__"):
            return f"is a {kind}; give a tensor, such as torch.as_tensor makes of it"
        if kind.partition(".")[0] in ("torch", "builtins"):
            return f"is a {kind}, which does not vary; leave it out and convert functools.partial(model, ...)"
        return f"is a {kind}, in which PyTorch sees no tensors; {how_to_register(type(leaf))}, or give its tensors"
    if not isinstance(leaf, torch.Tensor):
        return None
    if leaf.is_quantized or leaf.layout is not torch.strided or leaf.is_nested:
        kind = "quantized" if leaf.is_quantized else "nested" if leaf.is_nested else str(leaf.layout)
        return f"is a {kind} tensor, and engines take dense ones, such as .to_dense() or .dequantize() gives"
    if leaf.is_meta or isinstance(leaf, FakeTensor):
        return "has no values and no device to run on; describe it with torch2trt.Input(shape, dtype=...)"
    return None


def how_to_register(kind: type) -> str:
    """How PyTorch learns which tensors are in objects of a class."""
    name = "register_dataclass" if is_dataclass(kind) else "register_pytree_node"
    rest = "" if is_dataclass(kind) else ", flatten, unflatten"
    return (
        f"register the class first: torch.utils._pytree.{name}({kind.__qualname__}{rest}, "
        f"serialized_type_name={kind.__module__ + '.' + kind.__qualname__!r})"
    )


def apart(leaves: Sequence[Any], own: Sequence[torch.Tensor]) -> tuple[list[Any], frozenset[int]]:
    """The leaves, each tensor with memory of its own, and the places of those whose values another has too.

    torch.export takes one object for one value, and does not see that two have memory in common.
    """
    earlier: dict[int, list[tuple[int, torch.Tensor]]] = collections.defaultdict(list)
    for tensor in own:
        earlier[storage_of(tensor)].append((-1, tensor))
    result = list(leaves)
    repeated: set[int] = set()
    for index, leaf in enumerate(leaves):
        if not isinstance(leaf, torch.Tensor) or leaf.numel() == 0:
            continue
        sharing = earlier[storage_of(leaf)]
        overlapping = [other for other, tensor in sharing if overlap(leaf, tensor)]
        repeated |= {index, *overlapping} if overlapping else set()
        result[index] = leaf.detach().clone() if sharing else leaf
        sharing.append((index, leaf))
    return result, frozenset(repeated)


def sizes_of(name: str, shape: Any) -> tuple[int, ...]:
    """A shape of an ``Input``, checked."""
    if isinstance(shape, int):
        raise InputError(f"Input needs {name} as a sequence of sizes, got {shape}; write ({shape},)")
    try:
        sizes = [operator.index(size) for size in shape if not isinstance(size, bool)]
    except TypeError:
        sizes = [-1]
    if isinstance(shape, str) or len(sizes) != len(shape) or any(size < 0 for size in sizes):
        raise InputError(
            f"Input needs whole numbers of 0 and more in {name}, got {shape!r}; a size that varies has a min and a max"
        )
    return tuple(sizes)
