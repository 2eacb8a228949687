"""Rows of searching, of bags, and of what is declined."""

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, f32, i64

N = {0: "n"}
NM = {0: "n", 1: "m"}
K = {0: "k"}
ALL = (torch.float32, torch.float16, torch.bfloat16)


def search(name, call, *inputs, dynamic=None, target="searchsorted.Tensor", **more):
    return Case(f"aten.{target}", call, inputs, dynamic=dynamic, name=name, **more)


def bag(name, inputs, dynamic=None, dynamic_min=1, target="aten._embedding_bag.default", **options):
    return Case(
        target,
        torch.nn.EmbeddingBag(6, 3, **options),
        inputs,
        dynamic=dynamic,
        dynamic_min=dynamic_min,
        name=name,
    )


def declined(target, reason, call, *inputs):
    return Case(f"aten.{target}", call, inputs or [f32(2, 4)], rejects=reason)


ROW_BAGS = "torch.nn.functional.embedding_bag"
SORTED = torch.tensor([-1.5, -0.5, 0.0, 0.0, 1.0])
CASES = [
    search("left", lambda x: torch.searchsorted(SORTED.to(x.dtype), x), f32(2, 4), dynamic=NM, dtypes=ALL),
    search("right", lambda x: torch.searchsorted(SORTED, x, right=True), SORTED),
    search("ties", lambda x: torch.searchsorted(SORTED, x), SORTED, dynamic=N),
    search(
        "side", lambda x: torch.searchsorted(SORTED.to(x.dtype), x, side="right", out_int32=True), f32(4), dynamic=N
    ),
    search(
        "rows",
        lambda x, y: torch.searchsorted(x, y),
        torch.tensor([[1, 3, 5], [2, 2, 4]]),
        i64(2, 4),
        dynamic=[None, {1: "m"}],
    ),
    search(
        "sorter",
        lambda x, y: torch.searchsorted(x, y, sorter=torch.tensor([2, 0, 1])),
        torch.tensor([2.0, 3.0, 1.0]),
        f32(4),
    ),
    search("nan", lambda x: torch.searchsorted(SORTED, x), torch.tensor([float("nan"), 0.0, float("inf")])),
    search(
        "number", lambda x: torch.searchsorted(x, 3), torch.tensor([1, 3, 5]), dynamic=N, target="searchsorted.Scalar"
    ),
    search(
        "number_right",
        lambda x: torch.searchsorted(x, 3, right=True),
        torch.tensor([1, 3, 5]),
        target="searchsorted.Scalar",
    ),
    search("left", lambda x: torch.bucketize(x, SORTED.to(x.dtype)), f32(2, 4), dynamic=NM, target="bucketize.Tensor"),
    search(
        "int",
        lambda x: torch.bucketize(x, torch.tensor([-2, 0, 3]), right=True),
        i64(2, 4),
        dynamic=N,
        target="bucketize.Tensor",
    ),
    search(
        "number", lambda x: torch.bucketize(2, x, out_int32=True), torch.tensor([1, 3, 5]), target="bucketize.Scalar"
    ),
    search(
        "repeats",
        lambda x, r: torch.repeat_interleave(x, r, 0, output_size=6),
        f32(3, 2),
        torch.tensor([1, 3, 2]),
        target="repeat_interleave.Tensor",
    ),
    search(
        "no_size",
        lambda x, r: torch.repeat_interleave(x, r, 0),
        f32(3, 2),
        torch.tensor([1, 3, 2]),
        target="repeat_interleave.Tensor",
        rejects="output_size",
    ),
    bag("sum", [i64(2, 4, low=0, high=6)], N, target=ROW_BAGS, mode="sum"),
    bag("mean", [i64(2, 4, low=0, high=6)], N, target=ROW_BAGS, mode="mean"),
    bag("max", [i64(2, 4, low=0, high=6)], N, target=ROW_BAGS, mode="max"),
    bag("padding", [i64(2, 4, low=0, high=6)], N, target=ROW_BAGS, mode="mean", padding_idx=2),
    bag("offsets", [i64(5, low=0, high=6), torch.tensor([0, 2, 2])], [K, None], dynamic_min=3, mode="mean"),
    bag("max_offsets", [i64(5, low=0, high=6), torch.tensor([0, 2, 2])], [K, None], dynamic_min=3, mode="max"),
    bag("last_offset", [i64(5, low=0, high=6), torch.tensor([0, 2, 5])], None, mode="sum", include_last_offset=True),
    Case(
        ROW_BAGS,
        lambda i, w, p: F.embedding_bag(i, w, per_sample_weights=p, mode="sum"),
        [i64(2, 4, low=0, high=6), f32(6, 3), f32(2, 4)],
        name="weighted",
        dynamic=[N, None, N],
    ),
    Case(
        "aten._embedding_bag_forward_only.default",
        lambda i, o, w, p: F.embedding_bag(i, w, o, per_sample_weights=p, mode="sum", padding_idx=1),
        [i64(5, low=0, high=6), torch.tensor([0, 2, 2]), f32(6, 3), f32(5)],
        name="weighted",
        dynamic=[K, None, None, K],
        dynamic_min=3,
    ),
    Case(
        "aten.embedding_renorm.default",
        torch.nn.Embedding(6, 3, max_norm=1.0),
        [i64(2, 4, low=0, high=6)],
        rejects="max_norm",
    ),
    declined("rand.default", "random", lambda x: x + torch.rand(4)),
    declined("randn.default", "random", lambda x: x + torch.randn(4)),
    declined("rand_like.default", "random", lambda x: x + torch.rand_like(x)),
    declined("randn_like.default", "random", lambda x: x + torch.randn_like(x)),
    declined("randint.low", "random", lambda x: x + torch.randint(1, 3, (4,))),
    declined("randint.default", "random", lambda x: x + torch.randint(3, (4,))),
    declined("randperm.default", "random", lambda x: x[:, torch.randperm(4)]),
    declined("bernoulli.p", "random", lambda x: torch.bernoulli(x, 0.5)),
    declined("multinomial.default", "random", lambda x: torch.multinomial(x.abs(), 2)),
    declined("normal.Tensor_Tensor", "random", lambda x: torch.normal(x, x.abs())),
    declined("bincount.default", "depends on the values", lambda x: torch.bincount(x), i64(4, low=0, high=5)),
    declined("_unique2.default", "depends on the values", lambda x: torch.unique(x), i64(4)),
    declined("unique_consecutive.default", "depends on the values", lambda x: torch.unique_consecutive(x), i64(4)),
    declined("view_as_complex.default", "complex", lambda x: torch.view_as_complex(x).abs(), f32(3, 2)),
    declined("view_as_real.default", "complex", lambda x: torch.view_as_real(torch.view_as_complex(x)), f32(3, 2)),
    declined("complex.default", "complex", lambda x: torch.complex(x, x).real),
    declined("_fft_r2c.default", "complex", lambda x: torch.fft.rfft(x).abs()),
    declined("_fft_c2r.default", "complex", lambda x: torch.fft.irfft(torch.fft.rfft(x))),
    declined("_fft_c2c.default", "complex", lambda x: torch.fft.fft(x).abs()),
]
