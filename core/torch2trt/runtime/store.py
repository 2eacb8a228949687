"""Files of converted modules: a zip archive with ``manifest.json`` and ``engine``, without pickle."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ..errors import EngineError
from ..program.signature import Signature
from .engine import Engine, host, why_not_loadable

if TYPE_CHECKING:
    from ..packs.loading import Packs

_FORMAT: Final = "torch2trt-module"
_FORMAT_VERSION: Final = 1


def manifest(engine: Engine, signature: Signature) -> dict[str, Any]:
    """The manifest of a module."""
    return {
        "format": _FORMAT,
        "format_version": _FORMAT_VERSION,
        "host": host(),
        "signature": signature.to_dict(),
        "engine": {
            **engine.to_dict(),
            "sha256": hashlib.sha256(engine.serialized).hexdigest(),
            "bytes": len(engine.serialized),
        },
    }


def from_manifest(
    data: Mapping[str, Any], engine: bytes, where: str, packs: Packs | None = None
) -> tuple[Engine, Signature]:
    """The engine and signature that a manifest describes, with the plugins that the engine needs registered.

    Args:
        data: the manifest.
        engine: the serialized engine.
        where: what both were read from, for errors.
        packs: where the plugins come from; by default the installed packs, which are imported only for an engine that
            needs plugins.

    Raises:
        EngineError: the two do not fit together, or the engine cannot be loaded here.
    """
    if data.get("format") != _FORMAT or data.get("format_version") != _FORMAT_VERSION:
        raise EngineError(
            f"{where} has the format {data.get('format')!r} version {data.get('format_version')!r}, "
            f"this torch2trt reads {_FORMAT!r} version {_FORMAT_VERSION}; convert the model again"
        )
    described = dict(data["engine"])
    if hashlib.sha256(engine).hexdigest() != described.pop("sha256"):
        raise EngineError(f"the engine in {where} is damaged: its checksum differs from the manifest's; save it again")
    described.pop("bytes")
    flavor, version = described.pop("flavor"), described.pop("version")
    if reason := why_not_loadable(flavor, version):
        raise EngineError(f"the engine in {where} cannot be loaded: {reason}")
    made = Engine(engine, flavor, version, described)
    if made.plugins:
        # a process that only runs engines needs no pack otherwise
        from ..packs.loading import installed
        from ..packs.plugins import require_plugins

        require_plugins(made.plugins, packs or installed())
    return made, Signature.from_dict(data["signature"])


def save(path: str | os.PathLike[str], engine: Engine, signature: Signature) -> None:
    """Write a module's file, whole or not at all."""
    temporary = f"{os.fspath(path)}.part"
    text = json.dumps(manifest(engine, signature), indent=1)
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("manifest.json", text)
            archive.writestr("engine", engine.serialized)
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


def read_manifest(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The manifest of a file, without loading its engine."""
    return read(path)[0]


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], bytes]:
    """The manifest and the serialized engine of a file."""
    name = repr(os.fspath(path))
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("manifest.json")), archive.read("engine")
    except zipfile.BadZipFile as error:
        raise EngineError(f"{name} is truncated or was not written by TRTModule.save: {error}") from error
    except (KeyError, json.JSONDecodeError) as error:
        raise EngineError(f"{name} was not written by TRTModule.save: {error}") from error
