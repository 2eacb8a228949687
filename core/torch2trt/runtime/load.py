"""Loading a converted module from a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .module import TRTModule
from .store import from_manifest, read

if TYPE_CHECKING:
    from ..packs.loading import Packs


def load(path: str | os.PathLike[str], *, packs: Packs | None = None) -> TRTModule:
    """The module that :meth:`TRTModule.save` wrote.

    Args:
        path: the file.
        packs: where the TensorRT plugins that the engine needs come from; by default the installed packs.

    Raises:
        EngineError: the file is truncated, not ours, its engine is of another flavor or version of TensorRT, or needs
            the plugins of a pack that is not here.
    """
    manifest, serialized = read(path)
    return TRTModule(*from_manifest(manifest, serialized, repr(os.fspath(path)), packs))
