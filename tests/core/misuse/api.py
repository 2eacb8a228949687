"""Misuse of ``convert``, ``explain``, ``Settings``, ``Input`` and of converted modules."""

import collections
import functools
import warnings

import torch
from torch import nn
from torch2trt import CaptureError, EngineError, Input, InputError, TRTModule, UnsupportedError, convert, explain

from . import Row, row, saved

X = torch.ones(2, 4)


def refused(name, error, *words, **settings):
    """A row of settings that are wrong."""
    return Row(name, lambda place: explain(torch.relu, [X], **settings), error, words)


def by_value(x):
    if x.sum() > 0:
        return x
    return x.sin()


class Growing(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(2, 4))
        self.scale = nn.Parameter(torch.ones(4), requires_grad=False)

    def forward(self, x, changes_scale=False):
        if changes_scale:
            return x * self.scale.add_(1)
        self.seen = torch.cat([self.seen, x])
        return self.seen.mean()


def exported(model=None, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.export.export(model or nn.ReLU(), (X,), strict=False, **options)


def unsaved(function):
    """A converted function that cannot be saved."""
    return lambda place: convert(function, [X]).save(place.folder / "x.trt")


Pair = collections.namedtuple("Pair", "a b")  # registered with nobody


def state(value):
    return lambda place: TRTModule().load_state_dict({"_extra_state": value})


ROWS = [
    refused("a typo in a setting", TypeError, "no argument 'precison'", "did you mean 'precision'?", precison=1),
    refused("fp16=True", TypeError, "explain() has no argument 'fp16'", "say precision=torch.float16", fp16=True),
    refused("half=True", TypeError, "has no argument 'half'", "say precision=torch.float16", half=True),
    refused("bf16=True", TypeError, "say precision=torch.bfloat16", bf16=True),
    refused("enabled_precisions", TypeError, "say precision=torch.float16", enabled_precisions={torch.half}),
    refused("max_workspace_size", TypeError, "say workspace=2**30, in bytes", max_workspace_size=1 << 30),
    refused("max_batch_size", TypeError, "say inputs=[Input(min=..., max=...)]", max_batch_size=8),
    refused("a setting that nobody knows", TypeError, "no argument 'zzz'; it takes model, inputs", zzz=1),
    refused("precision as text", ValueError, "precision='fp16' is not one of None, torch.float32", precision="fp16"),
    refused("a runtime that does not exist", ValueError, "runtime='engin'", "did you mean 'engine'?", runtime="engin"),
    refused("an engine that is not built", ValueError, "leave build=True", runtime="engine", build=False),
    refused("build as text", ValueError, "build='no' is not one of True, False", build="no"),
    refused("workspace as text", ValueError, "workspace='1G' is not a number of bytes, such as 2**30", workspace="1G"),
    refused("a workspace of no bytes", ValueError, "workspace=-1 is not a number of bytes", workspace=-1),
    refused(
        "a level below zero", ValueError, "optimization_level=-3 is not a level from 0 to 5", optimization_level=-3
    ),
    refused("a level that is yes", ValueError, "optimization_level=True is not a level", optimization_level=True),
    refused("one capability as text", ValueError, "give a sequence of them: ('8.6',)", compute_capabilities="8.6"),
    refused("random numbers as PyTorch's", ValueError, "random='torch' is not one of None, 'engine'", random="torch"),
    refused("progress as text", ValueError, "progress='bar' is not one of None, True, False", progress="bar"),
    Row("inputs as text", lambda place: explain(torch.relu, "x"), InputError, ("sequence or a mapping", "got str")),
    Row("an input of nothing", lambda place: Input(), InputError, ("takes either shape, or min and max",)),
    Row("min above max", lambda place: Input(min=(4,), max=(2,)), InputError, ("needs min <= opt <= max", "(4,)")),
    Row(
        "dynamic sizes said twice",
        lambda place: explain(torch.relu, [Input(min=(1,), max=(4,))], dynamic_shapes=({0: torch.export.Dim("n")},)),
        InputError,
        ("either from Input(min=..., max=...) or from dynamic_shapes",),
    ),
    Row(
        "a size without an upper bound",
        lambda place: explain(torch.relu, [X], dynamic_shapes=({0: torch.export.Dim("n")},)),
        CaptureError,
        ("dimension 0 of input", "has no upper bound", "torch.export.Dim('d0', max=...)"),
    ),
    Row(
        "a model in training mode",
        lambda place: explain(nn.Sequential(nn.Dropout()), [X]),
        CaptureError,
        ("training mode (0", "call model.eval()"),
    ),
    Row(
        "control flow by values",
        lambda place: explain(by_value, [X]),
        CaptureError,
        ("at api.py:", "torch.where", "Caused by: ", "in by_value: if x.sum() > 0:"),
    ),
    Row(
        "a function that fails",
        lambda place: explain(lambda x: x.reshape(5, 7), [X]),
        CaptureError,
        ("at api.py:", "shape '[5, 7]' is invalid", "in <lambda>: lambda place: explain("),
    ),
    Row(
        "a module that fails inside",
        lambda place: explain(nn.Sequential(nn.Linear(3, 3)).eval(), [X]),
        CaptureError,
        ("torch.export cannot express the model", "must have same reduction dim"),
    ),
    Row(
        "a buffer that grows",
        lambda place: explain(Growing().eval(), [X]),
        CaptureError,
        ("replaces its buffer 'seen', float32[2, 4], by float32[4, 4]", "return the new value and pass it in again"),
    ),
    Row(
        "a parameter that changes",
        lambda place: explain(Growing().eval(), [X, True]),
        CaptureError,
        ("changes its parameter 'scale'", "make it a buffer with register_buffer"),
    ),
    Row("no tensor comes out", lambda place: explain(lambda x: 3, [X]), CaptureError, ("returns no tensor",)),
    Row(
        "a call that nobody converts",
        lambda place: convert(lambda x: torch.linalg.eigvalsh(x), [torch.eye(3)]),
        UnsupportedError,
        ("1 of 1 calls", "aten._linalg_eigh.default(float32[3, 3])", "at api.py:", "@torch2trt.converter("),
    ),
    Row(
        "precision of an exported program",
        lambda place: explain(exported(), precision=torch.float16),
        CaptureError,
        ("precision cannot be changed in an ExportedProgram", "export the model in the dtype you want"),
    ),
    Row(
        "dynamic sizes of an exported program",
        lambda place: explain(exported(), dynamic_shapes=({0: torch.export.Dim("n")},)),
        InputError,
        ("has its dynamic sizes already",),
    ),
    Row(
        "other inputs than the exported program's",
        lambda place: explain(exported(), [torch.ones(2, 5)]),
        InputError,
        ("of the ExportedProgram has size 4 in dimension 1, got 5",),
    ),
    Row("a call of an empty module", lambda place: TRTModule()(X), EngineError, ("is empty; fill it with",)),
    Row("a call without inputs", lambda place: saved()(), InputError, ("missing input 'x'", "the inputs (x)")),
    Row("a call with a name too many", lambda place: saved()(X, y=1), InputError, ("unexpected 'y'", "(x)")),
    Row("a call with another dtype", lambda place: saved()(X.int()), InputError, ("'x' must be float32", ".to(torch.")),
    Row(
        "a call with another rank", lambda place: saved()(X[0]), InputError, ("must have 2 dimensions (-1, 4), got 1",)
    ),
    Row(
        "a call that is too large", lambda place: saved()(torch.ones(9, 4)), InputError, ("built for 1 to 8", "Input(")
    ),
    Row("a call with a number", lambda place: saved()(1.5), InputError, ("'x' must be a tensor, got float",)),
    Row("a call with another scale", lambda place: saved()(X, scale=3), InputError, ("'scale'", "fixed at 2")),
    Row(
        "saving what was not built",
        lambda place: convert(nn.ReLU(), [X], build=False).save(place.folder / "x.trt"),
        EngineError,
        ("there is no engine to save; convert with build=True",),
    ),
    Row(
        "saving keys that JSON does not have",
        unsaved(lambda x: {(1, 2): x + 1}),
        EngineError,
        ("cannot be saved", "builtins.dict", "plain lists, tuples and dicts"),
    ),
    Row(
        "saving an unregistered tuple",
        unsaved(lambda x: Pair(x + 1, x + 2)),
        EngineError,
        ("cannot be saved", "Pair", "register_pytree_node"),
    ),
    Row(
        "saving a factory of one's own",
        unsaved(lambda x: collections.defaultdict(functools.partial(list), {"a": x + 1})),
        EngineError,
        ("cannot be saved",),
    ),
    Row("a state of nothing", state({}), EngineError, ("the state dict has no converted module", "KeyError")),
    Row("a state of a number", state(3), EngineError, ("the state dict has no converted module",)),
    Row("a state of tensors", state({"manifest": X, "engine": X}), EngineError, ("has no converted module",)),
    Row(
        "a state without manifest",
        state({"manifest": "[]", "engine": torch.zeros(1, dtype=torch.uint8)}),
        EngineError,
        ("the state dict has the format None",),
    ),
]


@ROWS.append
@row("a state with another engine", EngineError, "the engine in the state dict is damaged", "checksum")
def _(place):
    kept = saved().state_dict()
    kept["_extra_state"]["engine"] = torch.zeros(3, dtype=torch.uint8)
    TRTModule().load_state_dict(kept)
