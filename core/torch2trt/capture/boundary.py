"""What goes in and comes out in a dtype that TensorRT lacks: the module casts it at its calls.

To the network a float64 input is a float32 one, which the program casts to float64 first; and so an output.  What
becomes of the calls between these casts is for the graph hook of a pack.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, TensorArgument

from ..dtypes import carrier
from ..errors import Float64Warning, warn
from ..program.call import Call
from ..program.program import Program, subprograms_of
from ..settings import Settings

#: how many lines of the model a warning names
_SHOWN: Final = 10


def carry(exported: ExportedProgram, settings: Settings) -> list[torch.dtype | None]:
    """Bring inputs and outputs to dtypes that TensorRT has.

    A placeholder that changes keeps the dtype that users give as ``meta["given"]``.

    Returns:
        of every output, by position, the dtype that users get; None where it is the output's own.
    """
    graph = exported.graph_module.graph
    names = {
        spec.arg.name
        for spec in exported.graph_signature.input_specs
        if spec.kind is InputKind.USER_INPUT and isinstance(spec.arg, TensorArgument)
    }
    first = next(node for node in graph.nodes if node.op != "placeholder")
    for node in graph.find_nodes(op="placeholder"):
        if node.name in names:
            _carry_input(node, settings, first)
    output = graph.output_node()
    values: Any = output.args[0]
    returned = [_dtype(value, settings) for value in values]
    casts: dict[Any, torch.fx.Node] = {}
    for value, dtype in zip(values, returned, strict=True):
        if dtype is not None and not dtype.is_complex and value not in casts:
            casts[value] = _cast(value, carrier(dtype), output)
    output.args = (tuple(casts.get(value, value) for value in values),)
    return returned


def _carry_input(node: torch.fx.Node, settings: Settings, first: torch.fx.Node) -> None:
    dtype = _dtype(node, settings)
    if dtype is None:
        return
    outside = _cast(node, dtype, first)
    node.replace_all_uses_with(outside, delete_user_cb=lambda user: user is not outside)
    node.meta |= {"val": node.meta["val"].to(carrier(dtype)), "given": dtype}
    if not outside.users:
        node.graph.erase_node(outside)


def _dtype(value: object, settings: Settings) -> torch.dtype | None:
    """The dtype of a node that TensorRT has to have another one for; None for others."""
    if not isinstance(value, torch.fx.Node):
        return None
    dtype = getattr(value.meta.get("val"), "dtype", None)
    if dtype is torch.complex128 and value.op == "call_function":
        return dtype  # its parts are float64, which the network has as float32
    return dtype if dtype is not None and carrier(dtype, settings.float64) is not dtype else None


def _cast(node: torch.fx.Node, dtype: torch.dtype, before: torch.fx.Node) -> torch.fx.Node:
    with node.graph.inserting_before(before):
        cast = node.graph.call_function(torch.ops.aten._to_copy.default, (node,), {"dtype": dtype})
    cast.meta = {**node.meta, "val": node.meta["val"].to(dtype)}
    if any(used.meta.get("given") is torch.float64 for used in node.all_input_nodes):
        cast.meta["narrowed"] = "float64"  # an input that is returned as it is
    return cast


def tell(program: Program) -> None:
    """Warn of the calls that the network computes in a narrower dtype than the model, if there are any."""
    lines: dict[str, dict[str, None]] = {}
    for call in _narrowed(program):
        overload = call.target.overload
        name = overload.overloadpacket.__name__ if overload else call.target.name
        lines.setdefault(call.source or call.where, {})[name] = None
    if not lines:
        return
    shown = [f"\n  {', '.join(names)} at {source}" for source, names in list(lines.items())[:_SHOWN]]
    more = f"\n  and {len(lines) - _SHOWN} lines more, which explain shows" if len(lines) > _SHOWN else ""
    warn(
        "TensorRT has no float64: what the model computes in it is computed in float32, where numbers beyond 3.4e38 "
        f"are infinite (float64='refuse' refuses that):{''.join(shown)}{more}",
        Float64Warning,
    )


def _narrowed(program: Program) -> Iterator[Call]:
    for call in program.calls:
        if call.narrowed:
            yield call
        for body in subprograms_of(call):
            yield from _narrowed(body)
