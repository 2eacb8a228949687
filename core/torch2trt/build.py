"""Building: optimisation profile, builder configuration, and the serialised engine with its manifest."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator
from typing import Any

from . import _trt, log
from ._trt import trt
from .errors import BuildError
from .lower import Network
from .packs import Packs
from .plan import Plan
from .runtime.engine import Engine
from .settings import Settings

#: the names that only TensorRT for RTX has, which the stubs do not know
_rtx: Any = trt


def build(network: Network, plan: Plan, settings: Settings) -> Engine:
    """Build and serialise the engine of a network; works without a GPU with TensorRT for RTX.

    Raises:
        BuildError: TensorRT refused; its own messages are in the error.
    """
    packs = plan.packs
    for plugin in packs.implementers("torch2trt_register_plugins"):
        _register_plugins(packs, plugin)
    config = network.builder.create_builder_config()
    _apply(settings, config)
    profile = network.builder.create_optimization_profile()
    for spec in network.signature.inputs:
        low, best, high = zip(*spec.ranges, strict=True) if spec.ranges else ((), (), ())
        profile.set_shape(spec.name, low, best, high)
    config.add_optimization_profile(profile)
    packs.hook.torch2trt_configure_build(config=config, network=network.network, settings=settings)
    with _progress(config, settings), log.recorded() as messages:
        data = network.builder.build_serialized_network(network.network, config)
    if data is None:
        raise BuildError("TensorRT could not build the engine:" + log.told(messages))
    assert _trt.FLAVOR is not None
    return Engine(bytes(data), _trt.FLAVOR, trt.__version__, _provenance(plan))


@functools.cache
def _register_plugins(packs: Packs, pack: str) -> None:
    packs.call_one("torch2trt_register_plugins", pack, plugin_registry=trt.get_plugin_registry())


def _apply(settings: Settings, config: trt.IBuilderConfig) -> None:
    if settings.workspace is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, settings.workspace)
    if settings.optimization_level is not None:
        config.builder_optimization_level = settings.optimization_level
    # an engine is named after what made it: layers, tensors and their origin can be read back from it
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if settings.compute_capabilities:
        _set_compute_capabilities(config, settings.compute_capabilities)


def _set_compute_capabilities(config: Any, wanted: tuple[str, ...]) -> None:
    if not hasattr(config, "set_compute_capability"):
        raise BuildError("compute_capabilities need TensorRT for RTX; full TensorRT builds for the GPU of this machine")
    known = _rtx.ComputeCapability.__members__
    names = ["SM" + capability.replace(".", "") for capability in wanted]
    if unknown := [name for name in names if name not in known]:
        raise BuildError(
            f"{', '.join(unknown)} is not a compute capability that TensorRT builds for: {', '.join(known)}"
        )
    config.num_compute_capabilities = len(names)
    for index, name in enumerate(names):
        config.set_compute_capability(known[name], index)


@contextlib.contextmanager
def _progress(config: trt.IBuilderConfig, settings: Settings) -> Iterator[None]:
    """Show the phases of a long build, one bar each."""
    shown = sys.stderr.isatty() if settings.progress is None else settings.progress
    if not shown:
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, TaskID

    # transient: a build that ends at once leaves nothing on the screen
    with Progress(transient=True, console=Console(stderr=True)) as bars:

        class Monitor(trt.IProgressMonitor):
            def __init__(self) -> None:
                trt.IProgressMonitor.__init__(self)
                self._tasks: dict[str, TaskID] = {}

            def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
                self._tasks[phase_name] = bars.add_task(phase_name, total=num_steps)

            def phase_finish(self, phase_name: str) -> None:
                bars.remove_task(self._tasks.pop(phase_name))

            def step_complete(self, phase_name: str, step: int) -> bool:
                bars.update(self._tasks[phase_name], completed=step + 1)
                return True  # False would cancel the build

        config.progress_monitor = Monitor()
        yield


def _provenance(plan: Plan) -> dict[str, Any]:
    """What an engine's manifest says of where its layers come from."""
    return {
        "packs": [{"name": p.name, "distribution": p.distribution, "version": p.version} for p in plan.packs.packs],
        "calls": [planned.to_dict() for planned in plan],
    }
