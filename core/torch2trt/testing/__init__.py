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

import lazy_loader

# pytest imports this package in every run: for its plugin, which needs nothing of this
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
