"""Strided views."""

from torch2trt.testing import Case, f32, i64

CASES = [
    Case("aten.as_strided.default", lambda x: x.as_strided((2, 3), (6, 2)), [f32(2, 6)], name="plain"),
    Case("aten.as_strided.default", lambda x: x.as_strided((3, 2), (1, 1), 2), [i64(8)], name="overlapping"),
    Case(
        "aten.as_strided.default", lambda x: x.t().as_strided((2,), (1,)), [f32(2, 6)], rejects="contiguous", name="t"
    ),
    Case("aten.as_strided.default", lambda x: x[1:].as_strided((2,), (3,), 4), [f32(4, 3)], name="of a view"),
    Case("aten.as_strided.default", lambda x: x[1:].as_strided((2,), (3,)), [f32(4, 3)], name="of a view, its offset"),
    Case(
        "aten.as_strided.default",
        lambda x: x[1:].as_strided((2,), (3,), 1),
        [f32(4, 3)],
        rejects="beyond its tensor",
        name="of what is viewed",
    ),
    Case(
        "aten.as_strided_scatter.default",
        lambda x, y: x[1:].as_strided_scatter(y, (2,), (3,), 4),
        [f32(4, 3), f32(2)],
        name="of a view",
    ),
    Case("aten.as_strided_scatter.default", lambda x, y: x.as_strided_scatter(y, (2,), (3,), 1), [f32(2, 3), f32(2)]),
    Case("aten.as_strided_scatter.default", lambda x: x.clone().fill_diagonal_(7), [f32(3, 4)], name="fill_diagonal"),
]
