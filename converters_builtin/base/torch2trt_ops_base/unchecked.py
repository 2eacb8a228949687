"""Rules of PyTorch without its checks that matrices can be factored: an engine cannot raise an error.

With the checks, export adds an effect to the program's inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch

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


RULES: Final[dict[torch._ops.OpOverload, Callable[..., Any]]] = {
    aten.linalg_inv.default: _inverse,
    aten.inverse.default: _inverse,
    aten.linalg_solve.default: _solve,
    aten.linalg_cholesky.default: _cholesky,
    aten.linalg_lu_factor.default: _lu_factor,
}
