"""Bags of embeddings."""

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, f32, i64

N = {0: "n"}
K = {0: "k"}
ROW_BAGS = "torch.nn.functional.embedding_bag"


def bag(name, inputs, dynamic=None, dynamic_min=1, target="aten._embedding_bag.default", **options):
    return Case(
        target,
        torch.nn.EmbeddingBag(6, 3, **options),
        inputs,
        dynamic=dynamic,
        dynamic_min=dynamic_min,
        name=name,
    )


CASES = [
    bag("sum", [i64(2, 4, low=0, high=6)], N, target=ROW_BAGS, mode="sum"),
    bag("mean", [i64(2, 4, low=0, high=6)], N, target=ROW_BAGS, mode="mean"),
    bag("max", [i64(2, 4, low=0, high=6)], N, target=ROW_BAGS, mode="max"),
    bag("padding", [i64(2, 4, low=0, high=6)], N, target=ROW_BAGS, mode="mean", padding_idx=2),
    bag("offsets", [i64(5, low=0, high=6), torch.tensor([0, 2, 2])], [K, None], dynamic_min=3, mode="mean"),
    bag("max_offsets", [i64(5, low=0, high=6), torch.tensor([0, 2, 2])], [K, None], dynamic_min=3, mode="max"),
    bag("last_offset", [i64(5, low=0, high=6), torch.tensor([0, 2, 5])], None, mode="sum", include_last_offset=True),
    *(
        bag(
            f"{mode}_last_offset_before_the_end",
            [i64(6, low=0, high=6), torch.tensor([0, 2, 4])],
            [K, None],
            dynamic_min=5,
            mode=mode,
            include_last_offset=True,
        )
        for mode in ("sum", "mean", "max")
    ),
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
]
