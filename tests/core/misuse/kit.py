"""Misuse of the test kit: rows that would pass for the wrong reason."""

import torch
from torch2trt import PackError, TargetError, lib
from torch2trt.testing import Case, check_converter, check_pack, f32

from ..packs import Pack, with_installed
from . import Row
from .packs import marked

RELU = Case("aten.relu.default", torch.relu, [f32(2, 8)])


class Mylab(Pack):
    """A pack of a wrong ReLU, asked before the built-in one."""


def checks(name, error, *words, case=RELU, packs=(), **options):
    return Row(name, lambda place: check_converter(case, packs=with_installed(*packs), **options), error, words)


def raising(ctx, input):
    raise RuntimeError("not written yet")


ROWS = [
    checks(
        "a row of a pack that is not installed",
        AssertionError,
        "the pack 'Mylab' of this row is not loaded, base, example",
        "pip install -e .",
        pack="Mylab",
    ),
    checks(
        "a row that another pack answers",
        AssertionError,
        "aten.relu.default is converted by the pack Other, not by 'Mylab'",
        packs=(Mylab(marked("aten.abs.default")), type("Other", (Pack,), {})(marked("aten.relu.default"))),
        pack="Mylab",
    ),
    checks(
        "a row whose converter is wrong",
        AssertionError,
        "result 0: Tensor-likes are not close",
        "converted by tests.core.misuse.packs",
        "(pack Mylab)",
        packs=(Mylab(marked("aten.relu.default", function=lambda ctx, input: lib.neg(ctx, input))),),
        pack="Mylab",
    ),
    checks(
        "a row of a target that is not called",
        AssertionError,
        "no call of aten.sigmoid.default in the plan",
        case=Case("aten.sigmoid.default", torch.relu, [f32(2)]),
    ),
    checks(
        "a row that nothing rejects",
        AssertionError,
        "aten.relu.default is not rejected for 'never'",
        case=Case("aten.relu.default", torch.relu, [f32(2)], rejects="never"),
    ),
    checks(
        "a row of no target",
        TargetError,
        "'aten.relu' does not name an overload",
        "aten.relu.default",
        case=Case("aten.relu", torch.relu, [f32(2)]),
    ),
    checks("a setting of a row with a typo", TypeError, "did you mean 'runtime'?", runtme="engine"),
    Row(
        "a table of a module that is no pack",
        lambda place: check_pack("torch.nn", [RELU]),
        PackError,
        ("pack torch.nn implements no hook",),
    ),
    Row(
        "a table without a row of a converter",
        lambda place: check_pack("torch2trt_ops_example", []),
        AssertionError,
        ("no case for", "of torch2trt_ops_example"),
    ),
]
