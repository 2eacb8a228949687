"""Transposed convolutions."""

import functools

import torch
import torch.nn.functional as F
from torch import nn
from torch2trt.testing import Case, f32

from .convolution import ALL, BF, CONV, X1, X2, X3, N


def transposed(dims, channels=(4, 6), kernel=3, **options):
    """A seeded transposed convolution layer."""
    torch.manual_seed(0)
    return (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[dims - 1](*channels, kernel, **options)


CASES = [
    Case(CONV, transposed(1), [X1], dynamic={0: "n", 2: "l"}, name="transposed-1d"),
    Case(CONV, transposed(2), [X2], dynamic=ALL, dtypes=BF, name="transposed-2d"),
    Case(CONV, transposed(3), [X3], dynamic={0: "n", 2: "d"}, name="transposed-3d"),
    Case(
        CONV, transposed(2, stride=2, padding=1, output_padding=1), [X2], dynamic=ALL, name="transposed-output-padding"
    ),
    Case(CONV, transposed(2, stride=3, output_padding=(2, 1)), [X2], dynamic=ALL, name="transposed-beyond"),
    Case(CONV, transposed(1, stride=2, output_padding=1), [X1], dynamic=N, name="transposed-1d-beyond"),
    Case(CONV, transposed(2, dilation=2, padding=1), [X2], dynamic=N, name="transposed-dilated"),
    Case(CONV, transposed(2, dilation=2, stride=2, output_padding=1), [X2], dynamic=N, name="transposed-both"),
    Case(CONV, transposed(2, (4, 6), groups=2, stride=2, padding=1), [X2], dynamic=N, name="transposed-groups"),
    Case(CONV, transposed(3, stride=2, padding=1, output_padding=1), [X3], dynamic=N, name="transposed-3d-strided"),
    Case(
        CONV,
        lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1),
        [X2, f32(4, 6, 3, 3)],
        dynamic=[ALL, None],
        name="transposed-computed-kernel",
    ),
    *(
        Case(
            CONV,
            functools.partial(function, stride=stride, **options),
            [x, f32(4, 3, *(3,) * dims)],
            dynamic=[N, None],
            dtypes=(torch.float32,),  # in half precision PyTorch itself is three times further from the exact result
            name=f"transposed-{dims}d-computed-{name}",
        )
        for dims, function, x in ((1, F.conv_transpose1d, X1), (2, F.conv_transpose2d, X2), (3, F.conv_transpose3d, X3))
        for name, stride, options in (
            ("both", 2, {"dilation": 2, "padding": 3, "output_padding": 1, "groups": 2}),
            ("beyond", 3, {"output_padding": 2}),
        )
    ),
    Case(
        CONV,
        lambda x, w: F.conv_transpose1d(x, w, groups=2),
        [X1, f32(4, 3, 3)],
        dynamic=[N, None],
        name="transposed-1d-computed-kernel",
    ),
    Case("aten.conv_transpose1d.default", transposed(1, stride=2), [f32(4, 9)], whole=False, name="unbatched"),
    Case("aten.conv_transpose2d.input", transposed(2, stride=2), [f32(4, 7, 8)], whole=False, name="unbatched"),
    Case("aten.conv_transpose3d.input", transposed(3), [f32(4, 5, 6, 5)], whole=False, name="unbatched"),
]
