"""The converted module."""

from __future__ import annotations

import functools
import json
import os
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch

from ..errors import EngineError, RuntimeNotice, Torch2TRTError
from ..settings import Runtime
from ..signature import Signature
from .engine import Engine, reason_unloadable

Run = Callable[[Mapping[str, torch.Tensor]], dict[str, torch.Tensor]]


class TRTModule(torch.nn.Module):
    """A module that runs a TensorRT engine; it takes and returns exactly what the original module did.

    ``TRTModule()`` is empty and waits for :meth:`load_state_dict`.

    Args:
        engine: the serialised engine; None where only the reference interpreter is wanted.
        signature: the calling convention.
        network: the TensorRT network, kept alive by ``interpret``; None for a loaded module.
        interpret: runs the network where no engine can, made by the reference interpreter.
        runtime: which of the two runs; ``"auto"`` takes the engine where it can run.
    """

    def __init__(
        self,
        engine: Engine | None = None,
        signature: Signature | None = None,
        *,
        network: Any = None,
        interpret: Run | None = None,
        runtime: Runtime = "auto",
    ) -> None:
        super().__init__()
        self.engine_data = engine
        self.signature = signature
        self.network = network
        self._interpret = interpret
        self._wanted: Runtime = runtime
        self._run: Run | None = None

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the engine.

        Raises:
            InputError: an input that does not fit, by name, with the cure.
            EngineError: nothing here can run the engine.
        """
        if self.signature is None:
            raise EngineError(
                "this TRTModule is empty; fill it with load_state_dict, or make one with torch2trt.convert"
            )
        tensors = self.signature.flatten(args, kwargs)
        if self._run is None:
            self._run = self._choose()
        return self.signature.unflatten(self._run(tensors), tensors)

    @property
    def runtime(self) -> str:
        """What runs the module: ``"engine"`` or ``"reference"``."""
        if self._run is None:
            self._run = self._choose()
        return "reference" if self._run is self._interpret else "engine"

    @property
    def engine(self) -> Any:
        """The ``trt.ICudaEngine``; only on a GPU."""
        if self.runtime == "reference":
            raise EngineError("there is no engine on this machine: the module runs on the reference interpreter")
        return getattr(self._run, "engine", None)

    @property
    def input_names(self) -> list[str]:
        """The engine's inputs, in order."""
        return [spec.name for spec in self.signature.inputs] if self.signature else []

    @property
    def output_names(self) -> list[str]:
        """The engine's outputs, in order."""
        return list(self.signature.outputs) if self.signature else []

    def _choose(self) -> Run:
        if self._wanted == "reference":
            if self._interpret is None:
                raise EngineError(
                    "a loaded module has no network to interpret; convert the model again for the reference runtime"
                )
            return self._interpret
        try:
            return self._session()
        except Torch2TRTError as error:
            if self._wanted == "engine" or self._interpret is None:
                raise
            _say_once(f"runs on the reference interpreter, which checks results and is not fast: {error}")
            return self._interpret

    def _session(self) -> Run:
        if self.engine_data is None:
            raise EngineError("no engine was built (build=False)")
        if not torch.cuda.is_available():
            raise EngineError("an engine needs an NVIDIA GPU, and PyTorch sees none here")
        if reason := reason_unloadable(self.engine_data.flavor, self.engine_data.version):
            raise EngineError(f"the engine cannot be loaded: {reason}")
        from .session import Session

        assert self.signature is not None
        return Session(self.engine_data.data, self.signature)

    def manifest(self) -> dict[str, Any]:
        """What the module is: its inputs and outputs, engine, packs and calls, as JSON-able values."""
        from .store import manifest

        return manifest(*self._saveable())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the module to a file for :func:`torch2trt.load`: a zip of a manifest and the engine, without pickle."""
        from .store import save

        save(path, *self._saveable())

    def _saveable(self) -> tuple[Engine, Signature]:
        if self.engine_data is None or self.signature is None:
            raise EngineError("there is no engine to save; convert with build=True")
        return self.engine_data, self.signature

    def get_extra_state(self) -> dict[str, Any]:
        """The engine and its manifest, as ``state_dict`` keeps them; ``torch.load`` reads them with weights_only."""
        engine, _ = self._saveable()
        data = torch.frombuffer(bytearray(engine.data), dtype=torch.uint8)
        return {"manifest": json.dumps(self.manifest()), "engine": data}

    def set_extra_state(self, state: Any) -> None:
        """Become the module that :meth:`get_extra_state` was asked of."""
        from .store import from_manifest

        engine, signature = from_manifest(
            json.loads(state["manifest"]), state["engine"].numpy().tobytes(), "the state dict"
        )
        # only now, when all of it is known to fit
        self.engine_data, self.signature = engine, signature
        self.network = self._interpret = self._run = None


@functools.cache
def _say_once(text: str) -> None:
    warnings.warn(f"a converted module {text}", RuntimeNotice, stacklevel=4)
