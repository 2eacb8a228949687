"""Fractional max pooling, with the random numbers given."""

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, f32

N = {0: "n"}
POOL2, POOL3 = "aten.fractional_max_pool2d.default", "aten.fractional_max_pool3d.default"
F32 = (torch.float32,)
X2, X3 = f32(2, 3, 9, 8), f32(2, 3, 6, 7, 5)
S2, S3 = f32(2, 3, 2, low=0, high=1), f32(2, 3, 3, low=0, high=1)
SAMPLES = torch.rand(2, 3, 2, generator=torch.Generator().manual_seed(0))
NAN = torch.arange(2 * 3 * 9 * 8.0).reshape(2, 3, 9, 8)
NAN[:, 1, 2:6, 3:5] = torch.nan


def pooled(function, kernel_size, output_size, indices=True):
    def call(x, samples):
        return function(x, kernel_size, output_size, return_indices=indices, _random_samples=samples)

    return call


CASES = [
    Case(POOL2, pooled(F.fractional_max_pool2d, 2, (4, 5)), [X2, S2], dynamic=[N, N], dtypes=F32),
    Case(POOL2, pooled(F.fractional_max_pool2d, (2, 3), (1, 6), False), [X2, S2], dynamic=[N, N], name="values"),
    Case(POOL2, pooled(F.fractional_max_pool2d, 3, 3), [f32(3, 9, 8), f32(1, 3, 2, low=0, high=1)], name="unbatched"),
    Case(POOL2, pooled(F.fractional_max_pool2d, 2, 4), [NAN, S2], dtypes=F32, name="NaN"),
    Case(
        POOL2,
        lambda x: F.fractional_max_pool2d(x, 2, (4, 5), _random_samples=SAMPLES.to(x.dtype)),
        [X2],
        name="constant",
    ),
    Case(
        POOL2,
        pooled(F.fractional_max_pool2d, 2, (4, 5), False),
        [X2, S2],
        dynamic=[{2: "h"}, None],
        static=False,
        rejects="dynamic sizes",
        dynamic_min=5,
        name="dynamic",
    ),
    Case(POOL3, pooled(F.fractional_max_pool3d, 2, (3, 5, 2)), [X3, S3], dtypes=F32),
    Case(POOL3, pooled(F.fractional_max_pool3d, (1, 2, 3), 2), [X3, S3], dtypes=F32, name="kernel"),
]
