"""Distances."""

import math

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, f32

from ._special import OTHER, SPECIAL
from .matmul import product

N = {0: "n"}
NN = [N, N]
#: PyTorch has no kernel for halves on a CPU
F32 = {"dtypes": (torch.float32,)}

CASES = [
    product(
        "_cdist_forward",
        torch.cdist,
        f32(2, 3, 4),
        f32(2, 5, 4),
        dynamic=[{0: "n", 1: "p"}, N],
        dtypes=(torch.float32,),
    ),
    *(
        product(
            "_cdist_forward",
            lambda x, y, p=p: torch.cdist(x, y, p),
            f32(3, 4),
            f32(2, 4),
            name=f"p_{p}",
            dtypes=(torch.float32,),
        )
        for p in (0.0, 1.0, 3.0, float("inf"))
    ),
    product("_pdist_forward", torch.nn.functional.pdist, f32(4, 3), dynamic={1: "m"}, dtypes=(torch.float32,)),
    product(
        "_pdist_forward",
        torch.nn.functional.pdist,
        f32(5, 3),
        dynamic=N,
        dynamic_min=3,
        rejects="rows",
        name="rows",
        static=False,
    ),
    Case("aten.cosine_similarity.default", F.cosine_similarity, [f32(2, 4), f32(2, 4)], dynamic=NN, whole=False),
    Case("aten.pairwise_distance.default", F.pairwise_distance, [f32(2, 4), f32(2, 4)], dynamic=NN, whole=False),
    Case("aten.dist.default", torch.dist, [f32(2, 4), f32(4)], dynamic=[N, None]),
    Case("aten.dist.default", lambda x, y: torch.dist(x, y, 1), [f32(2, 4), f32(2, 4)], dynamic=NN, name="1"),
    *(
        Case(
            "aten._cdist_forward.default",
            lambda x, y, p=p: torch.cdist(x, y, p),
            [f32(2, 3, 4), f32(5, 4)],
            name=f"{p}",
            **F32,
        )
        for p in (0.0, 1.0, 2.0, 2.5, math.inf)
    ),
    Case(
        "aten._cdist_forward.default", torch.cdist, [f32(3, 4), f32(5, 4)], dynamic=[N, {0: "m"}], name="dynamic", **F32
    ),
    Case("aten._pdist_forward.default", F.pdist, [f32(4, 3)], **F32),
    Case("aten._pdist_forward.default", F.pdist, [f32(4, 3)], dynamic={1: "w"}, name="wide", **F32),
    Case("aten.dist.default", lambda x, y: torch.dist(x, y, math.inf), [SPECIAL, OTHER], name="special"),
    Case("aten._cdist_forward.default", lambda x, y: torch.cdist(x, y, math.inf), [SPECIAL, OTHER], name="special"),
]
