"""Files of converted modules: a zip archive with ``manifest.json`` and ``engine``, without pickle."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import stat
import uuid
import zipfile
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from ..errors import EngineError
from ..program.signature import Signature
from .engine import Engine, why_not_loadable
from .manifest import checked, manifest
from .state import State

if TYPE_CHECKING:
    from ..packs.loading import Packs

_MEMBERS: Final = ["engine", "manifest.json"]
#: of a module that keeps buffers
_STATE: Final = "state"
#: a manifest of 100,000 calls has 60 MB
_MANIFEST_LIMIT: Final = 2**28
_ENCRYPTED: Final = 0x1


def from_manifest(data: Any, engine: bytes, where: str, packs: Packs | None = None) -> tuple[Engine, Signature]:
    """The engine and signature that a manifest describes, with the plugins that the engine needs registered.

    Args:
        data: the manifest.
        engine: the serialized engine.
        where: what both were read from, for errors.
        packs: where the plugins come from; by default the installed packs, which are imported only for an engine that
            needs plugins.

    Raises:
        EngineError: the manifest was damaged or edited, the two do not fit together, or the engine cannot be loaded
            here.
    """
    data, signature = checked(data, where)
    described = dict(data["engine"])
    size, digest = described.pop("bytes"), described.pop("sha256")
    if len(engine) != size or hashlib.sha256(engine).hexdigest() != digest:
        raise EngineError(f"the engine in {where} is damaged: its checksum differs from the manifest's; save it again")
    flavor, version = described.pop("flavor"), described.pop("version")
    if reason := why_not_loadable(flavor, version):
        raise EngineError(f"the engine in {where} cannot be loaded: {reason}")
    made = Engine(engine, flavor, version, described)
    if made.plugins:
        # a process that only runs engines needs no pack otherwise
        from ..packs.loading import installed
        from ..packs.plugins import require_plugins

        require_plugins(made.plugins, packs or installed(), where)
    return made, signature


def save(path: str | os.PathLike[str], engine: Engine, signature: Signature, state: State | None = None) -> None:
    """Write a module's file, whole or not at all, whoever else writes it at the same time.

    A symbolic link stays one: the file that it names is written.

    Raises:
        EngineError: the module cannot be saved, or ``path`` is there and is no regular file.
        OSError: the file system refuses.
    """
    text = json.dumps(manifest(engine, signature), indent=1)
    name = os.fsdecode(path)
    target = os.path.realpath(name)
    if os.path.exists(target):
        _check_regular(target, repr(name))
    temporary = os.path.join(os.path.dirname(target), f".torch2trt-{uuid.uuid4().hex}.part")
    try:
        # "x": nobody else's file, with the permissions that the user's umask gives
        with open(temporary, "xb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("manifest.json", text)
            archive.writestr("engine", engine.serialized)
            if state is not None:
                # one buffer after the other, of whatever size together
                with archive.open(_STATE, "w", force_zip64=True) as member:
                    for piece in state.packed():
                        member.write(piece)
        if os.path.exists(target):
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except OSError as error:  # about the file that the user knows
        raise OSError(error.errno, error.strerror, name) from error
    finally:
        with contextlib.suppress(FileNotFoundError):  # it has become the target
            os.remove(temporary)


def read_manifest(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The manifest of a file, without loading its engine."""
    return checked(read(path)[0], repr(os.fsdecode(path)))[0]


def read(path: str | os.PathLike[str]) -> tuple[Any, bytes, bytes]:
    """What a file has for a manifest, the serialized engine, and the values of buffers.

    Raises:
        EngineError: it is not what :func:`save` writes; nothing larger than the file itself is ever read.
        OSError: it is not there, or cannot be read.
    """
    name = repr(os.fsdecode(path))
    _check_regular(path, name)
    with open(path, "rb") as file:
        try:
            return _read(file)
        except Exception as error:  # zipfile and json raise nearly everything over bytes that somebody made up
            why = str(error) or type(error).__name__
            raise EngineError(f"{name} is truncated or was not written by TRTModule.save: {why}") from error


def _read(file: BinaryIO) -> tuple[Any, bytes, bytes]:
    size = os.fstat(file.fileno()).st_size
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        names = sorted(member.filename for member in members)
        if names not in (_MEMBERS, [*_MEMBERS, _STATE]):
            raise ValueError(f"its members are not {' and '.join(_MEMBERS)}")
        for member in members:
            limit = min(size, _MANIFEST_LIMIT) if member.filename == "manifest.json" else size
            if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & _ENCRYPTED:
                raise ValueError(f"its member {member.filename} is compressed or encrypted")
            if not member.compress_size == member.file_size <= limit:
                raise ValueError(f"its member {member.filename} says that it has {member.file_size} bytes")
        parts = {member.filename: _contents(archive, member) for member in members}
        return json.loads(parts["manifest.json"]), parts["engine"], parts.get(_STATE, b"")


def _contents(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as file:
        # not without a size: zipfile then joins pieces of 1 GiB, and has a larger engine twice
        return file.read(member.file_size)


def _check_regular(path: str | os.PathLike[str], name: str) -> None:
    """:class:`EngineError` where ``path`` is a folder, a device or a pipe; OSError where it is not there."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise EngineError(f"{name} is no regular file; name a file for the module, such as model.trt")
