"""``torch2trt serve-repository``."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from .common import AsJSON, Saved, errors_in_words, note, out, print_json, written_whole
from .inspect import engines_of

#: the file that Triton runs
_MODEL: Final = Path(__file__).with_name("triton") / "model.py"
_NAME: Final = re.compile(r"[A-Za-z0-9_][\w.-]*", re.ASCII)


def serve_repository(
    path: Saved,
    repository: Annotated[
        Path, typer.Argument(metavar="OUT", help="the repository, which may have models", file_okay=False)
    ],
    name: Annotated[str, typer.Option(help="what clients call the model")],
    max_batch_size: Annotated[
        int | None, typer.Option(min=0, help="the most rows of several requests in one call; 0 for none")
    ] = None,
    instances: Annotated[int, typer.Option(min=1, help="processes that run the model, on each GPU")] = 1,
    as_json: AsJSON = False,
) -> None:
    """Write a model repository for NVIDIA Triton, whose Python backend then serves the file."""
    if not _NAME.fullmatch(name):
        raise typer.BadParameter(
            f"{name!r} is no name for a model; write letters, digits, _, - and .", param_hint="--name"
        )
    with errors_in_words():
        from ..program.signature import Signature
        from ..runtime.store import read_manifest
        from ..serving import interface_of
        from .triton_config import config_of, text_of

        manifest = read_manifest(path)
        interface = interface_of(Signature.from_dict(manifest["signature"]))
        config = config_of(name, interface, max_batch_size, instances, _on_gpu(manifest))
        with written_whole(repository / name, "take another --name, or remove it") as folder:
            (folder / "config.pbtxt").write_text(text_of(config), "utf-8")
            (folder / "1").mkdir()
            shutil.copyfile(_MODEL, folder / "1" / "model.py")
            shutil.copyfile(path, folder / "1" / "model.trt")
    if as_json:
        print_json({"folder": str(repository / name), **config})
        return
    if interface.why_no_rows:
        note(f"each request is a call of its own: {interface.why_no_rows}")
    for file in ("config.pbtxt", "1/model.py", "1/model.trt"):
        out.print(f"{repository / name / file}", highlight=False, soft_wrap=True)
    out.print(f"\nNow: tritonserver --model-repository {repository.absolute()}", highlight=False, soft_wrap=True)


def _on_gpu(manifest: Mapping[str, Any]) -> bool:
    """Whether the file needs a GPU: for an engine, or for what PyTorch runs beside one."""
    return bool(engines_of(manifest)) or manifest["hybrid"]["device"] != "cpu"
