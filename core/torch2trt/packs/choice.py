"""Choosing the converter of one call: what the hooks find, then the chain of the call's target; and calls with none."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from ..errors import PackError
from ..program.call import Call, ModuleOperand, Ref
from .converters import Converter, PackInfo
from .loading import Packs

_FIND = "torch2trt_find_converter"


@dataclass(frozen=True, slots=True)
class Choice:
    """Who converts a call."""

    #: None where all decline, or where there is none
    converter: Converter | None
    #: why converters that were asked earlier declined
    declined: tuple[str, ...]
    #: the other packs whose converters of the same target are not reached
    overrides: tuple[str, ...] = ()


def choose(call: Call, packs: Packs) -> Choice:
    """The first converter that takes ``call``, with the reasons of those that declined."""
    if reason := _why_not_whole(call):
        return Choice(None, (reason,))
    chain = packs.registry.chain(call.target.obj)
    declined: list[str] = []
    for converter in _candidates(call, packs, chain):
        reason = converter.why_declined(call)
        if reason is None:
            later = chain[chain.index(converter) + 1 :] if converter in chain else chain
            others = dict.fromkeys(other.pack.name for other in later if other.pack.name != converter.pack.name)
            return Choice(converter, tuple(declined), tuple(others))
        declined.append(f"{converter.pack.name}: {reason}")
    return Choice(None, tuple(declined))


def _why_not_whole(call: Call) -> str | None:
    """Why no converter can take a module, which is given to it with its parameters and buffers as constants."""
    module = next(iter(call.operands[0]), None)
    if not isinstance(module, ModuleOperand) or not module.varying:
        return None
    return f"its {', '.join(module.varying)} is no constant: the model computes or changes it when it is called"


def folds(call: Call, is_constant: Callable[[Ref], bool], packs: Packs) -> bool:
    """Whether PyTorch computes ``call`` once, while it is converted: only constants go in, no converter wants it."""
    overload = call.target.overload
    if overload is None or torch.Tag.nondeterministic_seeded in overload.tags:
        return False
    # a size that PyTorch does not know depends on the values of constants here
    if not all(isinstance(value, torch.Tensor) for value in call.results) or not all(map(is_constant, call.refs)):
        return False
    if all(converter.fold for converter in packs.registry.chain(call.target.obj)) and not packs.chooses_by_code:
        return True
    converter = choose(call, packs).converter
    return converter is None or converter.fold


def _candidates(call: Call, packs: Packs, chain: tuple[Converter, ...]) -> Iterator[Converter]:
    for pack in packs.implementers(_FIND):
        # each by itself, so that the plan can name the pack
        converter = packs.call_one(_FIND, pack.name, call=call)
        if converter is not None:
            yield _checked(converter, pack)
    yield from chain


def _checked(converter: object, pack: PackInfo) -> Converter:
    if not isinstance(converter, Converter):
        raise PackError(
            f"pack {pack}: {_FIND} returned a {type(converter).__name__}; "
            "return torch2trt.Converter(call.target, function), or None"
        )
    return dataclasses.replace(converter, pack=pack)
