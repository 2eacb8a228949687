"""``torch2trt run``."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from ..report.text import table
from .common import AsJSON, Saved, check_folder_of, errors_in_words, out, print_json
from .phases import Phases
from .tensors import Given, arguments, load_here


def run(
    path: Saved,
    inputs: Given = None,
    save: Annotated[
        Path | None, typer.Option(help="write what it returns with torch.save, such as outputs.pt", dir_okay=False)
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """Run a converted module once, on random inputs or given ones, and print what it returns."""
    phase = Phases(not as_json)
    with errors_in_words():
        import torch

        if save:
            check_folder_of(save)
        with phase(f"loading {path}"):
            module = load_here(path)
            args, kwargs = arguments(module, inputs)
        with phase("running"), torch.no_grad():
            outputs = module(*args, **kwargs)
            if torch.cuda.is_available():
                torch.cuda.synchronize()
        if save:
            torch.save(outputs, save)
    rows = [_row(name, value) for name, value in _named(outputs)]
    if as_json:
        print_json({"runtime": module.runtime, "outputs": rows, "saved": str(save) if save else None})
        return
    shown = table("output", "dtype", "shape", "smallest", "mean", "largest")
    for row in rows:
        numbers = ("" if row[key] is None else f"{row[key]:.4g}" for key in ("min", "mean", "max"))
        shown.add_row(escape(row["output"]), row["dtype"], escape(str(row["shape"])), *numbers)
    out.print(shown, f"ran by: {module.runtime}")


def _named(outputs: Any) -> list[tuple[str, Any]]:
    from torch.utils import _pytree as pytree

    return [(f"output{pytree.keystr(path)}", value) for path, value in pytree.tree_leaves_with_path(outputs)]


def _row(name: str, value: Any) -> dict[str, Any]:
    import torch

    tensor = torch.as_tensor(value)
    numbers = (tensor.abs() if tensor.is_complex() else tensor).double()
    found = [numbers.min(), numbers.mean(), numbers.max()] if numbers.numel() else [None] * 3
    return {
        "output": name,
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        **{key: None if one is None else float(one) for key, one in zip(("min", "mean", "max"), found, strict=True)},
    }
