"""The seed of a program's random numbers: a buffer of the converted module's own, which its engine counts on."""

from __future__ import annotations

import zlib
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, InputSpec, OutputKind, OutputSpec, TensorArgument

from ..errors import CaptureError
from ..program.leaves import SEED
from ..program.program import draws
from .intercept import Interception
from .kept import OPERATOR
from .read import Reader, written
from .wrappers import original_path


def add_seed(exported: ExportedProgram, interception: Interception) -> None:
    """Let a program that draws random numbers read and write a seed, in place; nothing happens to others.

    TensorRT's own random layer draws the same numbers at every call, so what converters draw is made of this seed: an
    int32 tensor of one element, which is one more after each call.

    Raises:
        CaptureError: the model has a buffer of its name.
    """
    drawing = _draws(Reader.of(exported, interception))
    # what the model writes would be taken for the seed of a model that draws
    taken = exported.state_dict if drawing else [str(spec.target) for spec in written(exported)]
    if SEED in map(original_path, taken):
        raise CaptureError(f"the model has a buffer {SEED!r}, where the seed of random numbers is kept; rename it")
    if not drawing:
        return
    # from the seed that the user sets, and another one for another model
    number = (torch.initial_seed() ^ zlib.crc32(str(exported.graph).encode())) % 2**31
    first = torch.tensor([number], dtype=torch.int32)
    exported.state_dict[SEED] = first
    graph, signature = exported.graph, exported.graph_signature
    before = next(iter(graph.nodes))
    with graph.inserting_before(before):
        seed = graph.placeholder(SEED)
    with graph.inserting_before(graph.output_node()):
        following = graph.call_function(torch.ops.aten.add.Tensor, (seed, 1))
    mode = next(value.fake_mode for value in map(_example, graph.nodes) if hasattr(value, "fake_mode"))
    seed.meta["val"] = following.meta["val"] = mode.from_tensor(first, static_shapes=True)
    output = graph.output_node()
    output.args = ((following, *output.args[0]),)
    signature.input_specs.insert(0, InputSpec(InputKind.BUFFER, TensorArgument(seed.name), SEED, persistent=True))
    signature.output_specs.insert(0, OutputSpec(OutputKind.BUFFER_MUTATION, TensorArgument(following.name), SEED))
    exported.graph_module.recompile()


def _draws(reader: Reader) -> bool:
    """Whether a call of a graph, or of one that it runs, draws."""
    calls = (each.call(node) for each in (reader, *reader.subgraphs()) for node in each.nodes if _may_draw(node))
    return any(map(draws, calls))


def _may_draw(node: torch.fx.Node) -> bool:
    # reading a node takes a while, and nearly none draws
    return node.target is OPERATOR or torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())


def _example(node: torch.fx.Node) -> Any:
    return node.meta.get("val")
