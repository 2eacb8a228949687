"""The converted module."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from .._trt import trt
from ..cache.place import Cache
from ..errors import EngineError
from ..program.signature import Signature
from ..settings import Runtime
from .choose import choose, hybrid_runner
from .engine import Engine
from .kept import KeptModule
from .layers import layer_times
from .page import page_of
from .parts import Hybrid
from .raw import RawEngine, from_raw
from .reference import ReferenceRunner
from .runner import Renamed, Runner
from .shown import lines_of
from .state import State

#: gives for another model, and the engine, those of its weights: itself again, the network, the engine, the interpreter
Refitting = Callable[[Any, Engine | None], "tuple[Refitting, Any, Engine | None, ReferenceRunner]"]


class TRTModule(KeptModule):
    """A module that runs a TensorRT engine; it takes and returns exactly what the original module did.

    ``TRTModule()`` is empty and waits for :meth:`load_state_dict`, which takes what this class wrote, and what NVIDIA's
    torch2trt did.  ``TRTModule(engine, input_names, output_names)`` runs an engine that something else built.

    Args:
        engine: the engine: an ``ICudaEngine``, its bytes or the path of a file with them; of a converted module an
            ``Engine``; None where only the reference interpreter is wanted.
        input_names: of an engine that something else built, its inputs in the order of the arguments.
        output_names: of such an engine, the outputs that are returned.
        signature: the calling convention of a converted module.
        reference: runs the network where no engine can; None for a loaded module.
        state: the values of the buffers that the model writes, where the signature has some.
        runtime: which of the two runs; ``"auto"`` takes the engine where it can run.
        lowered: the network with its plan and the tensor of every call's result; None for a loaded module.
        hybrid: the segments in the engine's place, where PyTorch runs some of them.
        cache: where compiled kernels are kept, as :func:`torch2trt.convert` takes it.
    """

    def __init__(
        self,
        engine: Engine | RawEngine | None = None,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
        *,
        signature: Signature | None = None,
        reference: ReferenceRunner | None = None,
        state: State | None = None,
        runtime: Runtime = "auto",
        lowered: Any = None,
        hybrid: Hybrid | None = None,
        cache: Cache = True,
    ) -> None:
        super().__init__()
        made: Engine | None = engine if isinstance(engine, Engine) else None
        if engine is not None and signature is None:
            made, signature = from_raw(engine, input_names, output_names)
        elif input_names is not None or output_names is not None:
            raise EngineError("input_names and output_names are for engines without a signature; leave them out")
        if signature is not None and signature.state and state is None:
            raise EngineError("the signature has buffers that the model writes; give their values with state=")
        self.signature = signature
        #: makes what :meth:`refit` changes, where the module was converted with ``refittable=True``
        self.refitting: Refitting | None = None
        self._engine = made
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
        tensors, run = self.signature.flatten(args, kwargs), self.runner
        if self._state is not None:
            self._state.follow(tensors)
            tensors = self.signature.with_state(tensors, self._state.tensors())
            run = getattr(run, "in_place", run)
        return self.signature.unflatten(run(self.signature.carried(tensors)), tensors)

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
        """The ``trt.ICudaEngine``; where the engine cannot run, what has its bytes alone: ``engine.serialize()``."""
        if self._engine is not None and (not torch.cuda.is_available() or self.runtime != "engine"):
            return self._engine
        return self._session().engine

    @property
    def context(self) -> Any:
        """The ``trt.IExecutionContext`` of this thread and PyTorch's current stream; only on a GPU.

        What is queued with it beside the module's calls has scratch memory of its own, from then on.
        """
        return self._session().context

    def enable_profiling(self) -> None:
        """Let TensorRT print the times of all layers at each call of this thread on the current stream.

        CUDA graphs, whose layers have no times, are turned off.
        """
        if self.cuda_graphs:
            self.cuda_graphs = False
        self.context.profiler = trt.Profiler()

    def _session(self) -> Any:
        if self._hybrid is not None:
            raise EngineError(
                "the module is no single engine: PyTorch runs parts of it; print its plan for the segments"
            )
        if self.runner.kind != "engine":
            raise EngineError(f"there is no engine on this machine: the module runs on the {self.runtime} interpreter")
        return self.runner

    @property
    def input_names(self) -> list[str]:
        """The engine's inputs, in order."""
        if self.signature is None:
            return []
        chosen = dict(self.signature.tensor_names)
        return [chosen.get(spec.name, spec.name) for spec in self.signature.inputs]

    @property
    def output_names(self) -> list[str]:
        """The engine's outputs, in order."""
        return list(dict.fromkeys(self.signature.outputs)) if self.signature else []

    def _choose(self) -> Runner:
        last = self._wanted, self._cache, self._cuda_graphs
        if self._hybrid is not None and self.signature is not None:
            return hybrid_runner(self._hybrid, *last, self.signature)
        chosen, given = (dict(self.signature.tensor_names), self.signature.inputs) if self.signature else ({}, ())
        inputs = [replace(spec, name=name) for spec, name in zip(given, self.input_names, strict=True)]
        runner = choose(self._engine, self._reference, inputs, *last)
        return Renamed(runner, chosen) if chosen else runner

    def extra_repr(self) -> str:
        """The inputs with their ranges, the outputs, the engine with its size and precision, and what runs it."""
        if self.signature is None:
            return "empty"
        runtime = self._chosen.kind if self._chosen else self._wanted
        parts = self._hybrid.parts if self._hybrid else [self._engine]
        return "\n".join([*lines_of(self.signature, self.output_names, parts), f"runtime: {runtime}"])

    def refit(self, model: Any) -> None:
        """Take the weights of another model, without building an engine; all or, where that fails, none of them.

        The model is captured as the module's own was, and must have its calls, sizes and inputs.  Buffers that the
        module writes keep their values.  No other thread may call the module meanwhile, and a CUDA graph that you
        captured of it must not be replayed any more: the engine that it runs is gone.

        Raises:
            ConversionError: the model has other calls, sizes or inputs.
            EngineError: the module was not converted with ``refittable=True``, or the engine cannot take the weights.
        """
        if self.refitting is None:
            raise EngineError(
                "the module cannot take other weights: "
                + ("PyTorch runs parts of it" if self._hybrid else "convert it with refittable=True")
                + "; one that was loaded cannot either: refit the converted module, and save it"
            )
        refitting, lowered, engine, reference = self.refitting(model, self._engine)
        if self._reference is not None:
            self.lowered, self._reference = lowered, reference
        self.refitting, self._engine, self._chosen = refitting, engine, None

    def report(self, path: str | os.PathLike[str], *, comparison: Any = None) -> None:
        """Write a self-contained page: every call with its converter and source, the segments, the graph to search.

        Where the engine runs, the page has the time of every layer at the usual sizes too.

        Args:
            path: the file to write, such as ``model.html``.
            comparison: what :func:`torch2trt.compare` found, for the error of every call.
        """
        if self.signature is None:
            raise EngineError("this TRTModule is empty; there is nothing to report")
        runs = torch.cuda.is_available() and self.runtime == "engine"
        layers = layer_times(self._engine, self.signature, self.buffers_written()) if self._engine and runs else []
        planned = [one.to_dict() for one in self.lowered.plan] if self.lowered is not None else []
        page = page_of(self._hybrid or self._engine, self.signature, planned, comparison, layers)
        Path(path).write_text(page.render(), "utf-8")

    def drop_network(self) -> None:
        """Forget the network where the engine runs, which frees its weights; the module is then as a loaded one."""
        if self._engine is not None and torch.cuda.is_available() and self._wanted != "reference":
            self._reference = self.lowered = None

    def _become(self, body: Engine | Hybrid, signature: Signature) -> None:
        super()._become(body, signature)
        self._reference = self._chosen = self.lowered = self.refitting = None

    def __deepcopy__(self, memo: dict[int, Any]) -> TRTModule:
        """A module of the same engine, which never changes, with a runner and buffers of its own."""
        names = ("_engine", "signature", "_reference", "lowered", "_hybrid", "_cache", "refitting")
        memo.update({id(one): one for one in map(self.__dict__.get, names)})
        copied = memo[id(self)] = type(self).__new__(type(self))
        copied.__dict__.update(copy.deepcopy({**self.__dict__, "_chosen": None}, memo))
        return copied
