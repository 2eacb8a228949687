"""Complex numbers: a network holds each as a pair of real ones.

TensorRT has no complex numbers.  So the captured graph is rewritten, before it is planned: every operator that has a
rule computes with real and imaginary parts.  The program's own complex tensors stay pairs in memory, as PyTorch keeps
them: ``view_as_real`` of an input and ``view_as_complex`` before an output are its border.
"""

from __future__ import annotations

import operator
from typing import Any, Final

import torch
from torch.utils import _pytree as pytree

from .complex_arithmetic import ARITHMETIC
from .complex_functions import FUNCTIONS
from .complex_matrices import MATRICES
from .complex_moves import MOVES, ON_PARTS, on_parts
from .fourier import FOURIER
from .nodes import packet
from .pairs import Emitter, Pair, Rule, aten, is_complex, real_dtype

_RULES: Final[dict[str, Rule]] = {**ARITHMETIC, **FUNCTIONS, **MATRICES, **MOVES, **FOURIER}


def take_apart(graph_module: torch.fx.GraphModule) -> None:
    """Rewrite the graph, and those that its calls run, in place, so that calls compute with pairs.

    A call without a rule keeps its complex operands, and is refused when it is planned.
    """
    for module in graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            examples = pytree.tree_leaves([node.meta.get("val") for node in module.graph.nodes])
            if any(map(is_complex, examples)):
                mode = next(leaf.fake_mode for leaf in examples if hasattr(leaf, "fake_mode"))
                _Rewriting(module.graph, mode).run()


class _Rewriting:
    """One pass over a graph."""

    def __init__(self, graph: torch.fx.Graph, mode: Any) -> None:
        self._graph = graph
        self._emit = Emitter(graph, mode)
        #: what stands for a complex value; for several, a pair of the calls that give them
        self._pairs: dict[torch.fx.Node, Pair] = {}
        #: of a complex value the real one that holds both parts in its last dimension
        self._interleaved: dict[torch.fx.Node, torch.fx.Node] = {}
        #: of such a real value the pair
        self._halves: dict[torch.fx.Node, Pair] = {}
        self._replaced: set[torch.fx.Node] = set()

    def run(self) -> None:
        for node in list(self._graph.nodes):
            if node.op == "call_function":
                self._call(node)
            elif node.op == "output":
                for value in node.all_input_nodes:
                    if is_complex(value.meta["val"]):
                        node.replace_input_with(value, self._returned(value, node))
        for node in reversed(list(self._graph.nodes)):
            if not node.users and node in self._replaced | self._emit.added:
                self._graph.erase_node(node)

    def _call(self, node: torch.fx.Node) -> None:
        if not any(is_complex(value.meta.get("val")) for value in (node, *node.all_input_nodes)):
            self._of_halves(node)
        elif node.target is operator.getitem:
            self._pick(node)
        else:
            outcome = self._outcome(node)
            if outcome is None:
                self._keep(node)
            elif isinstance(outcome, Pair):
                self._stand_for(node, outcome)
            else:
                self._replace(node, outcome)

    def _outcome(self, node: torch.fx.Node) -> Any:
        """What stands for the result of a call; None where nothing does."""
        name, operands = packet(node), node.all_input_nodes
        if node.target in (aten.view_as_real.default, aten.view_as_complex.default, aten.view.dtype):
            return self._reinterpreted(node, operands[0])
        if not (name in ON_PARTS or name in _RULES):
            return None
        for operand in operands:
            self._pair(operand)
        self._emit.at(node)
        args, kwargs = pytree.tree_map_only(
            torch.fx.Node, lambda used: self._pairs.get(used, used), (node.args, node.kwargs)
        )
        if name in ON_PARTS:
            return on_parts(self._emit, node.target, args, kwargs) if is_complex(node.meta["val"]) else None
        return _RULES[name](self._emit, *args, **kwargs)

    def _pair(self, node: torch.fx.Node) -> Pair | None:
        """What stands for a complex value; None for another."""
        if node not in self._pairs and isinstance(node.meta.get("val"), torch.Tensor) and is_complex(node.meta["val"]):
            self._emit.at(node, after=True)
            # a constant may be what another one is the conjugate of
            plain = self._emit(aten.resolve_conj.default, node) if node.meta["val"].is_conj() else node
            both = self._emit(aten.view_as_real.default, plain)
            self._interleaved[node] = both
            self._pairs[node] = self._halves[both] = self._emit.apart(both)
        return self._pairs.get(node)

    def _both(self, node: torch.fx.Node) -> torch.fx.Node:
        """A complex value as a real one with the parts in its last dimension, for use in the call that is rewritten."""
        pair = self._pair(node)
        assert pair is not None
        if node not in self._interleaved:
            self._emit.at(node, after=True)
            self._interleaved[node] = both = self._emit.interleaved(pair)
            self._halves[both] = pair
        return self._interleaved[node]

    def _reinterpreted(self, node: torch.fx.Node, operand: torch.fx.Node) -> Any:
        """The same memory as complex numbers, or as real ones."""
        example, source = node.meta["val"], operand.meta["val"]
        if is_complex(source) and is_complex(example):
            return self._pair(operand) if example.dtype is source.dtype else None
        if real_dtype(source.dtype) is not real_dtype(example.dtype):
            return None
        both = self._both(operand) if is_complex(source) else operand
        self._emit.at(node)
        if node.target is not aten.view.dtype:
            return both if is_complex(source) else self._emit.apart(both)
        sizes = self._emit.sizes(both)
        last = sizes[-1]
        if is_complex(source):
            joined = 2 * sizes[-2] if isinstance(sizes[-2], int) else -1
            return self._emit.view(both, [*sizes[:-2], joined])
        pairs = last // 2 if isinstance(last, int) else -1
        return self._emit.apart(self._emit.view(both, [*sizes[:-1], pairs, 2]))

    def _of_halves(self, node: torch.fx.Node) -> None:
        """Real calls on both parts at once: to pick one of them is to have it."""
        name = packet(node)
        if name == "_neg_view":  # which PyTorch puts before the imaginary part of a conjugate
            self._emit.at(node)
            self._replace(node, self._emit(aten.neg.default, node.args[0]))
        elif name == "select" and node.args[0] in self._halves:
            source, dim, index = node.args
            if dim == source.meta["val"].dim() - 1 and index in (0, 1):  # type: ignore[union-attr]  # a node
                part = self._halves[source].parts[index]  # type: ignore[index]  # a node and a number
                if isinstance(part, torch.fx.Node) and part is not node:
                    self._replace(node, part)

    def _pick(self, node: torch.fx.Node) -> None:
        """One of the results of a call."""
        source, index = node.args
        if source in self._pairs:
            self._emit.at(node)
            parts = self._pairs[source].parts  # type: ignore[index]  # a node
            self._stand_for(node, Pair(*(self._emit(operator.getitem, part, index) for part in parts)))

    def _keep(self, node: torch.fx.Node) -> None:
        """A call without a rule: complex values go in, which it may compute while it is constant."""
        for operand in node.all_input_nodes:
            if operand in self._pairs or (operand.op == "placeholder" and is_complex(operand.meta["val"])):
                pair = self._pair(operand)
                assert pair is not None
                self._emit.at(node)
                complex_ = self._emit(aten.complex.default, *self._emit.whole(pair))
                node.replace_input_with(operand, complex_)

    def _stand_for(self, node: torch.fx.Node, pair: Pair) -> None:
        example = node.meta["val"]
        real, imag = pair.parts
        if isinstance(example, torch.Tensor) and isinstance(real, torch.fx.Node) and isinstance(imag, torch.fx.Node):
            pair = Pair(*self._emit.whole(pair))
        self._pairs[node] = pair
        self._replaced.add(node)

    def _replace(self, node: torch.fx.Node, by: torch.fx.Node) -> None:
        node.replace_all_uses_with(by)
        self._replaced.add(node)

    def _returned(self, value: torch.fx.Node, output: torch.fx.Node) -> torch.fx.Node:
        both = self._both(value)
        self._emit.at(output, like=value)
        return self._emit(aten.view_as_complex.default, both)  # type: ignore[no-any-return]  # a node
