"""Misuse of packs: their names, the environment, what they register, and converters that are wrong."""

import torch
from torch import nn
from torch2trt import (
    BuildError,
    ConversionError,
    Input,
    PackError,
    Packs,
    TargetError,
    UnsupportedError,
    convert,
    converter,
    explain,
    hookimpl,
)
from torch2trt.errors import RejectsError
from torch2trt.packs.loading import installed

from ..packs import Pack, only, with_installed
from . import Row, row


def load(name, *words, environment=None, **options):
    def call(place):
        with place.environment(**environment or {}):
            Packs.load(**options)

    return Row(name, call, PackError, words)


def adds(name, *words, error=PackError, **functions):
    """Loading a pack that registers functions."""
    return Row(name, lambda place: only(Pack(*functions.values())), error, words)


def marked(*targets, function=lambda ctx, input: None, **options):
    """A converter of targets."""

    def convert_it(ctx, input):
        return function(ctx, input)

    return converter(*targets, **options)(convert_it)


def returns(name, why, function):
    """Converting a ReLU with a converter that is wrong."""
    wrong = marked("aten.relu.default", function=function)
    words = (why, "target aten.relu.default", "(pack Pack, packs.py:", "in the model at packs.py:", "float32[2, 4]")
    return Row(
        name,
        lambda place: convert(lambda x: x.relu(), [torch.ones(2, 4)], packs=only(Pack(wrong))),
        ConversionError,
        words,
    )


def rejecting(name, error, *words, rejects):
    relu = marked("aten.relu.default", rejects=rejects)
    where = ("(pack Pack, packs.py:", "target aten.relu.default(float32[2])", "in ReLU")
    return Row(name, lambda place: explain(nn.ReLU(), [torch.ones(2)], packs=only(Pack(relu))), error, (*words, *where))


def unbuildable(ctx, input):
    seven = ctx.network.add_shuffle(input)
    seven.reshape_dims = (-1, 7)
    back = ctx.network.add_shuffle(seven.get_output(0))
    back.set_input(1, ctx.network.add_shape(input).get_output(0))
    return back.get_output(0)


def add(ctx, input, other, *, alpha=1): ...


class Misspelled:
    @hookimpl
    def torch2trt_register_converter(self, registry): ...


class Defaulting:
    @hookimpl
    def torch2trt_register_converters(self, registry, extra=1): ...


RELU = "aten.relu.default"

ROWS = [
    load(
        "a typo in TORCH2TRT_BLOCK",
        "TORCH2TRT_BLOCK names 'visoin', which is no pack here; did you mean 'vision'?",
        environment={"TORCH2TRT_BLOCK": "base, visoin"},
    ),
    load(
        "TORCH2TRT_AUTOLOAD=maybe", "TORCH2TRT_AUTOLOAD='maybe' is neither", environment={"TORCH2TRT_AUTOLOAD": "maybe"}
    ),
    load("block as one text", "block='mylab' is one thing; give a sequence", block="mylab"),
    load("a typo in block", "block names 'bse'", "did you mean 'base'?", "the packs are base", block=["bse"]),
    load("extra as one module", "extra=<module 'torch'", "is one thing; give a sequence", extra=torch),
    load("extra without hooks", "pack object implements no hook", "@torch2trt.hookimpl", extra=[object()]),
    load("a misspelled hook", "torch2trt_register_converter", "the hooks are: ", extra=[Misspelled()]),
    load("a hook with a default", "extra=1; pluggy would never fill it", extra=[Defaulting()]),
    Row(
        "TORCH2TRT_BLOCK set after the first use",
        lambda place: (
            installed(),
            place.monkeypatch.setenv("TORCH2TRT_BLOCK", "bse"),
            explain(torch.relu, [torch.ones(2)]),
        ),
        PackError,
        ("TORCH2TRT_BLOCK names 'bse'",),
    ),
    Row("a converter of nothing", lambda place: converter()(add), TargetError, ("needs at least one target",)),
    adds("an operator without overload", "aten.relu.default", "pack Pack", relu=marked("aten.relu")),
    adds("a target with a typo", "did you mean 'relu'?", relu=marked("torch.nn.functional.rleu")),
    adds("a target of nowhere", "no module or operator library 'nowhere'", relu=marked("nowhere.at.all")),
    adds("a module as a target", "'torch.nn.ReLU.forward'", relu=marked("torch.nn.ReLU")),
    adds("a function without mark", "no function marked with @converter", relu=lambda ctx, input: None),
    adds("a signature that does not fit", "does not fit aten.add.Scalar", add=converter("aten.add.Scalar")(add)),
    adds("a converter that is never reached", "is never reached", one=marked(RELU), two=marked(RELU)),
    adds("a requirement on no TensorRT", "names no flavor of TensorRT", relu=marked(RELU, requires="cuda>=12")),
    adds("a requirement that is none", "requires='rtx>>1'", relu=marked(RELU, requires="rtx>>1")),
    adds(
        "rejects of another argument",
        "names 'inptu'",
        "did you mean 'input'?",
        relu=marked(RELU, rejects=lambda inptu: None),
    ),
    rejecting(
        "rejects that raises", PackError, "rejects of", "failed: ZeroDivisionError: ", rejects=lambda input: 1 / 0
    ),
    rejecting(
        "rejects that answers yes", RejectsError, "returned True; it must return the reason", rejects=lambda input: True
    ),
    returns(
        "a converter that returns nothing", "it returned nothing; return the output tensor", lambda ctx, input: None
    ),
    returns("a converter that returns a number", "it returned a int, not a trt.ITensor", lambda ctx, input: 7),
    returns("a converter that returns yes", "it returned a bool, not a trt.ITensor", lambda ctx, input: True),
    returns("a converter that returns text", "it returned a str, not a trt.ITensor", lambda ctx, input: "x"),
    returns(
        "a converter that returns a layer",
        "it returned a IIdentityLayer, not a trt.ITensor; return layer.get_output(0)",
        lambda ctx, input: ctx.network.add_identity(input),
    ),
    returns(
        "a converter that returns an example value", "it returned a FakeTensor, not", lambda ctx, input: ctx.call.result
    ),
    returns(
        "a converter that returns two", "it returned 2 tensors, PyTorch returns 1", lambda ctx, input: [input, input]
    ),
    returns(
        "a converter of another shape",
        "shape (4, 2), PyTorch gives (2, 4)",
        lambda ctx, input: ctx.tensor(torch.ones(4, 2)),
    ),
    returns("a converter of another dtype", "dtype int32, PyTorch", lambda ctx, input: ctx.tensor(input, torch.int32)),
    returns("a converter that fails", "why    KeyError: 'k'", lambda ctx, input: {}["k"]),
    returns(
        "a constant that is none", "must be a constant is computed at run time", lambda ctx, input: ctx.const(input)
    ),
    Row(
        "a call of which no converter is left",
        lambda place: convert(nn.ReLU(), [torch.ones(2)], packs=Packs.load(autoload=False)),
        UnsupportedError,
        ("no loaded pack has a converter of aten.relu.default", "Loaded packs: none"),
    ),
]


@ROWS.append
@row(
    "a network that TensorRT cannot build",
    BuildError,
    "TensorRT could not build the engine",
    "0/aten.relu.default#0 is of aten.relu.default in 0",
    "(pack Pack, packs.py:",
)
def _(place):
    wrong = marked("aten.relu.default", function=unbuildable)
    convert(nn.Sequential(nn.ReLU()), [Input(min=(2, 4), max=(8, 4))], packs=with_installed(Pack(wrong)))
