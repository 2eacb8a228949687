"""The hooks that a converter pack implements."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import torch

    from .._trt import trt
    from ..program.call import Call
    from ..program.program import Program
    from ..settings import Settings
    from .converters import Converter
    from .registry import PackRegistry

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

    Called once a process, before the first lowering and before the first engine is loaded.  An engine's manifest
    names the packs with this hook whose converters made some of its layers; loading it without them is an error.
    Operators that are marked with ``@torch2trt.plugin`` need no hook.

    :param plugin_registry: TensorRT's global plugin registry.
    """


@hookspec
def torch2trt_decompositions(table: dict[Callable[..., Any], Callable[..., Any]]) -> None:
    """Change the decomposition table of the capture in place.

    A rule is used for a call that no converter takes, whether its operator has converters or not.  A function of
    PyTorch or a method, such as ``torch.nn.LSTM.forward``, may have one too, for what PyTorch cannot trace: the rule is
    traced in its place, and leaves calls for which it returns NotImplemented to the original.

    :param table: PyTorch's default table, whose keys are operator overloads.
    """


@hookspec
def torch2trt_transform_graph(graph_module: torch.fx.GraphModule, settings: Settings) -> None:
    """Rewrite the captured graph in place, before planning.

    :param graph_module: the graph of the captured program; new nodes need ``meta["val"]``.
    :param settings: the settings of this conversion.
    """


@hookspec(firstresult=True)
def torch2trt_find_converter(call: Call) -> Converter | None:
    """Choose the converter of one call by code instead of by target.

    Packs are asked in turn, before the converters of the call's target; the first converter that does not decline the
    call is taken.  Asked when the program is captured and again when it is planned, so the answer may depend on the
    call alone.  What it returns stands in the plan, in the
    layers and in the manifest like any other converter.  Calls that nobody takes follow PyTorch's decompositions.

    :param call: the call, with FakeTensors.
    :returns: ``Converter(call.target, function)``, or None to leave the call to others.
    """


@hookspec
def torch2trt_configure_build(config: trt.IBuilderConfig, network: trt.INetworkDefinition, settings: Settings) -> None:
    """Adjust the builder configuration, after the core has applied the settings.

    :param config: the configuration of the engine that is about to be built.
    :param network: the finished network.
    :param settings: the settings of this conversion.
    """


@hookspec(firstresult=True)
def torch2trt_kernels(program: Program) -> Program | None:
    """Give the program with kernels of the pack's in the place of calls, for PyTorch to run.

    Asked by ``autotune=True``, which holds what comes against the model, times it beside the engine, and keeps what is
    fastest; each pack's by itself.  The operators of the kernels are marked with ``@torch2trt.plugin`` and registered
    as converters, so that a file with them finds them again.

    :param program: the captured program, which stays as it is.
    :returns: another program with its inputs and outputs; None where it has nothing that the pack's kernels compute.
    """
