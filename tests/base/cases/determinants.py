"""Determinants."""

import torch
from torch2trt.testing import Case, f32

from ._matrices import CAMERA, F32, PIVOTS, SINGULAR, regular

N = {0: "n"}
DET, SLOGDET = "aten._linalg_det.default", "aten._linalg_slogdet.default"

CASES = [
    *(
        case
        for target, call in ((DET, torch.det), (SLOGDET, torch.linalg.slogdet))
        for case in (
            Case(target, call, [f32(2, 3, 3)], dynamic=N, dtypes=F32),
            Case(target, lambda a, call=call: call(regular(a)), [f32(2, 3, 4, 4)], dynamic={0: "n", 1: "m"}, name="4d"),
            Case(target, call, [f32(4, 4)], dtypes=F32, name="one"),
            Case(target, call, [f32(3, 1, 1)], dynamic=N, dtypes=F32, name="numbers"),
            Case(target, call, [f32(1, 16, 16)], dtypes=F32, rtol=1e-3, name="widest"),
            Case(target, call, [f32(1, 17, 17)], dtypes=F32, rejects="1 to 16 rows", name="too wide"),
            Case(target, call, [PIVOTS], name="pivots"),
            Case(target, call, [SINGULAR], name="singular"),
            Case(target, call, [PIVOTS * torch.tensor([float("nan"), 1.0])[:, None, None]], name="nan"),
            Case(target, call, [CAMERA], name="camera"),
        )
    ),
    Case(
        DET, torch.det, [f32(3, 3)], dynamic={0: "n", 1: "n"}, dtypes=F32, rejects="dynamic", static=False, name="size"
    ),
    Case(SLOGDET, torch.logdet, [f32(2, 3, 3)], dynamic=N, dtypes=F32, name="logdet"),
    Case(SLOGDET, torch.logdet, [SINGULAR], name="logdet singular"),
]
