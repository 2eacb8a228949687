"""Loading a converted module from a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..cache.place import Cache
from .module import TRTModule
from .state import unpacked
from .store import from_manifest, read

if TYPE_CHECKING:
    from ..packs.loading import Packs


def load(path: str | os.PathLike[str], *, packs: Packs | None = None, cache: Cache = True) -> TRTModule:
    """The module that :meth:`TRTModule.save` wrote.

    Everything in the file is checked before it is used; no module is imported and no code is run that it names.  The
    engine itself is TensorRT's to read when it first runs, so run only engines whose origin you trust.

    Args:
        path: the file.
        packs: where the TensorRT plugins that the engine needs come from; by default the installed packs.
        cache: whether the kernels that TensorRT for RTX compiles are kept for the next process, or the folder for them.

    Raises:
        EngineError: the file is truncated, edited or not ours, its engine is of another flavor or version of
            TensorRT, or needs the plugins of a pack that is not here.
        OSError: the file is not there or cannot be read.
    """
    manifest, serialized, values = read(path)
    where = repr(os.fsdecode(path))
    engine, signature = from_manifest(manifest, serialized, where, packs)
    return TRTModule(engine, signature, state=unpacked(signature, values, where), cache=cache)
