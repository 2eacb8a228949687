"""Sampling and affine grids."""

import itertools

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, f32

N = {0: "n"}
GRID2, GRID3 = "aten.grid_sampler_2d.default", "aten.grid_sampler_3d.default"
#: half precision moves the points themselves
HALF = {"rtol": 2e-2, "atol": 5e-2}


def sample(mode, padding, corners):
    """``F.grid_sample`` with these options."""
    return lambda x, grid: F.grid_sample(x, grid, mode=mode, padding_mode=padding, align_corners=corners)


CASES = [
    *[
        Case(
            GRID2,
            sample(mode, padding, corners),
            [f32(2, 3, 5, 6), f32(2, 4, 3, 2, low=-1.3, high=1.3)],
            dynamic=[{0: "n", 2: "h"}, {0: "n", 1: "p"}],
            dtypes=(torch.float32,) if mode == "nearest" else (torch.float32, torch.float16),
            name=f"{mode}-{padding}{'-corners' if corners else ''}",
            **({} if mode == "nearest" else HALF),
        )
        for mode, padding, corners in itertools.product(
            ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection"), (False, True)
        )
    ],
    *[
        Case(
            GRID3,
            sample(mode, padding, corners),
            [f32(2, 2, 3, 4, 5), f32(2, 2, 3, 2, 3, low=-1.3, high=1.3)],
            dynamic=[N, N],
            dtypes=(torch.float32,),
            name=f"{mode}-{padding}{'-corners' if corners else ''}",
        )
        for mode, padding, corners in itertools.product(
            ("bilinear", "nearest"), ("zeros", "border", "reflection"), (False, True)
        )
    ],
    Case(
        "aten.affine_grid_generator.default",
        lambda theta: F.affine_grid(theta, (2, 3, 4, 5), align_corners=False),
        [f32(2, 2, 3)],
        whole=False,
    ),
    Case(
        "aten.affine_grid_generator.default",
        lambda theta: F.affine_grid(theta, (theta.shape[0], 3, 4, 5), align_corners=True),
        [f32(2, 2, 3)],
        dynamic=N,
        whole=False,
        name="corners",
    ),
    Case(
        "aten.affine_grid_generator.default",
        lambda theta: F.affine_grid(theta, (2, 3, 2, 3, 4), align_corners=False),
        [f32(2, 3, 4)],
        whole=False,
        name="3d",
    ),
]
