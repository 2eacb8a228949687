"""Choosing what runs an engine: the engine, or the interpreter where it cannot run."""

from __future__ import annotations

import functools
from collections.abc import Iterable

import torch

from ..cache.place import Cache, store_of
from ..errors import EngineError, ReferenceRuntimeWarning, Torch2TRTError, warn
from ..program.leaves import TensorSpec
from ..program.signature import Signature
from ..program.state import written
from ..settings import Runtime, Settings
from .engine import Engine
from .hybrid import HybridRunner
from .parts import EnginePart, Hybrid
from .reference import ReferenceRunner
from .runner import Runner
from .session import Session
from .whole import WholeGraph, may_be_captured


def runtime_of(settings: Settings) -> Runtime:
    """What is to run a converted module: where nothing is built, the interpreter."""
    return settings.runtime if settings.build else "reference"


def will_interpret(settings: Settings) -> bool:
    """Whether the interpreter will run a converted module here, which then needs weights of its own."""
    runtime = runtime_of(settings)
    return runtime == "reference" or (runtime == "auto" and not torch.cuda.is_available())


def choose(
    engine: Engine | None,
    reference: ReferenceRunner | None,
    inputs: Iterable[TensorSpec],
    wanted: Runtime,
    cache: Cache,
    cuda_graphs: bool,
) -> Runner:
    """What runs an engine.

    Args:
        engine: the engine, where one was built.
        reference: its network on the interpreter; None for a loaded module.
        inputs: what the engine takes.
        wanted: ``"auto"`` takes the engine where it can run.
        cache: where compiled kernels are kept.
        cuda_graphs: whether shapes that come back run as CUDA graphs.

    Raises:
        EngineError: what is wanted cannot run here.
    """
    if wanted == "reference":
        if reference is None:
            raise EngineError(
                "a loaded module has no network to interpret; convert the model again for the reference runtime"
            )
        return reference
    try:
        if engine is None:
            raise EngineError("no engine was built (build=False)")
        return Session(engine, [spec.name for spec in inputs if spec.values], store_of(cache), cuda_graphs)
    except Torch2TRTError as error:
        if wanted == "engine" or reference is None:
            raise
        _warn_once(f"runs on the reference interpreter, which checks results and is not fast: {error}")
        return reference


def hybrid_runner(hybrid: Hybrid, wanted: Runtime, cache: Cache, cuda_graphs: bool, signature: Signature) -> Runner:
    """What runs engines and PyTorch's parts: one CUDA graph where that can be, else graphs of the engines.

    Args:
        hybrid: the parts.
        wanted, cache, cuda_graphs: as in :func:`choose`.
        signature: the calling convention.
    """
    is_static = all(low == high for spec in signature.inputs for low, _, high in spec.ranges)
    writes = written(signature.output_leaves, signature.outputs)
    whole = cuda_graphs and may_be_captured(hybrid)

    def runner_of(part: EnginePart) -> Runner:
        return choose(part.engine, part.reference, part.inputs.values(), wanted, cache, cuda_graphs and not whole)

    runner = HybridRunner(hybrid, runner_of, writes)
    return WholeGraph(runner, is_static, writes) if whole else runner


@functools.cache
def _warn_once(text: str) -> None:
    warn(f"a converted module {text}", ReferenceRuntimeWarning)
