"""Rolls, diagonals and windows."""

import torch
from torch2trt.testing import Case, b8, f32, i64

N = {0: "n"}
NM = {0: "n", 1: "m"}
ALL = (torch.float32, torch.float16, torch.bfloat16)

CASES = [
    Case("aten.roll.default", lambda x: x.roll(2, 1), [f32(4, 6)], dynamic=NM, dtypes=ALL, name="one"),
    Case("aten.roll.default", lambda x: x.roll(-3, 0), [f32(4, 6)], dynamic=N, name="back"),
    Case("aten.roll.default", lambda x: x.roll((1, -2), (0, 1)), [i64(4, 6)], dynamic=NM, name="two"),
    Case("aten.roll.default", lambda x: x.roll(9, 1), [b8(4, 6)], dynamic=NM, name="round"),
    Case("aten.roll.default", lambda x: x.roll(5), [f32(4, 6)], dynamic=NM, name="flat"),
    Case("aten.roll.default", lambda x: x.roll((1, 1), (1, 1)), [f32(4, 6)], dynamic=NM, name="same_twice"),
    Case("aten.roll.default", lambda x: x.roll(-1, 1), [f32(2, 4, 3)], dynamic=N, name="shifted_window"),
    Case("aten.diagonal.default", lambda x: x.diagonal(), [f32(3, 4)], dynamic=NM, dtypes=ALL, name="plain"),
    Case("aten.diagonal.default", lambda x: x.diagonal(1), [f32(3, 4)], dynamic=NM, dynamic_min=2, name="above"),
    Case("aten.diagonal.default", lambda x: x.diagonal(-2), [i64(4, 3)], dynamic=NM, dynamic_min=3, name="below"),
    Case("aten.diagonal.default", lambda x: x.diagonal(0, 0, -1), [f32(3, 2, 4)], dynamic=NM, name="outer_dims"),
    Case("aten.diagonal.default", lambda x: x.diagonal(1, 2, 1), [b8(2, 3, 4)], dynamic=N, name="bool"),
    Case("aten.diagonal.default", torch.diag, [f32(3, 3)], name="diag"),
    Case("aten.unfold.default", lambda x: x.unfold(1, 3, 2), [f32(2, 7)], dynamic=N, name="plain"),
    Case("aten.unfold.default", lambda x: x.unfold(0, 2, 1), [f32(5, 3)], dynamic=N, dynamic_min=2, name="dynamic"),
    Case("aten.unfold.default", lambda x: x.unfold(-1, 2, 2), [i64(2, 3, 6)], dynamic=NM, name="int"),
    Case("aten.unfold.default", lambda x: x.unfold(1, 2, 1).unfold(2, 2, 1), [b8(2, 4, 4)], dynamic=N, name="twice"),
    Case("aten.diag_embed.default", torch.diag_embed, [f32(3, 4)], dynamic=N, whole=False),
    Case("aten.diag_embed.default", lambda x: torch.diag_embed(x, 1, 0, 2), [i64(3, 4)], whole=False, name="offset"),
    Case("aten.diag.default", torch.diag, [f32(4)], dynamic=N, whole=False, name="vector"),
    Case("aten.diagflat.default", torch.diagflat, [f32(4)], whole=False),
    Case("aten.trace.default", torch.trace, [f32(3, 4)], dynamic=N, whole=False),
]
