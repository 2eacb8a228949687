"""Files of converted modules: a zip archive with ``manifest.json`` and ``engine``, without pickle."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from typing import Any, Final

from ..errors import EngineError
from ..signature import Signature
from .engine import Engine, host, reason_unloadable
from .module import TRTModule

_FORMAT: Final = "torch2trt-module"
_FORMAT_VERSION: Final = 1


def manifest(engine: Engine, signature: Signature) -> dict[str, Any]:
    """The manifest of a module."""
    return {
        "format": _FORMAT,
        "format_version": _FORMAT_VERSION,
        "host": host(),
        "signature": signature.to_json(),
        "engine": {**engine.to_json(), "sha256": hashlib.sha256(engine.data).hexdigest(), "bytes": len(engine.data)},
    }


def from_manifest(data: Mapping[str, Any], engine: bytes, where: str) -> tuple[Engine, Signature]:
    """The engine and signature that a manifest describes; :class:`EngineError` where they do not fit together."""
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
    if reason := reason_unloadable(flavor, version):
        raise EngineError(f"the engine in {where} cannot be loaded: {reason}")
    return Engine(engine, flavor, version, described), Signature.from_json(data["signature"])


def save(path: str | os.PathLike[str], engine: Engine, signature: Signature) -> None:
    """Write a module's file, whole or not at all."""
    temporary = f"{os.fspath(path)}.part"
    text = json.dumps(manifest(engine, signature), indent=1)
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("manifest.json", text)
            archive.writestr("engine", engine.data)
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


def read_manifest(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The manifest of a file, without loading its engine."""
    return _read(path)[0]


def load(path: str | os.PathLike[str]) -> TRTModule:
    """The module that :meth:`TRTModule.save` wrote.

    Raises:
        EngineError: the file is truncated, not ours, or its engine is of another flavour or version of TensorRT.
    """
    data, engine = _read(path)
    return TRTModule(*from_manifest(data, engine, repr(os.fspath(path))))


def _read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], bytes]:
    name = repr(os.fspath(path))
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("manifest.json")), archive.read("engine")
    except zipfile.BadZipFile as error:
        raise EngineError(f"{name} is truncated or was not written by TRTModule.save: {error}") from error
    except (KeyError, json.JSONDecodeError) as error:
        raise EngineError(f"{name} was not written by TRTModule.save: {error}") from error
