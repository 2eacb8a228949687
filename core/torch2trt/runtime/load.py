"""Loading a converted module from a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..cache.place import Cache
from .engine import Engine
from .module import TRTModule
from .raw import RawEngine
from .state import unpacked
from .store import from_manifest, read

if TYPE_CHECKING:
    from ..packs.loading import Packs


def load(path: str | os.PathLike[str], *, packs: Packs | None = None, cache: Cache = True) -> TRTModule:
    """The module that :meth:`TRTModule.save` wrote.

    Everything in the file is checked before it is used; no module is imported and no code is run that it names.  The
    engine itself is TensorRT's to read when it first runs, and what PyTorch runs of the model are calls of operators
    that the file names, so run only modules whose origin you trust.

    Args:
        path: the file.
        packs: where the TensorRT plugins that the engine needs come from, and functions that PyTorch runs whole; by
            default the installed packs.
        cache: whether the kernels that TensorRT for RTX compiles are kept for the next process, or the folder for them.

    Raises:
        EngineError: the file is truncated, edited or not ours, its engine is of another flavor or version of
            TensorRT, or needs the plugins or functions of a pack, or operators, that are not here.
        OSError: the file is not there or cannot be read.
    """
    manifest, members, values = read(path)
    where = repr(os.fsdecode(path))
    body, signature = from_manifest(manifest, members, where, packs)
    engine, hybrid = (body, None) if isinstance(body, Engine) else (None, body)
    return TRTModule(engine, signature=signature, hybrid=hybrid, state=unpacked(signature, values, where), cache=cache)


def load_engine(
    engine: RawEngine,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    *,
    cache: Cache = True,
) -> TRTModule:
    """A module of an engine that something else built, such as trtexec, or that :meth:`TRTModule.export_engine` wrote.

    It takes the engine's inputs by position or by their names, checked against what the engine says of them, and
    returns its only output, or a tuple of them.  TensorRT reads the file; load only engines whose origin you trust.

    Args:
        engine: the path of a file, the engine's bytes, or an ``ICudaEngine``.
        input_names: the inputs in the order of the arguments; by default the engine's own order.
        output_names: the outputs that are returned; by default all.
        cache: as :func:`load` takes it.

    Raises:
        EngineError: there is no GPU, TensorRT cannot load the engine, or its tensors have other names.
        OSError: the file is not there or cannot be read.
    """
    return TRTModule(engine, input_names, output_names, cache=cache)
