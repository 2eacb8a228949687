"""Inputs as the command line writes them: ``x:1..8x3x224x224:float16``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import typer

if TYPE_CHECKING:
    from ..capture.described import Input

HELP: Final = (
    "[NAME:]SIZES[:DTYPE], once for each input: x:1x3x224x224, 1..8x3x224x224:float16 (the middle is the usual size), "
    "ids:1..4..8x128:int64 (4 is); 'scalar' has no dimension"
)
_SIZE: Final = re.compile(r"(\d+)(?:\.\.(\d+))?(?:\.\.(\d+))?", re.ASCII)
_SCALAR: Final = "scalar"


def inputs_of(texts: Sequence[str]) -> Any:
    """The inputs that ``--input`` describes, by position or by name; None where it is not given.

    Raises:
        BadParameter: what is wrong in which, and how it is written.
    """
    if not texts:
        return None
    described = [_described(text) for text in texts]
    names = [name for name, _ in described]
    if not any(names):
        return [one for _, one in described]
    if not all(names) or len(set(names)) != len(names):
        raise typer.BadParameter("give --input a name for each input, once each, or for none", param_hint="--input")
    return dict(described)


def _described(text: str) -> tuple[str, Input]:
    parts = text.split(":")
    name = "" if _sizes(parts[0]) is not None else parts.pop(0)
    sizes = _sizes(parts[0]) if parts else None
    if sizes is None or len(parts) > 2 or (name and not name.isidentifier()):
        raise typer.BadParameter(f"{text!r} is no input; write {HELP}", param_hint="--input")
    return name, _input(text, sizes, parts[1] if len(parts) == 2 else "float32")


def _input(text: str, sizes: list[tuple[int, int, int]], dtype: str) -> Input:
    import torch

    from ..capture.described import Input
    from ..errors import InputError, did_you_mean

    known = sorted(name for name, value in vars(torch).items() if isinstance(value, torch.dtype))
    if dtype not in known:
        raise typer.BadParameter(
            f"{text!r} has the dtype {dtype!r}, which PyTorch does not know{did_you_mean(dtype, known)}",
            param_hint="--input",
        )
    low, usual, high = ([size[index] for size in sizes] for index in range(3))
    try:
        return Input(min=low, opt=usual, max=high, dtype=getattr(torch, dtype))
    except InputError as error:
        raise typer.BadParameter(f"{text!r}: {error}", param_hint="--input") from None


def _sizes(text: str) -> list[tuple[int, int, int]] | None:
    """``(smallest, usual, largest)`` of each dimension; None where the text is no shape."""
    if text == _SCALAR:
        return []
    matches = [_SIZE.fullmatch(part) for part in text.split("x")]
    if not all(matches):
        return None
    given = [[int(number) for number in match.groups() if number is not None] for match in matches if match]
    return [(one[0], one[1] if len(one) == 3 else (one[0] + one[-1]) // 2, one[-1]) for one in given]
