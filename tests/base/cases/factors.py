"""Factors of matrices."""

import torch
from torch2trt.testing import Case, f32

from ._matrices import F32, PIVOTS, SINGULAR, definite

N = {0: "n"}
FACTOR, LU, CHOLESKY = "aten.linalg_lu_factor_ex.default", "aten.linalg_lu.default", "aten.linalg_cholesky_ex.default"
INDEFINITE = torch.tensor(
    [[[1.0, 2.0], [2.0, 1.0]], [[-1.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 1.0]], [[4.0, 2.0], [2, 2]]]
)

CASES = [
    Case(FACTOR, torch.linalg.lu_factor, [f32(2, 4, 4)], dynamic=N, dtypes=F32),
    Case(FACTOR, torch.linalg.lu_factor, [PIVOTS], name="pivots"),
    Case(FACTOR, torch.linalg.lu_factor_ex, [SINGULAR], name="singular"),
    Case(FACTOR, torch.linalg.lu_factor, [f32(2, 3, 4)], dtypes=F32, rejects="square", name="wide"),
    Case(LU, torch.linalg.lu, [f32(2, 4, 4)], dynamic=N, dtypes=F32),
    Case(LU, torch.linalg.lu, [f32(3, 3)], dtypes=F32, name="one"),
    Case(LU, torch.linalg.lu, [PIVOTS], name="pivots"),
    Case(LU, torch.linalg.lu, [f32(4, 3)], dtypes=F32, rejects="square", name="tall"),
    Case(CHOLESKY, lambda a: torch.linalg.cholesky(definite(a)), [f32(2, 4, 4)], dynamic=N),
    Case(
        CHOLESKY, lambda a: torch.linalg.cholesky(definite(a), upper=True), [f32(2, 3, 4, 4)], dynamic=N, name="upper"
    ),
    # only one of the triangles is looked at
    Case(CHOLESKY, lambda a: torch.linalg.cholesky(definite(a).tril()), [f32(3, 3)], name="lower"),
    Case(CHOLESKY, lambda a: torch.linalg.cholesky_ex(a).info, [INDEFINITE], name="info"),
    Case(CHOLESKY, lambda a: torch.linalg.cholesky(definite(a)), [f32(1, 16, 16)], dtypes=F32, name="widest"),
    Case(
        CHOLESKY,
        lambda a: torch.linalg.cholesky(definite(a)),
        [f32(17, 17)],
        dtypes=F32,
        rejects="1 to 16",
        name="too wide",
    ),
]
