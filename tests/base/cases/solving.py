"""Systems of linear equations, and inverses."""

import torch
from torch2trt.testing import Case, f32

from ._matrices import CAMERA, F32, PIVOTS, SINGULAR, definite, regular

N = {0: "n"}
NN = [N, N]
INVERSE, SOLVE = "aten.linalg_inv_ex.default", "aten._linalg_solve_ex.default"
TRIANGLE, OLD = "aten.linalg_solve_triangular.default", "aten.triangular_solve.default"


def triangle(a, b, **how):
    return torch.linalg.solve_triangular(regular(a), b.float(), **how)


def factored(a, b):
    return torch.linalg.lu_solve(*torch.linalg.lu_factor(regular(a, 1.0)), b.float())


CASES = [
    Case(INVERSE, lambda a: torch.inverse(regular(a)), [f32(2, 4, 4)], dynamic=N),
    Case(INVERSE, torch.linalg.inv, [f32(3, 3)], dtypes=F32, name="one"),
    Case(INVERSE, lambda a: regular(a).inverse(), [f32(2, 3, 2, 2)], dynamic={0: "n", 1: "m"}, name="4d"),
    Case(INVERSE, torch.linalg.inv, [f32(3, 1, 1)], dynamic=N, dtypes=F32, name="numbers"),
    Case(INVERSE, lambda a: torch.linalg.inv(regular(a)), [f32(1, 16, 16)], dtypes=F32, name="widest"),
    Case(INVERSE, torch.linalg.inv, [f32(17, 17)], dtypes=F32, rejects="1 to 16 rows", name="too wide"),
    Case(INVERSE, torch.linalg.inv, [PIVOTS], name="pivots"),
    Case(INVERSE, torch.linalg.inv, [CAMERA], name="camera"),
    Case(INVERSE, lambda a: torch.linalg.inv_ex(a).info, [torch.cat([SINGULAR, torch.eye(2)[None]])], name="info"),
    Case(INVERSE, lambda a: torch.linalg.inv_ex(a)[0].isfinite().all(), [SINGULAR], name="singular"),
    Case(INVERSE, lambda a: torch.linalg.matrix_power(regular(a), -2), [f32(2, 3, 3)], dynamic=N, name="power"),
    Case(SOLVE, torch.linalg.solve, [PIVOTS, f32(2, 3, 2)], dtypes=F32, name="pivots"),
    Case(SOLVE, lambda a, b: torch.linalg.solve(regular(a), b.float()), [f32(2, 4, 4), f32(2, 4, 3)], dynamic=NN),
    Case(SOLVE, lambda a, b: torch.linalg.solve(regular(a), b.float()), [f32(2, 4, 4), f32(2, 4)], name="vectors"),
    Case(SOLVE, lambda a, b: torch.linalg.solve(regular(a), b.float()), [f32(4, 4), f32(4)], name="vector"),
    Case(
        SOLVE,
        lambda a, b: torch.linalg.solve(regular(a), b.float()),
        [f32(3, 3), f32(2, 3, 2)],
        dynamic=[None, {0: "n", 2: "w"}],
        name="broadcast",
    ),
    Case(
        SOLVE,
        lambda a, b: torch.linalg.solve(regular(a), b.float(), left=False),
        [f32(2, 3, 3), f32(5, 1, 4, 3)],
        dynamic=[N, {0: "m"}],
        name="right",
    ),
    Case(SOLVE, lambda a, b: torch.linalg.solve_ex(a, b).info, [SINGULAR, torch.ones(2, 2, 1)], name="info"),
    *(
        Case(TRIANGLE, lambda a, b, how=how: triangle(a, b, **how), [f32(2, 3, 3), f32(2, 3, 3)], NN, name=str(how))
        for how in (
            {"upper": True},
            {"upper": False},
            {"upper": True, "left": False},
            {"upper": False, "left": False, "unitriangular": True},
            {"upper": True, "unitriangular": True},
        )
    ),
    Case(
        TRIANGLE,
        lambda a, b: triangle(a, b, upper=False, unitriangular=True),
        [f32(2, 3, 3), f32(3, 4)],
        dynamic=[N, {1: "w"}],
        name="broadcast",
    ),
    Case(OLD, lambda a, b: torch.triangular_solve(b.float(), regular(a)), [f32(2, 3, 3), f32(2, 3, 2)], dynamic=NN),
    Case(
        OLD,
        lambda a, b: torch.triangular_solve(b.float(), regular(a), upper=False, transpose=True)[0],
        [f32(3, 3), f32(3, 2)],
        name="transposed",
    ),
    Case("aten.linalg_lu_solve.default", factored, [f32(2, 4, 4), f32(2, 4, 3)], dynamic=NN),
    Case("aten.linalg_lu_solve.default", factored, [f32(4, 4), f32(2, 4, 3)], dynamic=[None, N], name="broadcast"),
    Case(
        "aten.linalg_lu_solve.default",
        lambda a, b: torch.linalg.lu_solve(*torch.linalg.lu_factor(a), b, left=False),
        [f32(3, 3), f32(3, 3)],
        dtypes=F32,
        rejects="left=True",
        name="right",
    ),
    Case(
        "aten.cholesky_solve.default",
        lambda a, b: torch.cholesky_solve(b.float(), torch.linalg.cholesky(definite(a))),
        [f32(2, 3, 3), f32(2, 3, 4)],
        dynamic=NN,
    ),
    Case(
        "aten.cholesky_solve.default",
        lambda a, b: torch.cholesky_solve(b.float(), torch.linalg.cholesky(definite(a), upper=True), upper=True),
        [f32(3, 3), f32(3, 1)],
        name="upper",
    ),
    Case(
        "aten.cholesky_inverse.default",
        lambda a: torch.cholesky_inverse(torch.linalg.cholesky(definite(a))),
        [f32(2, 3, 3)],
        dynamic=N,
    ),
    Case(
        "aten.cholesky_inverse.default",
        lambda a: torch.cholesky_inverse(regular(a).triu(), True),
        [f32(3, 3)],
        name="upper",
    ),
]
