"""The test kit for converter packs: one row of a table gives a test on every runtime, static and dynamic, per dtype.

::

    from torch2trt.testing import Case, check_pack, f32, parametrize

    CASES = [Case("mylab.roll.default", lambda x: torch.ops.mylab.roll(x, 1), [f32(2, 8)], dynamic={0: "batch"})]

    @parametrize(CASES)
    def test_converter(check):
        check()

    def test_pack():
        check_pack("torch2trt_ops_mylab", CASES)
"""

from .case import Case, Sample, b8, f32, i32, i64, parametrize
from .check import check_converter, check_network, check_pack

__all__ = [
    "Case",
    "Sample",
    "b8",
    "check_converter",
    "check_network",
    "check_pack",
    "f32",
    "i32",
    "i64",
    "parametrize",
]
