"""What single calls of a graph are made of: all are traced at once, and calls that are alike once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch._subclasses.functional_tensor import FunctionalTensor, FunctionalTensorMode, dispatch_functionalize
from torch.fx import traceback
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import free_unbacked_symbols
from torch.utils import _pytree as pytree

from .in_place import NotByItselfError


@dataclass(frozen=True, slots=True)
class Part:
    """What one call is made of."""

    #: what stands for the values that the call is given, in the order of :func:`nodes_of`
    inputs: Sequence[torch.fx.Node]
    #: the calls, in order
    steps: Sequence[torch.fx.Node]
    #: what it returns, in terms of both
    result: Any


def nodes_of(node: torch.fx.Node) -> list[torch.fx.Node]:
    """The nodes that a call is given, each once."""
    leaves = pytree.tree_leaves((node.args, node.kwargs))
    return list(dict.fromkeys(leaf for leaf in leaves if isinstance(leaf, torch.fx.Node)))


def parts_of(
    calls: Mapping[torch.fx.Node, torch._ops.OpOverload], rules: Mapping[Any, Any], mode: FakeTensorMode
) -> Mapping[torch.fx.Node, Part]:
    """What calls are made of.

    Args:
        calls: nodes with the operators that they run, which are not always their own.
        rules: PyTorch's table of what operators are made of.
        mode: the one of the nodes' FakeTensors.

    Raises:
        NotByItselfError: one cannot be traced.
    """
    alike: dict[Any, list[torch.fx.Node]] = defaultdict(list)
    for node, overload in calls.items():
        alike[_key(node, overload)].append(node)
    # where sizes vary, a trace would take one call's sizes from the tensors of another
    varies = any(isinstance(size, torch.SymInt) for nodes in alike.values() for size in _sizes(nodes[0]))
    groups = [[nodes] for nodes in alike.values()] if varies else [list(alike.values())]
    parts: dict[torch.fx.Node, Part] = {}
    for group in groups:
        traced = _traced([(nodes[0], calls[nodes[0]]) for nodes in group], rules, mode)
        for nodes, part in zip(group, traced, strict=True):
            parts |= dict.fromkeys(nodes, part)
    return parts


def _traced(
    calls: Sequence[tuple[torch.fx.Node, torch._ops.OpOverload]], rules: Mapping[Any, Any], mode: FakeTensorMode
) -> list[Part]:
    specs: list[pytree.TreeSpec] = []

    def run(given: Sequence[Sequence[Any]]) -> list[Any]:
        flat = []
        for call, own in zip(calls, given, strict=True):
            leaves, spec = pytree.tree_flatten(_run(*call, own))
            flat.append(leaves)
            specs.append(spec)
        return flat

    # tensors of its own for each call: a trace knows them by their identity
    given = [[_operand(used.meta["val"]) for used in nodes_of(node)] for node, _ in calls]
    try:
        with mode:
            graph = make_fx(run, decomposition_table=rules)(given).graph
    except Exception as error:  # PyTorch can do it with the others, or says there why not
        raise NotByItselfError from error
    placeholders = iter(graph.find_nodes(op="placeholder"))
    results: Any = iter(graph.output_node().args[0])  # type: ignore[arg-type]  # a flat list
    parts = []
    for own, spec in zip(given, specs, strict=True):
        inputs = [next(placeholders) for _ in own]
        returned = [next(results) for _ in range(spec.num_leaves)]
        parts.append(Part(inputs, _steps(returned), pytree.tree_unflatten(returned, spec)))
    return parts


def like(value: Any) -> Any:
    """Another FakeTensor that looks the same, without a dispatch, or the same size."""
    if not isinstance(value, FakeTensor):
        return value
    meta = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")
    return FakeTensor(value.fake_mode, meta, value.fake_device)


def _operand(value: Any) -> Any:
    copy = like(value)
    return copy.requires_grad_() if isinstance(value, torch.Tensor) and value.requires_grad else copy


def looks(value: Any) -> tuple[str, ...]:
    """What a FakeTensor is like, or a size; as text, for a comparison of sizes would be a guard."""
    if not isinstance(value, torch.Tensor):
        return (str(value),)
    return tuple(map(str, (*value.shape, value.dtype, value.device)))


def _run(node: torch.fx.Node, overload: torch._ops.OpOverload, tensors: Sequence[torch.Tensor]) -> Any:
    """Run a call with these tensors; what a rule writes in place becomes a new value."""
    nodes = nodes_of(node)

    def call(*given: torch.Tensor) -> Any:
        values = dict(zip(nodes, given, strict=True))
        args, kwargs = pytree.tree_map_only(torch.fx.Node, values.__getitem__, (node.args, node.kwargs))
        result = overload(*args, **kwargs)
        # some write what their schemas do not say, as batch_norm its statistics
        written: Any = torch._functionalize_has_data_mutation  # type: ignore[attr-defined]  # PyTorch does not type it
        if any(isinstance(value, FunctionalTensor) and written(value.elem) for value in given):
            raise NotByItselfError
        return result

    with traceback.set_current_meta(node):
        return dispatch_functionalize(call, FunctionalTensorMode(export=True))(*tensors)


def _key(node: torch.fx.Node, overload: torch._ops.OpOverload) -> Any:
    """What alike calls have in common."""
    nodes = nodes_of(node)
    leaves, spec = pytree.tree_flatten((node.args, node.kwargs))
    described = [nodes.index(leaf) if isinstance(leaf, torch.fx.Node) else (type(leaf), leaf) for leaf in leaves]
    values = [used.meta["val"] for used in nodes]
    seen = [(str(value.stride()), value.requires_grad) for value in values if isinstance(value, torch.Tensor)]
    return overload, tuple(described), str(spec), tuple(map(looks, values)), *seen, str(node.meta.get("custom"))


def _sizes(node: torch.fx.Node) -> Iterator[Any]:
    for used in nodes_of(node):
        value = used.meta["val"]
        yield from value.shape if isinstance(value, torch.Tensor) else (value,)


def counts(node: torch.fx.Node) -> bool:
    """Whether a call's result, or its size, depends on values that only a run tells."""
    return any(
        bool(free_unbacked_symbols(value)) for value in pytree.tree_leaves(node.meta.get("val")) if value is not None
    )


def _steps(returned: Sequence[Any]) -> list[torch.fx.Node]:
    """The calls that these values come of, in order."""
    needed = behind(value for value in returned if isinstance(value, torch.fx.Node))
    return sorted(node for node in needed if node.op != "placeholder")


def behind(nodes: Iterable[torch.fx.Node]) -> list[torch.fx.Node]:
    """The nodes, and all that they come of."""
    found = dict.fromkeys(nodes)
    for node in (todo := list(found)):
        new = [used for used in node.all_input_nodes if used not in found]
        found |= dict.fromkeys(new)
        todo += new
    return todo
