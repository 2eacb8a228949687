"""Numbers with rules of their own: NaN, infinities, zeros, and the largest float32."""

import math

import torch

NAN, INF = math.nan, math.inf
SPECIAL = torch.tensor(
    [
        [NAN, 1.0, -1.0, INF],
        [INF, -INF, 0.0, 2.0],
        [2.0, NAN, INF, NAN],
        [-INF, NAN, -INF, 3.0],
        [3.4028234663852886e38, INF, -3.4e38, 0.0],
    ]
)
OTHER = torch.tensor(
    [[INF, -INF, 2.0, 0.5], [NAN, 2.0, -INF, INF], [0.0, 0.0, -2.0, INF], [INF, INF, -INF, -INF], [2.0, -2.0, 0.0, NAN]]
)
