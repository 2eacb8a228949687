"""What a capture must not leave behind: tensors of the trace in what a model keeps from call to call.

Tables that are computed once (in a dict of a module, or by ``functools.lru_cache``) would be FakeTensors from then on,
and the model itself would return some.  They are taken out again, so that the next call computes them anew.
"""

from __future__ import annotations

import functools
import gc
import sys
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import CellType, FunctionType, ModuleType
from typing import Any, Final, TypeVar

import torch
from torch._subclasses.fake_tensor import FakeTensor

from ..errors import CaptureError

R = TypeVar("R")
Holder = dict[Any, Any] | list[Any] | type
#: how far from the model what it keeps is looked for, and in containers of how many elements at most
_DEPTH: Final = 4
_LARGEST: Final = 1000
_NOT_USERS: Final = ("builtins", "torch", __name__.partition(".")[0])


def leaving_nothing(model: Any, trace: Callable[[], R]) -> R:
    """What ``trace`` returns; what ``model`` keeps is without tensors of the trace, also where it fails.

    Raises:
        CaptureError: a tensor of the trace stands where it cannot be taken out.
    """
    if gc.get_freeze_count():  # somebody else's, which would end with ours
        return trace()
    before = [(holder, _copy(holder)) for holder in _holders(model)]
    # older objects are out of the collector's sight, so that it is done sooner and says what is new
    gc.freeze()
    try:
        result = trace()
    except BaseException:
        _take_out(before, None)
        raise
    else:
        left = _take_out(before, result)
    finally:
        gc.unfreeze()
    if places := sorted({place for tensor in left if (place := _place(tensor))}):
        raise CaptureError(
            f"the model keeps tensors from call to call in {', '.join(places)}, where those of the capture, which have "
            "no values, cannot be taken out; put back what was there, and call the model once before converting it"
        )
    return result


def _holders(model: Any) -> Iterator[Holder]:
    """The dicts, lists and classes where a model may keep what it has computed."""
    seen: set[int] = set()
    # the nearest first: what is reached by two ways is looked into as far as the shorter one allows
    level: list[Any] = [model, getattr(model, "__self__", None), getattr(model, "__func__", None)]
    for _ in range(_DEPTH):
        following: list[Any] = []
        while level:
            value = level.pop()
            if id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, (dict, list)) or (isinstance(value, type) and _is_users(value)):
                yield value
            (level if isinstance(value, torch.nn.Module) else following).extend(_parts(value))
        level = following


def _parts(value: Any) -> list[Any]:
    """Where to look on from a value."""
    if isinstance(value, torch.nn.Module):
        return [part for child in value.modules() for part in (vars(child), *type(child).__mro__)]
    if isinstance(value, FunctionType):
        parts = [cell.cell_contents for cell in value.__closure__ or () if cell != CellType()]  # not an empty one
        return [*parts, vars(sys.modules[value.__module__])] if _is_users(value) else parts
    if isinstance(value, type):
        return [vars(sys.modules[value.__module__]), *_containers(vars(value))] if _is_users(value) else []
    if isinstance(value, (dict, list)):
        return _containers(value)
    return [vars(value)] if _is_users(type(value)) and hasattr(value, "__dict__") else []


def _containers(holder: Mapping[str, Any] | Collection[Any]) -> list[Any]:
    """What is in a container and may be one itself; nothing of one that is too large to be looked through."""
    if len(holder) > _LARGEST:
        return []
    values = list(holder.values()) if isinstance(holder, Mapping) else list(holder)
    return [value for value in values if not isinstance(value, (type, FunctionType, ModuleType, torch.Tensor))]


def _is_users(thing: Any) -> bool:
    """Whether a class or function is none of Python, PyTorch or this package."""
    return thing.__module__ in sys.modules and thing.__module__.partition(".")[0] not in _NOT_USERS


def _copy(holder: Holder) -> Any:
    if isinstance(holder, list):
        return list.copy(holder)
    return dict.copy(holder) if isinstance(holder, dict) else dict(vars(holder))


def _take_out(before: Iterable[tuple[Holder, Any]], kept: Any) -> list[FakeTensor]:
    """Take the tensors of a trace out of the holders and the caches of functions; those that are still elsewhere.

    Args:
        before: the holders with copies of what was in them.
        kept: what the trace has made, which may hold some.
    """
    new, fakes = _made()
    holds = functools.partial(_holds, new, fakes)
    restored = [_restore(holder, earlier, holds) for holder, earlier in before]
    if any(restored):
        new.clear()  # it would keep what was taken out
        new, fakes = _made()
    torchs = (t for t in new.values() if type(t).__module__.startswith("torch.") and not isinstance(t, torch.Tensor))
    left = fakes.keys() - _reachable([kept, *torchs], new)
    if left:
        gc.unfreeze()  # the caches of functions are older
        functions = [
            f for f in gc.get_referrers(functools._lru_cache_wrapper) if type(f) is functools._lru_cache_wrapper
        ]
        holding = [function for function in functions if _holds(new, fakes, *_cached(function))]
        new.clear()
        for function in holding:
            function.cache_clear()
        if holding and any(fakes[key]() is not None for key in left):
            gc.collect()  # what was in a cycle
    return [tensor for key in left if (tensor := fakes[key]()) is not None]


def _made() -> tuple[dict[int, Any], dict[int, weakref.ref[FakeTensor]]]:
    """What was made since older objects were frozen and is not garbage, and the FakeTensors among it, by their ids."""
    gc.collect()
    new = {id(thing): thing for thing in gc.get_objects()}
    return new, {key: weakref.ref(thing) for key, thing in new.items() if isinstance(thing, FakeTensor)}


def _cached(function: Any) -> list[Any]:
    """What an ``lru_cache`` keeps, keys and results."""
    kept = gc.get_referents(function)
    return [*kept, *(value for table in kept if type(table) is dict for value in table.values())]


def _holds(new: Mapping[int, Any], fakes: Mapping[int, Any], *values: Any) -> bool:
    return not fakes.keys().isdisjoint(_reachable(values, new))


def _reachable(starts: Iterable[Any], new: Mapping[int, Any]) -> set[int]:
    """The ids of what objects hold, themselves included, by way of objects that are new."""
    found: set[int] = set()
    todo = list(starts)
    while todo:
        thing = todo.pop()
        if id(thing) in new and id(thing) not in found:
            found.add(id(thing))
            todo += gc.get_referents(thing)
            if isinstance(thing, FakeTensor) and thing._base is not None:  # which a view holds out of Python's sight
                todo.append(thing._base)
    return found


def _restore(holder: Holder, earlier: Any, is_left: Callable[[Any], bool]) -> bool:
    """Take what ``is_left`` says out of a holder; whether there was any."""
    if isinstance(holder, list):
        if restored := any(map(is_left, holder)):
            holder[:] = earlier
        return restored
    restored = False
    for key, value in _copy(holder).items():
        if value is earlier.get(key) or not is_left(value):
            continue
        restored = True
        if isinstance(holder, type):
            setattr(holder, key, earlier[key]) if key in earlier else delattr(holder, key)
        elif key in earlier:
            holder[key] = earlier[key]
        else:
            del holder[key]
    return restored


def _place(tensor: FakeTensor) -> str:
    """Who of the user's keeps a tensor, or ""."""
    held: list[Any] = [tensor]
    for _ in range(_DEPTH):
        holders = gc.get_referrers(*held)
        held = [holder for holder in holders if isinstance(holder, (dict, list, tuple, set, CellType))]
        for holder in holders:
            named = isinstance(holder, (type, FunctionType))
            if isinstance(holder, ModuleType) and holder.__name__.partition(".")[0] not in _NOT_USERS:
                return f"the module {holder.__name__}"
            if not isinstance(holder, ModuleType) and _is_users(owner := holder if named else type(holder)):
                return f"{owner.__module__}.{owner.__qualname__}"
    return ""
