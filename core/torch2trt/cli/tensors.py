"""The tensors that a file is run with: the user's, or random ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError
from .common import holding

if TYPE_CHECKING:
    from ..runtime.module import TRTModule

Given = Annotated[
    list[Path] | None,
    typer.Option(
        "--inputs",
        help="a list or a dict of tensors written by torch.save, a .npz, or .npy files in the order of the inputs",
        exists=True,
        dir_okay=False,
    ),
]


def read_inputs(paths: Sequence[Path]) -> Any:
    """A sequence or a mapping of inputs; :class:`InputError` where a file holds none."""
    if len(paths) == 1 and paths[0].suffix != ".npy":
        return _from_numpy(paths[0]) if paths[0].suffix == ".npz" else _from_torch(paths[0])
    if other := next((path for path in paths if path.suffix != ".npy"), None):
        raise InputError(f"{other} is one of several files, and only .npy may be; write all inputs into one file")
    return [_from_numpy(path) for path in paths]


def _from_torch(path: Path) -> Any:
    import torch

    with holding(path, "tensors that torch.load can read", "Write them with torch.save([x, ...], path)"):
        return torch.load(path, weights_only=True)


def _from_numpy(path: Path) -> Any:
    import numpy
    import torch

    cure = "Write one with numpy.save(path, x), several with numpy.savez(path, name=x)"
    with holding(path, "arrays that numpy.load can read", cure):
        held = numpy.load(path, allow_pickle=False)
        return {name: torch.as_tensor(held[name]) for name in held} if path.suffix == ".npz" else torch.as_tensor(held)


def load_here(path: Path) -> TRTModule:
    """The module of a file, with its buffers where it runs."""
    from ..runtime.load import load

    module = load(path)
    return module.to(_device()) if module.state is not None else module


def arguments(module: TRTModule, given: Sequence[Path] | None) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """The arguments of a call, where modules run: those of files, or random ones of the usual sizes."""
    import torch
    from torch.utils import _pytree as pytree

    from ..program.arguments import random_arguments

    signature = module.signature
    assert signature is not None  # files have one
    if given:
        inputs = read_inputs(given)
        args, kwargs = ((), inputs) if isinstance(inputs, Mapping) else (_sequence(inputs), {})
    else:
        args, kwargs = random_arguments(signature)
    args, kwargs = pytree.tree_map_only(torch.Tensor, lambda tensor: tensor.to(_device()), (args, kwargs))
    signature.flatten(args, kwargs)  # says what does not fit
    return args, kwargs


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _sequence(inputs: Any) -> tuple[Any, ...]:
    return tuple(inputs) if isinstance(inputs, (list, tuple)) else (inputs,)
