"""What is kept of a converted module: engines, calling convention and buffers, in files, state dicts and pickles."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch

from ..errors import EngineError
from ..program.signature import Signature
from .engine import Engine
from .manifest import manifest
from .packed import Packed, packed
from .parts import Hybrid
from .raw import from_raw_state, is_raw_state
from .state import State, unpacked
from .store import from_manifest, members_of, save

#: the values that buffers had at first, in a state dict
_FIRST: Final = "first"


class KeptModule(torch.nn.Module):
    """A module of an engine, or of several with what PyTorch runs, a signature and buffers, whatever runs it."""

    signature: Signature | None
    #: the buffers that the model writes when it is called, where the model has them; None where it writes none
    state: torch.nn.Module | None
    _engine: Engine | None
    _hybrid: Hybrid | None
    _state: State | None

    def reset(self) -> None:
        """Set the buffers of ``state`` back to their values at conversion."""
        if self._state is not None:
            self._state.reset()

    def buffers_written(self) -> list[torch.Tensor]:
        """The tensors of ``state``, in the order of ``signature.state``."""
        return [] if self._state is None else self._state.tensors()

    def share_state(self, other: KeptModule) -> None:
        """Have the buffers of another module, which writes the same ones, in the place of its own.

        What either writes the other reads: two conversions of one model, for other shapes, go on where the other is.

        Args:
            other: the module whose buffers they stay.

        Raises:
            EngineError: they do not write the same buffers.
        """
        own, wanted = (one.signature.state if one.signature else () for one in (self, other))
        shapes = [[(tensor.shape, tensor.dtype) for tensor in one.buffers_written()] for one in (self, other)]
        if not own or own != wanted or shapes[0] != shapes[1]:
            raise EngineError(
                f"the modules do not write the same buffers: {[one.path for one in own]} and "
                f"{[one.path for one in wanted]}"
            )
        self._keep(other._state)

    def _keep(self, state: State | None) -> None:
        self._state = state
        self.state = state.module if state else None

    @property
    def serialized(self) -> bytes | None:
        """The serialized engine; None where none was built, and where there is not one for all."""
        return self._engine.serialized if self._engine else None

    def manifest(self) -> dict[str, Any]:
        """What the module is: its inputs and outputs, engine or segments, packs and calls, as JSON-able values."""
        return manifest(*self._saveable())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the module to a file for :func:`torch2trt.load`: a zip of a manifest and the engine, without pickle.

        The values of its buffers, where it has some, are in the file too, as are all engines and what PyTorch runs
        between them.

        Raises:
            EngineError: there is no engine, or PyTorch runs a call that no file can hold, which is named.
        """
        save(path, *self._saveable(), self._state)

    def export_engine(self, path: str | os.PathLike[str]) -> None:
        """Write the engine alone, as trtexec and programs in other languages load it.

        :func:`torch2trt.load_engine` reads it; the calling convention and the values of buffers are not in it.
        """
        body, _ = self._saveable()
        if not isinstance(body, Engine):
            raise EngineError("there is no engine of the whole module, of which PyTorch runs parts; use save")
        Path(path).write_bytes(body.serialized)

    def _saveable(self) -> tuple[Engine | Packed, Signature]:
        body = packed(self._hybrid) if self._hybrid else self._engine
        if body is None or self.signature is None:
            raise EngineError("there is no engine to save; convert with build=True")
        return body, self.signature

    def __getstate__(self) -> dict[str, Any]:
        """What pickle keeps: the engine and the calling convention, or the segments, as a file does."""
        engine = replace(self._engine, loaded=None) if self._engine else None
        hybrid = self._contents() if self._hybrid else None
        rest = {**dict.fromkeys(("_reference", "_chosen", "lowered", "refitting")), "_cache": True}
        return {**self.__dict__, "_engine": engine, "_hybrid": hybrid, **rest}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Become the module that :meth:`__getstate__` was asked of."""
        described, members = state["_hybrid"] or (None, {})
        hybrid = from_manifest(described, members, "the pickle")[0] if described else None
        super().__setstate__({**state, "_hybrid": hybrid})

    def _contents(self) -> tuple[dict[str, Any], dict[str, bytes]]:
        """The manifest and the members of a file."""
        body, signature = self._saveable()
        members = {
            name: content if isinstance(content, bytes) else b"".join(content.pieces())
            for name, content in members_of(body).items()
        }
        return manifest(body, signature), members

    def get_extra_state(self) -> dict[str, Any]:
        """The manifest and what a file has beside it, as ``state_dict`` keeps them; ``torch.load`` reads them safely.

        With them are the values that the buffers had at first; those of now are entries of their own.
        """
        described, parts = self._contents()
        if self._state is not None:
            parts[_FIRST] = b"".join(self._state.packed(first_only=True))
        tensors = {name: torch.frombuffer(bytearray(data), dtype=torch.uint8) for name, data in parts.items() if data}
        return {"manifest": json.dumps(described), **dict.fromkeys(parts, torch.empty(0, dtype=torch.uint8)), **tensors}

    def set_extra_state(self, state: Any) -> None:
        """Become the module that :meth:`get_extra_state` was asked of; EngineError where that was none."""
        where = "the state dict"
        try:
            data = json.loads(state["manifest"])
            members = {name: part.numpy().tobytes() for name, part in state.items() if name != "manifest"}
            first = members.pop(_FIRST, b"")
        except Exception as error:  # whatever it is that stands there instead
            raise EngineError(f"{where} has no converted module: {type(error).__name__}: {error}") from error
        body, signature = from_manifest(data, members, where)
        values = unpacked(signature, first, where, first_only=True)
        # only now, when all of it is known to fit
        if self._state is None or values is None or not self._state.takes_first(values):
            self._keep(values)
        self._become(body, signature)

    def _become(self, body: Engine | Hybrid, signature: Signature) -> None:
        self._engine, self._hybrid = (body, None) if isinstance(body, Engine) else (None, body)
        self.signature = signature

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        if is_raw_state(state_dict, prefix):
            engine, signature = from_raw_state(state_dict, prefix)
            self._keep(None)
            self._become(engine, signature)
        else:
            super()._load_from_state_dict(state_dict, prefix, *rest)
