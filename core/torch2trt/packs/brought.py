"""Functions and modules that PyTorch runs whole, as files know them: by the pack that claims them, and by name.

A file can name anything.  So what it calls comes of a loaded pack's registry, and objects among the arguments are of
classes that the pack itself lists: the file decides neither what is imported nor what is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..errors import EngineError
from ..program.call import Target
from .converters import PackInfo
from .targets import class_of, resolve_class

if TYPE_CHECKING:
    from .loading import Packs


#: the libraries of PyTorch's own operators for tensors
OWN: Final = ("aten", "prims")


@dataclass(frozen=True, slots=True)
class Brought:
    """What a pack knows of a call that PyTorch runs."""

    target: Target
    pack: PackInfo
    #: those of objects that the call may take, by their names
    classes: Mapping[str, type]


def brought(packs: Packs, target: Target) -> Brought | None:
    """What the first pack that claims ``target`` knows of it; None where none does, and for PyTorch's own operators."""
    claims = packs.registry.chain(target.obj)
    is_own = target.level == "operator" and (target.overload is None or target.overload.namespace in OWN)
    if is_own or not claims:
        return None
    pack = claims[0].pack
    known = [resolve_class(name) for claim in claims if claim.pack == pack for name in claim.stores]
    own = class_of(target.obj)
    classes = {class_name(kind): kind for kind in ([own] if own else []) + known}
    return Brought(claims[0].target, pack, classes)


def finder(packs: Packs | None, where: str) -> Callable[[Mapping[str, str], str, str], Brought]:
    """Finds calls of a file by pack, name and level; the packs are loaded for the first.

    Args:
        packs: the packs; by default those that are installed and the script's own converters.
        where: what is read, for errors.
    """
    loaded = packs

    def find(pack: Mapping[str, str], name: str, level: str) -> Brought:
        nonlocal loaded
        if loaded is None:
            from .user import current_packs

            loaded = current_packs()
        here = [claim for claim in loaded.converters if claim.pack.name == pack["name"]]
        claim = next((one for one in here if (one.target.name, one.target.level) == (name, level)), None)
        if claim is None or (found := brought(loaded, claim.target)) is None:
            source = f" ({pack['distribution']} {pack['version']})" if pack["distribution"] else ""
            lack = "which claims no such call here" if here else "which is not loaded here"
            cure = f"pip install {pack['distribution']}" if pack["distribution"] else "torch2trt.load(..., packs=...)"
            raise EngineError(f"{where} calls {name!r} of the pack {pack['name']!r}{source}, {lack}; {cure}")
        return found

    return find


def class_name(kind: type) -> str:
    """What a file calls a class."""
    return f"{kind.__module__}.{kind.__qualname__}"


def pack_of(found: Brought | None) -> dict[str, Any] | None:
    """What a file says of the pack of a call."""
    if found is None:
        return None
    return {"name": found.pack.name, "distribution": found.pack.distribution, "version": found.pack.version}
