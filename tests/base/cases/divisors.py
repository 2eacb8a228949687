"""Divisors and multiples."""

import torch
from torch2trt.testing import Case, i32, i64

N = {0: "n"}
SIGNS = torch.tensor([0, 0, 0, 5, -5, -4, 12, -18, 1, 7])
OTHERS = torch.tensor([0, 7, -7, 0, 0, 6, -18, -12, 1, 7])
#: numbers that leave the largest rests, which take the most steps
SLOWEST = [1, 2]
while len(SLOWEST) < 48:
    SLOWEST.append(2 * SLOWEST[-1] + SLOWEST[-2])
LARGE, LARGER = torch.tensor(SLOWEST[:-1]), torch.tensor(SLOWEST[1:])

CASES = [
    case
    for name, call in (("gcd", torch.gcd), ("lcm", torch.lcm))
    for case in (
        Case(f"aten.{name}.default", call, [i64(2, 4), i64(4)], dynamic=[N, None]),
        Case(f"aten.{name}.default", call, [i32(2, 4), i32(2, 4)], dynamic=[N, N], name="int32"),
        Case(f"aten.{name}.default", call, [i32(2, 4), i64(1)], name="promoted"),
        Case(f"aten.{name}.default", call, [SIGNS, OTHERS], name="signs"),
        Case(
            f"aten.{name}.default",
            lambda x, y, call=call: call(x.short(), y.short()).int(),
            [SIGNS, OTHERS],
            name="int16",
        ),
        Case(f"aten.{name}.default", call, [LARGE, LARGER], name="large"),
        Case(f"aten.{name}.default", call, [LARGE[:22].int(), LARGER[:22].int()], name="large int32"),
    )
]
