"""Medians."""

import torch
from torch2trt.testing import Case, f32, i32

from ._special import SPECIAL
from .sort import DISTINCT, MANY, NW, N

NAN = float("nan")
#: rows of numbers and NaN, of nothing but NaN, and of no NaN
SOME = torch.tensor([[1.0, NAN, 3.0, 2.0, NAN], [NAN] * 5, [4.0, 2.0, -1.0, 3.0, 0.0], [NAN, 2.0, NAN, -3.0, 5.0]])

CASES = [
    *(
        case
        for name, call in (("median", torch.median), ("nanmedian", torch.nanmedian))
        for case in (
            Case(f"aten.{name}.dim", lambda x, call=call: call(x, 1), [f32(2, 5)], dynamic=NW),
            Case(f"aten.{name}.dim", lambda x, call=call: call(x, 0, True), [f32(4, 3)], dynamic=N, name="keep"),
            Case(f"aten.{name}.dim", lambda x, call=call: call(x, 1), [DISTINCT], dynamic=N, name="int64"),
            Case(f"aten.{name}.dim", lambda x, call=call: call(x, 0), [f32()], name="scalar"),
            Case(
                f"aten.{name}.dim", lambda x, call=call: call(x, 0), [torch.zeros(250_000)], rejects=MANY, name="large"
            ),
            Case(f"aten.{name}.default", call, [f32(2, 5)], dynamic=NW),
            Case(f"aten.{name}.default", call, [i32(2, 5)], dynamic=N, name="int32"),
            Case(f"aten.{name}.default", call, [f32()], name="scalar"),
            Case(f"aten.{name}.default", call, [torch.zeros(250_000)], rejects=MANY, name="large"),
        )
    ),
    *(
        Case(f"aten.{name}", call, [values.to(dtype)], name=f"special {len(values)} {dtype}")
        for dtype in (torch.float32, torch.float16)
        for values in (SPECIAL, SOME)
        for name, call in (
            ("median.dim", lambda x: x.median(1)),
            ("median.default", torch.median),
            # equal ones have no order
            ("nanmedian.dim", lambda x: (x.nanmedian(1)[0], x.nanmedian(0, True)[0])),
            ("nanmedian.default", torch.nanmedian),
        )
    ),
]
