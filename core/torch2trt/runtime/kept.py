"""What is kept of a converted module: its engine, calling convention and buffers, in files, state dicts and pickles."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ..errors import EngineError
from ..program.signature import Signature
from .engine import Engine
from .manifest import manifest
from .raw import from_raw_state, is_raw_state
from .state import State, unpacked
from .store import from_manifest, save


class KeptModule(torch.nn.Module):
    """A module of an engine, a signature and buffers, whatever runs it."""

    signature: Signature | None
    #: the buffers that the model writes when it is called, where the model has them; None where it writes none
    state: torch.nn.Module | None
    _engine: Engine | None
    _state: State | None

    def reset(self) -> None:
        """Set the buffers of ``state`` back to their values at conversion."""
        if self._state is not None:
            self._state.reset()

    def buffers_written(self) -> list[torch.Tensor]:
        """The tensors of ``state``, in the order of ``signature.state``."""
        return [] if self._state is None else self._state.tensors()

    def _keep(self, state: State | None) -> None:
        self._state = state
        self.state = state.module if state else None

    @property
    def serialized(self) -> bytes | None:
        """The serialized engine; None where none was built."""
        return self._engine.serialized if self._engine else None

    def manifest(self) -> dict[str, Any]:
        """What the module is: its inputs and outputs, engine, packs and calls, as JSON-able values."""
        return manifest(*self._saveable())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the module to a file for :func:`torch2trt.load`: a zip of a manifest and the engine, without pickle.

        The values of its buffers, where it has some, are in the file too.
        """
        save(path, *self._saveable(), self._state)

    def export_engine(self, path: str | os.PathLike[str]) -> None:
        """Write the engine alone, as trtexec and programs in other languages load it.

        :func:`torch2trt.load_engine` reads it; the calling convention and the values of buffers are not in it.
        """
        Path(path).write_bytes(self._saveable()[0].serialized)

    def _saveable(self) -> tuple[Engine, Signature]:
        if self._engine is None or self.signature is None:
            raise EngineError("there is no engine to save; convert with build=True")
        return self._engine, self.signature

    def __getstate__(self) -> dict[str, Any]:
        """What pickle keeps: the engine and the calling convention, as a file does."""
        engine = replace(self._engine, loaded=None) if self._engine else None
        rest = {"_reference": None, "_chosen": None, "lowered": None, "_cache": True}
        return {**self.__dict__, "_engine": engine, **rest}

    def get_extra_state(self) -> dict[str, Any]:
        """The engine and its manifest, as ``state_dict`` keeps them; ``torch.load`` reads them with weights_only.

        With them are the values that the buffers had at first; those of now are entries of their own.
        """
        engine, _ = self._saveable()
        parts = {"engine": engine.serialized}
        if self._state is not None:
            parts["first"] = b"".join(self._state.packed(first_only=True))
        tensors = {name: torch.frombuffer(bytearray(data), dtype=torch.uint8) for name, data in parts.items()}
        return {"manifest": json.dumps(self.manifest()), **tensors}

    def set_extra_state(self, state: Any) -> None:
        """Become the module that :meth:`get_extra_state` was asked of; EngineError where that was none."""
        where = "the state dict"
        try:
            data, serialized = json.loads(state["manifest"]), state["engine"].numpy().tobytes()
            first = state["first"].numpy().tobytes() if "first" in state else b""
        except Exception as error:  # whatever it is that stands there instead
            raise EngineError(f"{where} has no converted module: {type(error).__name__}: {error}") from error
        engine, signature = from_manifest(data, serialized, where)
        values = unpacked(signature, first, where, first_only=True)
        # only now, when all of it is known to fit
        if self._state is None or values is None or not self._state.takes_first(values):
            self._keep(values)
        self._become(engine, signature)

    def _become(self, engine: Engine, signature: Signature) -> None:
        self._engine, self.signature = engine, signature

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        if is_raw_state(state_dict, prefix):
            engine, signature = from_raw_state(state_dict, prefix)
            self._keep(None)
            self._become(engine, signature)
        else:
            super()._load_from_state_dict(state_dict, prefix, *rest)
