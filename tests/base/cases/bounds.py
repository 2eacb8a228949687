"""Limits: extremes of two tensors, clamping."""

import torch
from torch2trt.testing import Case, b8, f32, i32, i64

N = {0: "n"}
NN = [N, N]
NAN = torch.tensor([float("nan"), 1.0, -1.0, float("inf"), -float("inf"), 0.0])
OTHER = torch.tensor([0.5, float("nan"), -2.0, 3.0, 0.25, -0.0])

CASES = [
    Case("aten.maximum.default", torch.maximum, [f32(2, 4), f32(4)], dynamic=[N, None]),
    Case("aten.maximum.default", torch.maximum, [i64(2, 4), i32(4)], dynamic=[N, None], name="ints"),
    Case("aten.maximum.default", torch.maximum, [b8(2, 4), b8(4)], name="bools"),
    Case("aten.maximum.default", torch.maximum, [NAN, OTHER], name="nan"),
    Case("aten.minimum.default", torch.minimum, [f32(2, 4), f32(2, 1)], dynamic=NN),
    Case("aten.minimum.default", torch.minimum, [b8(2, 4), b8(4)], name="bools"),
    Case("aten.minimum.default", torch.minimum, [NAN, OTHER], name="nan"),
    Case(
        "aten.minimum.default", lambda x: torch.min(x, torch.tensor(0.5, dtype=x.dtype)), [f32(2, 4)], name="constant"
    ),
    Case("aten.fmax.default", torch.fmax, [NAN, OTHER]),
    Case("aten.fmax.default", torch.fmax, [f32(2, 4), f32(4)], dynamic=[N, None], name="floats"),
    Case("aten.fmin.default", torch.fmin, [NAN, OTHER]),
    Case("aten.fmin.default", torch.fmin, [i64(2, 4), i64(4)], dynamic=[N, None], name="ints"),
    Case("aten.clamp.default", lambda x: x.clamp(-0.5, 1), [f32(2, 4)], dynamic=N),
    Case("aten.clamp.default", lambda x: x.clamp(min=0.25), [f32(2, 4)], dynamic=N, name="min"),
    Case("aten.clamp.default", lambda x: x.clamp(max=0.25), [f32(2, 4)], dynamic=N, name="max"),
    Case("aten.clamp.default", lambda x: x.clamp(-1, 1), [NAN], name="nan"),
    Case("aten.clamp.default", lambda x: x.clamp(-2, 3), [i64(2, 4)], dynamic=N, name="int64"),
    Case("aten.clamp.default", lambda x: x.clamp(max=3), [i32(2, 4)], dynamic=N, name="int32"),
    Case("aten.clamp.default", lambda x: x.clamp(-0.5, 1.5), [i64(2, 4)], name="int to float"),
    Case("aten.clamp.default", lambda x: x.clamp(0, x.shape[0] - 1), [i64(4, 3)], dynamic=N, name="to a size"),
    # PyTorch 2.11 does not clamp by NaN on every machine
    *(
        [
            Case(
                "aten.clamp.default",
                lambda x: (x.clamp(min=torch.nan), x.clamp(max=torch.nan)),
                [f32(2, 4)],
                name="by nan",
            )
        ]
        if torch.ones(8).clamp(min=torch.nan).isnan().all()
        else []
    ),
    Case(
        "aten.maximum.default", lambda x: torch.maximum(x, NAN.to(x.dtype)), [f32(2, 6)], dynamic=N, name="a constant"
    ),
    Case("aten.fmin.default", lambda x: torch.fmin(x, NAN.to(x.dtype)), [f32(2, 6)], dynamic=N, name="a constant"),
    Case("aten.clamp.Tensor", lambda x, y: torch.clamp(x, y, y + 1), [f32(2, 4), f32(4)], dynamic=[N, None]),
    Case("aten.clamp.Tensor", lambda x, y: torch.clamp(x, max=y), [i64(2, 4), i64(4)], dynamic=[N, None], name="max"),
    Case("aten.clamp.Tensor", lambda x, y: torch.clamp(x, y), [NAN, OTHER], name="nan"),
    Case("aten.clamp_min.default", lambda x: x.clamp_min(0.5), [f32(2, 4)], dynamic=N, whole=False),
    Case("aten.clamp_max.default", lambda x: x.clamp_max(0.5), [f32(2, 4)], dynamic=N, whole=False),
]
