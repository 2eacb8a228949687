"""Misuse of the command line: an exit status and words, never a traceback."""

import torch
from torch2trt.cli import app
from typer.testing import CliRunner

from . import Row

BROKEN, USAGE, UNSUPPORTED = 1, 2, 3


class Eigenvalues(torch.nn.Module):
    def forward(self, x):
        return torch.linalg.eigvalsh(x)


class Matrix(torch.nn.Linear):
    def __init__(self):
        super().__init__(4, 4)


def program(place, model=None):
    path = place.folder / "program.pt2"
    torch.export.save(torch.export.export(model or torch.nn.ReLU(), (torch.eye(3)[None],), strict=False), path)
    return path


def content(data):
    def write(place):
        (place.folder / "file.pt2").write_bytes(data)
        return place.folder / "file.pt2"

    return write


def weights(place):
    torch.save({"weight": torch.ones(2)}, place.folder / "weights.pth")
    return place.folder / "weights.pth"


def damaged(place):
    data = bytearray(program(place).read_bytes())
    for index in range(200, len(data) - 400, 31):
        data[index] ^= 0xFF
    return content(bytes(data))(place)


def command(name, status, *words, arguments, environment=None):
    """A command with arguments that are text or made of a place."""

    def call(place):
        made = [str(argument(place)) if callable(argument) else argument for argument in arguments]
        with place.environment(COLUMNS="200", **environment or {}):
            return CliRunner().invoke(app, made)

    return Row(f"the command {name}", call, status, words)


def out(place):
    return place.folder / "out.trt"


def unsupported(place):
    return program(place, Eigenvalues())


ROWS = [
    command("that does not exist", USAGE, "No such command 'convrt'", arguments=["convrt"]),
    command("with an option too many", USAGE, "No such option", arguments=["explain", "--precison", "fp16"]),
    command("without a program", USAGE, "Missing argument", arguments=["explain"]),
    command("of a program that is not there", USAGE, "x.pt2' does not exist", arguments=["explain", "/nowhere/x.pt2"]),
    command("of a folder", USAGE, "is a directory", arguments=["explain", lambda place: place.folder]),
    command("to a folder", USAGE, "is a directory", arguments=["convert", program, lambda place: place.folder]),
    command("inspect of a folder", USAGE, "is a directory", arguments=["inspect", lambda place: place.folder]),
    command(
        "to a folder that is not there",
        BROKEN,
        "FileNotFoundError: there is no folder",
        "to write x.trt to",
        arguments=["convert", program, lambda place: place.folder / "no" / "x.trt"],
    ),
    command("to a device", BROKEN, "'/dev/null' is no regular file", arguments=["convert", program, "/dev/null"]),
    command(
        "of text",
        BROKEN,
        "InputError: ",
        "holds no program",
        "torch.export.save",
        arguments=["explain", content(b"hi")],
    ),
    command("of nothing", BROKEN, "InputError: ", "holds no program", arguments=["convert", content(b""), out]),
    command("of weights", BROKEN, "weights.pth holds no program", arguments=["convert", weights, out]),
    command("of a damaged program", BROKEN, "file.pt2 holds no program", arguments=["explain", damaged]),
    command("explain of what is unsupported", UNSUPPORTED, "1 unsupported", arguments=["explain", unsupported]),
    command(
        "convert of what is unsupported",
        UNSUPPORTED,
        "UnsupportedError: 1 of 1 calls",
        "aten._linalg_eigh.default",
        "at command_line.py:",
        arguments=["convert", unsupported, out],
    ),
    command(
        "of inputs that the model does not take",
        BROKEN,
        "CaptureError: ",
        "same reduction dim",
        arguments=["explain", "tests.core.misuse.command_line:Matrix", "--input", "2x5"],
    ),
    command(
        "of a model without inputs",
        BROKEN,
        "InputError: this model has no example inputs",
        "--input 1x3x224x224",
        arguments=["explain", "tests.core.misuse.command_line:Matrix"],
    ),
    command("run of a program", BROKEN, "EngineError: ", "was not written by", arguments=["run", program]),
    command(
        "bench of no calls", USAGE, "Invalid value for '--calls'", arguments=["bench", "/dev/null", "--calls", "0"]
    ),
    command("new-pack of a pack that is there", BROKEN, "PackError: there is a pack", arguments=["new-pack", "vision"]),
    command("inspect of a program", BROKEN, "EngineError: ", "was not written by", arguments=["inspect", program]),
    command("inspect of a device", BROKEN, "is no regular file", arguments=["inspect", "/dev/null"]),
    command(
        "with an unknown pack",
        BROKEN,
        "PackError: TORCH2TRT_BLOCK names 'visoin'",
        "did you mean 'vision'?",
        arguments=["packs"],
        environment={"TORCH2TRT_BLOCK": "visoin"},
    ),
    command(
        "with an unknown pack and a program",
        BROKEN,
        "PackError: TORCH2TRT_BLOCK names 'visoin'",
        arguments=["explain", program],
        environment={"TORCH2TRT_BLOCK": "visoin"},
    ),
]
