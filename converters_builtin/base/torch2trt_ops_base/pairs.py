"""Complex numbers as pairs of real ones, and the calls of a captured graph that compute with them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch._dispatch.python import enable_python_dispatcher
from torch.utils import _pytree as pytree

aten: Final = torch.ops.aten
#: a value of the graph, or one number for all elements
Part = torch.fx.Node | float


@dataclass(frozen=True, slots=True)
class Pair:
    """What stands for a complex value: two real ones of its shape, or of shapes that broadcast to it."""

    real: Part
    imag: Part

    @property
    def parts(self) -> tuple[Part, Part]:
        """Both."""
        return self.real, self.imag


#: what an operator does on pairs: takes the emitter and the operator's own arguments, with a :class:`Pair` for every
#: complex tensor, and returns a pair, a real value, or None for what it does not cover
Rule = Callable[..., Any]


def is_complex(value: Any) -> bool:
    """Whether an example value, or one of its leaves, is complex."""
    return any(isinstance(leaf, torch.Tensor) and leaf.is_complex() for leaf in pytree.tree_leaves(value))


def real_dtype(dtype: Any) -> Any:
    """``float32`` for ``complex64``; others stay as they are."""
    return dtype.to_real() if isinstance(dtype, torch.dtype) and dtype.is_complex else dtype


class Emitter:
    """Adds calls to a graph, each with the example of its result.

    Args:
        graph: the graph.
        mode: the FakeTensorMode of its examples.
    """

    def __init__(self, graph: torch.fx.Graph, mode: Any) -> None:
        self._graph, self._mode = graph, mode
        #: all that were added
        self.added: set[torch.fx.Node] = set()
        self._before: torch.fx.Node = graph.output_node()
        self._meta: dict[str, Any] = {}

    def at(self, node: torch.fx.Node, *, after: bool = False, like: torch.fx.Node | None = None) -> None:
        """Add what comes next before ``node``, or after it, as what it (or ``like``) is in the user's code."""
        self._meta = (like or node).meta
        self._before = node.next if after else node
        while after and (self._before.op == "placeholder" or self._before in self.added):
            self._before = self._before.next

    @property
    def example(self) -> Any:
        """The example of the result of the call that is being rewritten."""
        return self._meta["val"]

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the parts of that result."""
        dtype: torch.dtype = real_dtype(self.example.dtype)
        return dtype

    def __call__(self, overload: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Add a call; its node."""
        examples = pytree.tree_map_only(torch.fx.Node, lambda node: node.meta["val"], (args, kwargs))
        # without PyTorch's rules in Python, those in C++ would fix dynamic sizes
        with self._mode, enable_python_dispatcher(), torch.no_grad():
            result = overload(*examples[0], **examples[1])
        with self._graph.inserting_before(self._before):
            node = self._graph.call_function(overload, args, kwargs)
        node.meta = {**self._meta, "val": result}
        self.added.add(node)
        return node

    def pair(self, value: Any) -> Pair:
        """A complex, real or Python number as a pair with the dtype of the result."""
        if isinstance(value, Pair):
            return Pair(*(self.cast(part, self.dtype) for part in value.parts))
        if isinstance(value, torch.fx.Node):
            return Pair(self.cast(value, self.dtype), 0.0)
        number = complex(value)
        return Pair(number.real, number.imag)

    def cast(self, part: Part, dtype: torch.dtype) -> Part:
        """A part in another dtype."""
        if not isinstance(part, torch.fx.Node) or part.meta["val"].dtype is dtype:
            return part
        return self(aten._to_copy.default, part, dtype=dtype)  # type: ignore[no-any-return]  # a node

    def number(self, value: Any) -> torch.fx.Node:
        """A number as a tensor of the dtype of the parts."""
        return self(aten.scalar_tensor.default, value, dtype=self.dtype)  # type: ignore[no-any-return]  # a node

    def view(self, node: torch.fx.Node, sizes: Sequence[Any]) -> torch.fx.Node:
        """A tensor in another shape, whatever its strides are."""
        if not node.meta["val"].is_contiguous():
            node = self(aten.clone.default, node, memory_format=torch.contiguous_format)
        return self(aten.view.default, node, list(sizes))  # type: ignore[no-any-return]  # a node

    def sizes(self, node: torch.fx.Node) -> list[Any]:
        """The sizes of a tensor, as arguments of calls."""
        return [
            size if isinstance(size, int) else self(aten.sym_size.int, node, dim)
            for dim, size in enumerate(node.meta["val"].shape)
        ]

    def whole(self, pair: Pair) -> tuple[torch.fx.Node, torch.fx.Node]:
        """Both parts as tensors of the same shape."""
        real, imag = pair.parts
        for one, other in ((real, imag), (imag, real)):
            if isinstance(one, torch.fx.Node) and not isinstance(other, torch.fx.Node):
                filled = self(aten.full_like.default, one, other)
                return (one, filled) if one is real else (filled, one)
        assert isinstance(real, torch.fx.Node)
        assert isinstance(imag, torch.fx.Node)
        shape = torch.broadcast_shapes(real.meta["val"].shape, imag.meta["val"].shape)
        return self.filling(real, shape, imag), self.filling(imag, shape, real)

    def filling(self, node: torch.fx.Node, shape: Sequence[Any], other: torch.fx.Node) -> torch.fx.Node:
        """``node`` broadcast to ``shape``, to which it broadcasts with ``other``."""
        if same_sizes(node.meta["val"].shape, shape):
            return node
        if same_sizes(other.meta["val"].shape, shape):
            sizes = self.sizes(other)
        else:  # each has some of the sizes
            sizes = self.sizes(self(aten.add.Tensor, node, other))
        return self(aten.expand.default, node, sizes)  # type: ignore[no-any-return]  # a node

    def interleaved(self, pair: Pair) -> torch.fx.Node:
        """What ``torch.view_as_real`` makes of a complex tensor."""
        columns = [self(aten.unsqueeze.default, part, -1) for part in self.whole(pair)]
        return self(aten.cat.default, columns, -1)  # type: ignore[no-any-return]  # a node

    def apart(self, node: torch.fx.Node) -> Pair:
        """The pair of which ``node`` has both parts in its last dimension."""
        last = node.meta["val"].dim() - 1
        parts = [self(aten.select.int, node, last, index) for index in (0, 1)]
        for part in parts:  # other strides would let PyTorch ask what dynamic sizes are
            with self._mode:
                part.meta["val"] = torch.empty_like(part.meta["val"], memory_format=torch.contiguous_format)
        return Pair(*parts)

    def _binary(self, overload: Any, compute: Callable[[float, float], float], one: Part, other: Part) -> Part:
        if isinstance(one, torch.fx.Node) or isinstance(other, torch.fx.Node):
            return self(overload, one, other)  # type: ignore[no-any-return]  # a node
        return compute(one, other)

    def add(self, one: Part, other: Part) -> Part:
        """The sum of two parts."""
        return self._binary(aten.add.Tensor, operator.add, one, other)

    def sub(self, one: Part, other: Part) -> Part:
        """The difference of two parts."""
        return self._binary(aten.sub.Tensor, operator.sub, one, other)

    def mul(self, one: Part, other: Part) -> Part:
        """The product of two parts, also with 0, which makes NaN of infinity."""
        return self._binary(aten.mul.Tensor, operator.mul, one, other)


def same_sizes(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether two shapes are the same for all that is known, without asking what dynamic sizes are."""
    return len(one) == len(other) and all(str(a) == str(b) for a, b in zip(one, other, strict=True))
