"""Losses that appear in exported models: PyTorch takes them apart."""

import functools

import torch.nn.functional as F
from torch2trt.testing import Case, f32, i64

N = {0: "n"}
NN = [N, N]
CLASSES = i64(3, low=0, high=4)


def _loss(name: str, function=None, low: float = -2, reduction: str = "mean", **options) -> Case:
    call = functools.partial(function or getattr(F, name), reduction=reduction, **options)
    inputs = [f32(3, 4, low=low, high=1.75), f32(3, 4, low=max(low, 0.125), high=0.875)]
    row = f"{reduction} {' '.join(options)}"
    return Case(f"aten.{name}.default", call, inputs, dynamic=NN, name=row, whole=False)


CASES = [
    *(_loss(name) for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "poisson_nll_loss")),
    *(_loss(name, reduction="none") for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "soft_margin_loss")),
    *(_loss(name, reduction="sum") for name in ("mse_loss", "soft_margin_loss", "kl_div")),
    _loss("smooth_l1_loss", beta=0.5),
    _loss("kl_div", reduction="batchmean"),
    _loss("kl_div", log_target=True),
    _loss("binary_cross_entropy_with_logits", F.binary_cross_entropy_with_logits),
    _loss("binary_cross_entropy_with_logits", F.binary_cross_entropy_with_logits, reduction="none"),
    Case(
        "aten.binary_cross_entropy.default",
        lambda x, y: F.binary_cross_entropy(x, y),
        [f32(3, 4, low=0.125, high=0.875), f32(3, 4, low=0, high=1)],
        dynamic=NN,
        whole=False,
    ),
    Case("aten.nll_loss_nd.default", lambda x, y: F.nll_loss(x, y), [f32(3, 4), CLASSES], dynamic=NN, whole=False),
    Case("aten.cross_entropy_loss.default", F.cross_entropy, [f32(3, 4), CLASSES], dynamic=NN, whole=False),
    Case(
        "aten.cross_entropy_loss.default",
        functools.partial(F.cross_entropy, reduction="none", label_smoothing=0.1, ignore_index=2),
        [f32(3, 4), CLASSES],
        dynamic=NN,
        name="smooth",
        whole=False,
    ),
    Case(
        "aten.cross_entropy_loss.default", F.cross_entropy, [f32(3, 4), f32(3, 4, low=0)], NN, name="soft", whole=False
    ),
    Case(
        "aten.triplet_margin_loss.default",
        F.triplet_margin_loss,
        [f32(3, 4), f32(3, 4, high=3), f32(3, 4, low=0)],
        dynamic=[N, N, N],
        whole=False,
    ),
    Case(
        "aten.margin_ranking_loss.default",
        F.margin_ranking_loss,
        [f32(4), f32(4, low=0), f32(4)],
        [N, N, N],
        whole=False,
    ),
    Case(
        "aten.log_sigmoid.default",
        F.multilabel_soft_margin_loss,
        [f32(3, 4), f32(3, 4, low=0)],
        NN,
        name="soft margin",
        whole=False,
    ),
]
