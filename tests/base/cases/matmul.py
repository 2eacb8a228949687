"""Rows of matrix products and of what PyTorch makes of them."""

import torch
from torch2trt.testing import Case, f32, i32, i64

N = {0: "n"}
K = {0: "k"}
ALL = (torch.float32, torch.float16, torch.bfloat16)


def matmul(name, call, inputs, dynamic=None, **more):
    return Case("aten.matmul.default", call, inputs, dynamic=dynamic, name=name, **more)


def product(target, call, *inputs, dynamic=None, name="plain", **more):
    return Case(f"aten.{target}.default", call, inputs, dynamic=dynamic, name=name, **more)


CASES = [
    Case(
        "aten.linalg_cross.default",
        torch.linalg.cross,
        [f32(1, 2, 3), f32(4, 2, 3)],
        [{1: "n"}, {0: "m", 1: "n"}],
        whole=False,
    ),
    Case(
        "aten.linalg_cross.default",
        lambda x: torch.cross(x, x.flip(0), 0),
        [f32(3, 2)],
        {1: "n"},
        whole=False,
        name="0",
    ),
    Case(
        "aten.linalg_multi_dot.default",
        lambda x, y: torch.linalg.multi_dot([x, y, x]),
        [f32(3, 4), f32(4, 3)],
        whole=False,
    ),
    *(
        Case(
            "aten.linalg_matrix_power.default",
            lambda x, power=power: torch.linalg.matrix_power(x, power),
            [f32(2, 3, 3)],
            dynamic=N,
            whole=False,
            name=str(power),
        )
        for power in (0, 1, 5)
    ),
    *(
        Case(
            "aten.linalg_matrix_norm.default",
            lambda x, order=order: torch.linalg.matrix_norm(x, order),
            [f32(2, 3, 4)],
            # PyTorch's rule fixes the sizes of all other orders
            dynamic=N if order == "fro" else None,
            whole=False,
            name=str(order),
        )
        for order in ("fro", 1, -float("inf"))
    ),
    matmul("2_2", torch.matmul, [f32(3, 4), f32(4, 2)], [N, None], dtypes=ALL),
    matmul("constant", lambda x: x @ torch.ones(4, 2).to(x.dtype), [f32(3, 4)], N),
    matmul("constant_first", lambda x: torch.ones(2, 4).to(x.dtype) @ x, [f32(4, 3)], {1: "n"}),
    matmul("1_1", torch.matmul, [f32(4), f32(4)], [K, K]),
    matmul("1_2", torch.matmul, [f32(4), f32(4, 2)], [None, {1: "n"}]),
    matmul("2_1", torch.matmul, [f32(3, 4), f32(4)], [N, None]),
    matmul("1_3", torch.matmul, [f32(4), f32(2, 4, 3)], [None, N]),
    matmul("3_1", torch.matmul, [f32(2, 3, 4), f32(4)], [N, None]),
    matmul("3_2", torch.matmul, [f32(2, 3, 4), f32(4, 5)], [N, None]),
    matmul("2_3", torch.matmul, [f32(3, 4), f32(2, 4, 5)], [None, N]),
    matmul("3_3", torch.matmul, [f32(2, 3, 4), f32(2, 4, 5)], [N, N]),
    matmul("broadcast", torch.matmul, [f32(2, 1, 3, 4), f32(2, 4, 5)], [N, None]),
    matmul("4_4", lambda q, k: q @ k.mT, [f32(2, 2, 3, 4), f32(2, 2, 3, 4)], [{0: "n", 2: "s"}, {0: "n", 2: "s"}]),
    matmul("int", torch.matmul, [i64(3, 4), i64(4, 2)], [N, None]),
    matmul("int_1_1", torch.matmul, [i64(4), i64(4)], [K, K]),
    matmul("int_1_2", torch.matmul, [i32(4), i32(4, 2)]),
    matmul("int_2_1", torch.matmul, [i64(3, 4), i64(4)], [N, None]),
    matmul("int_3_2", torch.matmul, [i64(2, 3, 4), i64(4, 2)], [N, None]),
    product("mm", torch.mm, f32(3, 4), f32(4, 2), dynamic=[N, None], dtypes=ALL),
    product("mm", torch.mm, i64(3, 4), i64(4, 2), dynamic=[N, None], name="int"),
    product("bmm", torch.bmm, f32(2, 3, 4), f32(2, 4, 5), dynamic=[N, N]),
    product("bmm", torch.bmm, i32(2, 3, 4), i32(2, 4, 5), dynamic=[N, N], name="int"),
    product("mv", torch.mv, f32(3, 4), f32(4), dynamic=[N, None]),
    product("dot", torch.dot, f32(4), f32(4), dynamic=[K, K]),
    product("dot", torch.dot, i64(4), i64(4), dynamic=[K, K], name="int"),
    product("addmm", torch.addmm, f32(2), f32(3, 4), f32(4, 2), dynamic=[None, N, None]),
    product(
        "addmm",
        lambda x, y, z: torch.addmm(x, y, z, beta=0.5, alpha=2),
        f32(3, 2),
        f32(3, 4),
        f32(4, 2),
        dynamic=[N, N, None],
        name="scaled",
    ),
    product(
        "addmm",
        lambda x, y: torch.addmm(torch.full((2,), float("nan")).to(x.dtype), x, y, beta=0),
        f32(3, 4),
        f32(4, 2),
        name="beta_0",
    ),
    product(
        "addmm",
        lambda x, y, z: torch.addmm(x, y, z, beta=2, alpha=3),
        i64(2),
        i64(3, 4),
        i64(4, 2),
        name="int",
    ),
    product(
        "baddbmm",
        lambda x, y, z: torch.baddbmm(x, y, z, alpha=0.5),
        f32(1, 3, 5),
        f32(2, 3, 4),
        f32(2, 4, 5),
        dynamic=[None, N, N],
        whole=False,
    ),
    product("addmv", torch.addmv, f32(3), f32(3, 4), f32(4), dynamic=[N, N, None]),
    product(
        "addbmm",
        lambda x, y, z: torch.addbmm(x, y, z, beta=2),
        f32(3, 5),
        f32(2, 3, 4),
        f32(2, 4, 5),
        dynamic=[None, N, N],
    ),
    Case("aten.linear.default", torch.nn.Linear(8, 4), [f32(2, 8)], dynamic=N),
    product("linear", torch.nn.Linear(4, 2), f32(3, 4), dynamic=N, dtypes=ALL, name="module"),
    product("linear", torch.nn.Linear(4, 2, bias=False), f32(2, 3, 4), dynamic={0: "n", 1: "s"}, name="no_bias"),
    product(
        "linear", torch.nn.functional.linear, f32(3, 4), f32(2, 4), f32(2), dynamic=[N, None, None], name="runtime"
    ),
    product("linear", torch.nn.Linear(4, 2), f32(4), name="vector"),
    product("linear", torch.nn.functional.linear, i64(3, 4), i64(2, 4), dynamic=[N, None], name="int"),
    product("linear", torch.nn.functional.linear, f32(3, 4), f32(4), dynamic=[N, None], name="vector_weight"),
    product("bilinear", torch.nn.Bilinear(3, 4, 2), f32(5, 3), f32(5, 4), dynamic=[N, N], name="module"),
    product("bilinear", torch.nn.Bilinear(3, 4, 2, bias=False), f32(2, 5, 3), f32(2, 5, 4), name="batched"),
    product("outer", torch.outer, i64(3), i64(4), whole=False),
    product("inner", torch.inner, f32(2, 4), f32(3, 4), dynamic=[N, None], whole=False),
    product("vdot", torch.vdot, f32(4), f32(4), dynamic=[K, K], whole=False),
    product("addr", torch.addr, f32(3, 4), f32(3), f32(4), dynamic=[N, N, None], whole=False),
    product(
        "tensordot", lambda x, y: torch.tensordot(x, y, 2), f32(2, 3, 4), f32(3, 4, 2), dynamic=[N, None], whole=False
    ),
    product(
        "tensordot",
        lambda x, y: torch.tensordot(x, y, ([2], [0])),
        f32(2, 3, 4),
        f32(4, 2),
        dynamic=[N, None],
        name="dims",
        whole=False,
    ),
    product("linalg_multi_dot", lambda x, y: torch.linalg.multi_dot((x, y, x)), f32(3, 4), f32(4, 3), whole=False),
    product("linalg_matrix_power", lambda x: torch.linalg.matrix_power(x, 3), f32(3, 3), whole=False),
]
EQUATIONS = {
    "batched": ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    "transposed": ("bid,bjd->bij", (2, 3, 4), (2, 5, 4)),
    "heads": ("bqhd,bkhd->bhqk", (2, 3, 2, 4), (2, 5, 2, 4)),
    "ellipsis": ("...ij,...jk->...ik", (2, 3, 4), (2, 4, 5)),
    "outer": ("bi,bj->bij", (2, 3), (2, 4)),
    "summed": ("bi,bi->b", (2, 3), (2, 3)),
    "attend": ("nctkv,kvw->nctw", (2, 2, 3, 2, 4), (2, 4, 3)),
}
for _name, (_equation, _first, _second) in EQUATIONS.items():
    CASES.append(
        product(
            "einsum",
            lambda x, y, equation=_equation: torch.einsum(equation, x, y),
            f32(*_first),
            f32(*_second),
            dynamic=[N, N if _second[0] == 2 and _name != "attend" else None],
            name=_name,
            whole=False,
        )
    )
CASES += [
    product("einsum", lambda x: torch.einsum("ii->i", x), f32(3, 3), name="diagonal", whole=False),
    product("einsum", lambda x: torch.einsum("bij->bji", x), f32(2, 3, 4), dynamic=N, name="permuted", whole=False),
    product("einsum", lambda x: torch.einsum("bij->b", x), f32(2, 3, 4), dynamic=N, name="sum", whole=False),
]
