"""Building: optimization profile, builder configuration, and the serialized engine with its manifest."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

from .. import _trt, log
from .._trt import trt
from ..errors import BuildError
from ..packs.plugins import packs_with_plugins
from ..plan.plan import Plan
from ..plan.planned import walk
from ..runtime.engine import Engine
from ..settings import Settings
from .key import engine_key
from .lower import Network

#: the names that only TensorRT for RTX has, which the stubs do not know
_rtx: Any = trt


def build(network: Network, plan: Plan, cache: MutableMapping[str, Engine] | None = None) -> Engine:
    """The serialized engine of a network; works without a GPU with TensorRT for RTX.

    Args:
        network: what the plan was lowered to.
        plan: the plan.
        cache: engines by the key of all that makes them; an engine that it has is not built again.

    Raises:
        BuildError: TensorRT refused; its own messages are in the error.
    """
    if cache is None:
        return _build(network, plan)
    key = engine_key(plan, network.segment)
    engine = cache.get(key)
    if engine is None:
        engine = cache[key] = _build(network, plan)
    return engine


def _build(network: Network, plan: Plan) -> Engine:
    settings = plan.settings
    config = network.builder.create_builder_config()
    _apply(settings, config)
    profile = network.builder.create_optimization_profile()
    for spec in network.segment.inputs.values():
        low, best, high = zip(*spec.ranges, strict=True) if spec.ranges else ((), (), ())
        profile.set_shape(spec.name, low, best, high)
    config.add_optimization_profile(profile)
    plan.packs.hook.torch2trt_configure_build(config=config, network=network.network, settings=settings)
    with _progress(config, settings), log.verbose(settings.verbose), log.record_errors() as messages:
        serialized = network.builder.build_serialized_network(network.network, config)
    if serialized is None:
        raise BuildError("TensorRT could not build the engine:" + log.format_messages(messages))
    assert _trt.FLAVOR is not None
    return Engine(bytes(serialized), _trt.FLAVOR, trt.__version__, _provenance(network, plan))


def _apply(settings: Settings, config: trt.IBuilderConfig) -> None:
    if settings.workspace is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, settings.workspace)
    if settings.optimization_level is not None:
        config.builder_optimization_level = settings.optimization_level
    # an engine is named after what made it: layers, tensors and their origin can be read back from it
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if settings.compute_capabilities:
        _set_compute_capabilities(config, settings.compute_capabilities)


def _set_compute_capabilities(config: Any, capabilities: Sequence[str]) -> None:
    config.num_compute_capabilities = len(capabilities)
    for index, capability in enumerate(capabilities):
        config.set_compute_capability(_rtx.ComputeCapability.__members__["SM" + capability.replace(".", "")], index)


@contextlib.contextmanager
def _progress(config: trt.IBuilderConfig, settings: Settings) -> Iterator[None]:
    """Show the phases of a long build, one bar each."""
    if not (sys.stderr.isatty() if settings.progress is None else settings.progress):
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


def _provenance(network: Network, plan: Plan) -> dict[str, Any]:
    """What an engine's manifest says of where its layers come from."""
    calls = list(walk(network.segment.calls))
    used = [planned.converter.pack.name for planned in calls if planned.converter]
    return {
        "packs": [dataclasses.asdict(pack) for pack in plan.packs.packs],
        "plugins": packs_with_plugins(plan.packs, used),
        "calls": [planned.to_dict() for planned in calls],
        "breaks": sorted(plan.breaks),
    }
