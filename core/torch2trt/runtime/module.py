"""The converted module."""

from __future__ import annotations

import copy
import json
import os
from dataclasses import replace
from typing import Any

import torch

from ..cache.place import Cache
from ..errors import EngineError
from ..program.signature import Signature
from ..settings import Runtime
from .choose import choose
from .engine import Engine
from .hybrid import HybridRunner
from .manifest import manifest
from .parts import EnginePart, Hybrid, TorchPart
from .reference import ReferenceRunner
from .runner import Runner
from .session import Session
from .state import State, unpacked
from .store import from_manifest, save


class TRTModule(torch.nn.Module):
    """A module that runs a TensorRT engine; it takes and returns exactly what the original module did.

    ``TRTModule()`` is empty and waits for :meth:`load_state_dict`.

    Args:
        engine: the serialized engine; None where only the reference interpreter is wanted.
        signature: the calling convention.
        reference: runs the network where no engine can; None for a loaded module.
        state: the values of the buffers that the model writes, where the signature has some.
        runtime: which of the two runs; ``"auto"`` takes the engine where it can run.
        lowered: the network with its plan and the tensor of every call's result; None for a loaded module.
        hybrid: the segments of a module that PyTorch runs parts of, in the place of ``engine`` and ``reference``.
        cache: where compiled kernels are kept, as :func:`torch2trt.convert` takes it.
    """

    #: the buffers that the model writes when it is called, where the model has them; None where it writes none
    state: torch.nn.Module | None

    def __init__(
        self,
        engine: Engine | None = None,
        signature: Signature | None = None,
        *,
        reference: ReferenceRunner | None = None,
        state: State | None = None,
        runtime: Runtime = "auto",
        lowered: Any = None,
        hybrid: Hybrid | None = None,
        cache: Cache = True,
    ) -> None:
        super().__init__()
        if signature is not None and signature.state and state is None:
            raise EngineError("the signature has buffers that the model writes; give their values with state=")
        self.signature = signature
        self._engine = engine
        self._reference = reference
        self.lowered, self._hybrid = lowered, hybrid
        self._wanted: Runtime = runtime
        self._cache = cache
        self._cuda_graphs = True
        self._chosen: Runner | None = None
        self._keep(state)

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
        if self._state is not None:
            self._state.follow(tensors)
            tensors = self.signature.with_state(tensors, self._state.tensors())
        return self.signature.unflatten(self.runner(self.signature.carried(tensors)), tensors)

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
    def runner(self) -> Runner:
        """What runs the module, chosen at the first call."""
        if self._chosen is None:
            self._chosen = self._choose()
        return self._chosen

    @property
    def runtime(self) -> str:
        """What runs the module, or its engines: ``"engine"`` or ``"reference"``; ``"torch"`` where it has none."""
        return self.runner.kind

    @property
    def cuda_graphs(self) -> bool:
        """Whether shapes that come back run as CUDA graphs, which have memory of their own; it can be set."""
        return self._cuda_graphs

    @cuda_graphs.setter
    def cuda_graphs(self, on: bool) -> None:
        self._cuda_graphs, self._chosen = bool(on), None

    @property
    def network(self) -> Any:
        """The ``trt.INetworkDefinition`` that the engine was built from; None for a loaded module."""
        return self._reference.network if self._reference else None

    @property
    def engine(self) -> Any:
        """The ``trt.ICudaEngine``; only on a GPU."""
        if self._hybrid is not None:
            raise EngineError(
                "the module is no single engine: PyTorch runs parts of it; print its plan for the segments"
            )
        if not isinstance(self.runner, Session):
            raise EngineError(f"there is no engine on this machine: the module runs on the {self.runtime} interpreter")
        return self.runner.engine

    @property
    def serialized(self) -> bytes | None:
        """The serialized engine; None where none was built."""
        return self._engine.serialized if self._engine else None

    @property
    def input_names(self) -> list[str]:
        """The engine's inputs, in order."""
        return [spec.name for spec in self.signature.inputs] if self.signature else []

    @property
    def output_names(self) -> list[str]:
        """The engine's outputs, in order."""
        return list(dict.fromkeys(self.signature.outputs)) if self.signature else []

    def _choose(self) -> Runner:
        last = self._wanted, self._cache, self._cuda_graphs
        if self._hybrid is not None:
            return HybridRunner(self._hybrid, lambda p: choose(p.engine, p.reference, p.inputs.values(), *last))
        return choose(self._engine, self._reference, self.signature.inputs if self.signature else (), *last)

    def extra_repr(self) -> str:
        """The inputs with their ranges, the outputs, the engine with its size and precision, and what runs it."""
        if self.signature is None:
            return "empty"
        runtime = self._chosen.kind if self._chosen else self._wanted
        paths = {buffer.name: buffer.path for buffer in self.signature.state}
        given = [str(spec) for spec in self.signature.inputs if spec.name not in paths]
        own = [str(replace(spec, name=paths[spec.name])) for spec in self.signature.inputs if spec.name in paths]
        lines = [f"inputs: {', '.join(given)}", f"outputs: {', '.join(self.output_names)}"]
        if own:
            lines.append(f"buffers: {', '.join(own)}")
        parts = self._hybrid.parts if self._hybrid else ()
        engines = (self._engine, *(part.engine for part in parts if isinstance(part, EnginePart)))
        lines += [f"engine: {engine}" for engine in engines if engine is not None]
        lines += [f"in PyTorch: {len(part.calls)} calls" for part in parts if isinstance(part, TorchPart)]
        return "\n".join([*lines, f"runtime: {runtime}"])

    def manifest(self) -> dict[str, Any]:
        """What the module is: its inputs and outputs, engine, packs and calls, as JSON-able values."""
        return manifest(*self._saveable())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the module to a file for :func:`torch2trt.load`: a zip of a manifest and the engine, without pickle.

        The values of its buffers, where it has some, are in the file too.
        """
        save(path, *self._saveable(), self._state)

    def _saveable(self) -> tuple[Engine, Signature]:
        if self._hybrid is not None:
            raise EngineError(
                "a module that PyTorch runs parts of cannot be saved yet; convert the model again where it is needed, "
                "with cache=True, which keeps its engines"
            )
        if self._engine is None or self.signature is None:
            raise EngineError("there is no engine to save; convert with build=True")
        return self._engine, self.signature

    def __deepcopy__(self, memo: dict[int, Any]) -> TRTModule:
        """A module of the same engine, which never changes, with a runner and buffers of its own."""
        copied = type(self)(
            self._engine,
            self.signature,
            reference=self._reference,
            state=copy.deepcopy(self._state, memo),
            runtime=self._wanted,
            lowered=self.lowered,
            hybrid=self._hybrid,
            cache=self._cache,
        )
        copied._cuda_graphs = self._cuda_graphs
        return copied.train(self.training)

    def __getstate__(self) -> dict[str, Any]:
        """What pickle keeps: the engine and the calling convention, as a file does."""
        if self._hybrid is not None:
            self._saveable()  # which says why not
        return {**self.__dict__, "_reference": None, "_chosen": None, "lowered": None, "_cache": True}

    def get_extra_state(self) -> dict[str, Any]:
        """The engine and its manifest, as ``state_dict`` keeps them; ``torch.load`` reads them with weights_only.

        With them are the values that the buffers had at first; those of now are entries of their own.
        """
        engine, _ = self._saveable()
        parts = {"engine": engine.serialized}
        if self._state is not None:
            parts["first"] = self._state.packed(first_only=True)
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
        self._engine, self.signature = engine, signature
        self._reference = self._chosen = self.lowered = None
