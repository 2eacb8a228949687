"""The hooks that a converter pack implements, in the order in which a conversion calls them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import torch

    from ._trt import trt
    from .call import Call
    from .context import Context
    from .registry import PackRegistry
    from .settings import Settings

hookspec = pluggy.HookspecMarker("torch2trt")
hookimpl = pluggy.HookimplMarker("torch2trt")


@hookspec
def torch2trt_register_converters(registry: PackRegistry) -> None:
    """Add this pack's converters with ``registry.add(module_or_function, ...)``.

    :param registry: this pack's view of the registry; it also takes ``registry.requires("rtx>=1.5")``.
    """


@hookspec
def torch2trt_register_plugins(plugin_registry: trt.IPluginRegistry) -> None:
    """Register TensorRT plugin creators or load their library.

    Called once a process, before the first build or engine load.

    :param plugin_registry: TensorRT's global plugin registry.
    """


@hookspec
def torch2trt_decompositions(table: dict[torch._ops.OpOverload, Callable[..., Any]]) -> None:
    """Change the decomposition table of the capture in place.

    :param table: PyTorch's default table, out of which every claimed overload is already taken.
    """


@hookspec
def torch2trt_transform_graph(graph_module: torch.fx.GraphModule, settings: Settings) -> None:
    """Rewrite the captured graph in place, before planning.

    :param graph_module: the graph of the captured program; new nodes need ``meta["val"]``.
    :param settings: the settings of this conversion.
    """


@hookspec(firstresult=True)
def torch2trt_convert(ctx: Context, call: Call) -> tuple[trt.ITensor | None, ...] | None:
    """Emit the layers of one call; stops at the first non-None result.

    The core's own implementation comes last and runs the converter that the plan chose.

    :param ctx: the context of the call, whose ``args`` and ``kwargs`` hold the values to convert.
    :param call: the call, with FakeTensors.
    :returns: one tensor for each of ``call.results``, or None to pass the call on.
    """


@hookspec
def torch2trt_configure_build(config: trt.IBuilderConfig, network: trt.INetworkDefinition, settings: Settings) -> None:
    """Adjust the builder configuration, after the core has applied the settings.

    :param config: the configuration of the engine that is about to be built.
    :param network: the finished network.
    :param settings: the settings of this conversion.
    """
