"""``torch2trt inspect``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.filesize import decimal
from rich.markup import escape

from ..report.text import table
from .common import AsJSON, Saved, errors_in_words, out, print_json
from .phases import Phases


def inspect(path: Saved, as_json: AsJSON = False) -> None:
    """Show what is in a file: inputs, outputs, TensorRT, packs, every call, and on a GPU the layers of the engine."""
    with errors_in_words():
        from ..runtime.store import read_manifest

        manifest = read_manifest(path)
        layers = _layers(path, manifest, not as_json)
    if as_json:
        print_json(manifest if layers is None else {**manifest, "layers": layers})
        return
    for line in _head(path, manifest):
        out.print(line, highlight=False)
    for engine in engines_of(manifest):
        out.print(_calls(engine["calls"], "an engine"))
    for part in manifest.get("hybrid", {}).get("torch", ()):
        out.print(_calls(part["calls"], "PyTorch"))
    if layers is not None:
        shown = table("layer of the engine", "calls that it comes of")
        for row in layers:
            shown.add_row(escape(row["layer"]), escape(", ".join(row["calls"])))
        out.print(shown)


def engines_of(manifest: Mapping[str, Any]) -> list[Any]:
    """What a manifest says of each engine."""
    if "engine" in manifest:
        return [manifest["engine"]]
    return [part["engine"] for part in manifest["hybrid"]["engines"]]


def _layers(path: Path, manifest: Mapping[str, Any], shown: bool) -> list[dict[str, Any]] | None:
    """The layers that TensorRT made; None where no single engine can be loaded."""
    import torch

    if "engine" not in manifest or not torch.cuda.is_available():
        return None
    from ..runtime.layers import fused_layers
    from ..runtime.load import load

    with Phases(shown)("loading the engine"):
        layers = fused_layers(load(path).engine, manifest["engine"]["calls"])
    return [{"layer": name, "calls": calls} for name, calls in layers.items()]


def _head(path: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    from ..program.signature import Signature

    signature = Signature.from_dict(manifest["signature"])
    host, engines = manifest["host"], engines_of(manifest)
    own = {buffer.name: buffer.path for buffer in signature.state}
    given = [str(spec) for spec in signature.inputs if spec.name not in own]
    yield f"[bold]{escape(str(path))}[/]  {decimal(path.stat().st_size)}, format {manifest['format_version']}"
    yield f"made on    PyTorch {host['torch']}, {host['gpu'] or 'no GPU'}, {host['machine']}"
    for engine in engines:
        precision = engine["settings"].get("precision") or "as in the model"
        size = decimal(engine["bytes"])
        yield f"engine     {size} of {engine['flavor']} {engine['version']}, precision {precision}"
        if engine["plugins"]:
            yield f"plugins of {escape(_packs(engine['plugins']))}"
    for packs in dict.fromkeys(_packs(engine["packs"]) for engine in engines):
        yield f"packs      {escape(packs)}"
    yield f"inputs     {escape(', '.join(given))}"
    specs = signature.output_specs or [""] * len(signature.outputs)
    named = dict(zip(signature.outputs, specs, strict=True))
    yield f"outputs    {escape(', '.join(f'{name} {spec}'.strip() for name, spec in named.items()))}"
    if own:
        yield f"buffers    {escape(', '.join(own.values()))}"


def _packs(packs: Sequence[Mapping[str, str]]) -> str:
    return ", ".join(f"{one['name']} {one['version']}".strip() for one in packs) or "none"


def _calls(calls: Sequence[Mapping[str, Any]], runs_in: str) -> Any:
    shown = table("call", "arguments", "module", "source", "converter")
    shown.title = f"in {runs_in}: {len(calls)}"
    for call in calls:
        by = f"{call.get('converter') or ''} ({call['pack']})" if call.get("pack") else str(call.get("action", ""))
        cells = (call.get("target"), call.get("arguments"), call.get("module"), call.get("source"), by)
        shown.add_row(*(escape(str(cell or "")) for cell in cells))
    return shown
