"""What the pack asks of the nodes of a captured graph."""

from __future__ import annotations

from typing import Final

import torch

_NAMESPACES: Final = ("aten", "prims")
#: operators whose result has the elements of their operand, maybe in another shape
VIEWS: Final = ("view", "unsqueeze", "squeeze", "permute", "clone", "alias", "_unsafe_view")


def packet(node: torch.fx.Node) -> str:
    """``add`` of ``aten.add.Tensor``; empty for what is no call of an operator of PyTorch."""
    target = node.target
    if isinstance(target, torch._ops.OpOverload) and target.namespace in _NAMESPACES:
        return str(target.overloadpacket.__name__)
    return ""
