"""Sums, differences and products with type promotion, and the losses that PyTorch makes of them."""

import functools

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, Sample, b8, f32, i32, i64

N = {0: "n"}
NN = [N, N]


def _loss(name: str, function=None, low: float = -2, reduction: str = "mean", **options) -> Case:
    call = functools.partial(function or getattr(F, name), reduction=reduction, **options)
    inputs = [f32(3, 4, low=low, high=1.75), f32(3, 4, low=max(low, 0.125), high=0.875)]
    row = f"{reduction} {' '.join(options)}"
    return Case(f"aten.{name}.default", call, inputs, dynamic=NN, name=row, whole=False)


CASES = [
    Case("aten.add.Tensor", lambda x, y: torch.add(x, y, alpha=2), [f32(2, 8), f32(8)], dynamic=N),
    Case("aten.add.Tensor", lambda x, y: x + y, [f32(2, 8), i64(2, 1)], dynamic=[N, N], name="promoted"),
    Case("aten.add.Tensor", lambda x, y: x + y, [i64(2, 4), i32(4)], dynamic=[N, None], name="ints"),
    Case("aten.add.Tensor", lambda x, y: x + y, [b8(2, 4), b8(2, 4)], dynamic=NN, name="bools"),
    Case("aten.add.Tensor", lambda x, y: x + y, [b8(2, 4), i32(4)], name="bool and int"),
    Case("aten.add.Tensor", lambda x, y: x + y, [f32(2, 1, 4), f32(3, 1)], dynamic=[N, None], name="broadcast"),
    Case("aten.add.Tensor", lambda x: x + 1.5, [i64(2, 4)], dynamic=N, name="int and float number"),
    Case("aten.add.Tensor", lambda x: 2 + x, [f32(2, 4)], dynamic=N, name="number"),
    Case("aten.mul.Tensor", lambda x: (x > 0) * x * -1e9, [f32(2, 4)], dynamic=N, name="number beyond float16"),
    Case("aten.add.Tensor", lambda x: x + (2**40 + 1), [i32(2, 4)], dynamic=N, name="number beyond int32"),
    Case("aten.add.Tensor", lambda x: x + x.shape[0], [f32(2, 4)], dynamic=N, name="size"),
    Case("aten.add.Tensor", lambda x, y: x + y, [f32(2, 4), f32()], dynamic=[N, None], name="scalar tensor"),
    Case("aten.add.Tensor", lambda x: x + 1, [Sample((2, 4), torch.uint8, 0, 255)], dynamic=N, name="uint8"),
    Case("aten.add.Scalar", lambda x: torch.ops.aten.add.Scalar(x, 2, 3), [f32(2, 4)], dynamic=N),
    Case("aten.sub.Tensor", lambda x, y: torch.sub(x, y, alpha=3), [f32(2, 4), f32(2, 1)], dynamic=NN),
    Case("aten.sub.Tensor", lambda x, y: x - y, [i64(2, 4), i64(4)], dynamic=[N, None], name="ints"),
    Case("aten.sub.Tensor", lambda x: 1 - x, [i32(2, 4)], dynamic=N, name="number first"),
    Case("aten.sub.Scalar", lambda x: torch.ops.aten.sub.Scalar(x, 2), [f32(2, 4)], dynamic=N),
    Case("aten.rsub.Scalar", lambda x: torch.rsub(x, 2), [f32(2, 4)], dynamic=N, whole=False),
    Case("aten.mul.Tensor", torch.mul, [f32(2, 4), f32(4)], dynamic=[N, None]),
    Case("aten.mul.Tensor", torch.mul, [b8(2, 4), b8(2, 4)], dynamic=NN, name="bools"),
    Case("aten.mul.Tensor", lambda x: x * (3 - 2**40), [i32(2, 4)], dynamic=N, name="number beyond int32"),
    Case("aten.mul.Tensor", torch.mul, [f32(2, 4), b8(2, 4)], dynamic=NN, name="float and bool"),
    Case("aten.mul.Tensor", torch.mul, [i64(2, 4), i32(2, 4)], dynamic=NN, name="ints"),
    Case("aten.mul.Scalar", lambda x: torch.ops.aten.mul.Scalar(x, 2.5), [f32(2, 4)], dynamic=N),
    Case("aten.addcmul.default", lambda x, y: torch.addcmul(x, y, y, value=2), [f32(2, 4), f32(2, 4)], NN, whole=False),
    Case("aten.addcdiv.default", lambda x, y: torch.addcdiv(x, x, y), [f32(2, 4), f32(4, low=1)], whole=False),
    Case("aten.lerp.Scalar", lambda x, y: torch.lerp(x, y, 0.3), [f32(2, 4), f32(2, 4)], NN, whole=False),
    Case("aten.lerp.Tensor", torch.lerp, [f32(2, 4), f32(4), f32(2, 1, low=0)], [N, None, N], whole=False),
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
