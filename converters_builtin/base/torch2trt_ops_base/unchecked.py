"""Rules of PyTorch without its checks that matrices can be factored: an engine cannot raise an error.

With the checks, export adds an effect to the program's inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch

Table = dict[torch._ops.OpOverload, Callable[..., Any]]
aten: Final = torch.ops.aten


def _inverse(input: torch.Tensor) -> torch.Tensor:
    result: torch.Tensor = aten.linalg_inv_ex(input)[0]
    return result


def _solve(input: torch.Tensor, other: torch.Tensor, *, left: bool = True) -> torch.Tensor:
    result: torch.Tensor = aten._linalg_solve_ex(input, other, left=left)[0]
    return result


def _cholesky(input: torch.Tensor, *, upper: bool = False) -> torch.Tensor:
    result: torch.Tensor = aten.linalg_cholesky_ex(input, upper=upper)[0]
    return result


def _lu_factor(input: torch.Tensor, *, pivot: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
    factors, pivots, _ = aten.linalg_lu_factor_ex(input, pivot=pivot)
    return factors, pivots


_RULES: Final[Table] = {
    aten.linalg_inv.default: _inverse,
    aten.inverse.default: _inverse,
    aten.linalg_solve.default: _solve,
    aten.linalg_cholesky.default: _cholesky,
    aten.linalg_lu_factor.default: _lu_factor,
}


def use_unchecked(table: Table) -> None:
    """Put the rules in the place of PyTorch's own; this is called after other packs have changed the table."""
    for overload, rule in _RULES.items():
        if overload in table and _is_pytorchs(table[overload]):
            table[overload] = rule


def _is_pytorchs(rule: Any) -> bool:
    module: str = getattr(rule, "func", rule).__module__
    return module.partition(".")[0] == "torch"
