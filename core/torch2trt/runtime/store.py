"""Files of converted modules: a zip archive with ``manifest.json`` and ``engine``, or several, without pickle."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import stat
import uuid
import zipfile
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from ..errors import EngineError
from ..program.signature import Signature
from .engine import Engine, engine_of
from .manifest import checked, manifest
from .packed import Packed, hybrid_of
from .parts import Hybrid
from .state import State
from .tensors import TensorTable

if TYPE_CHECKING:
    from ..packs.loading import Packs

_MANIFEST: Final = "manifest.json"
_ENGINE: Final = "engine"
#: of a module that keeps buffers
_STATE: Final = "state"
#: any member: of a module that PyTorch runs parts of also the tensors of these, and several engines
_MEMBER: Final = re.compile(r"manifest\.json|state|tensors|engine(\.\d{1,9})?", re.ASCII)
#: a manifest of 100,000 calls has 60 MB
_MANIFEST_LIMIT: Final = 2**28
_ENCRYPTED: Final = 0x1


def from_manifest(
    data: Any, members: Mapping[str, bytes], where: str, packs: Packs | None = None
) -> tuple[Engine | Hybrid, Signature]:
    """The engine, or the segments, and the signature that a manifest describes.

    Args:
        data: the manifest.
        members: what is beside it, by the names of :func:`members_of`.
        where: what all was read from, for errors.
        packs: where plugins of engines come from, and functions that only packs know; by default the installed packs,
            which are imported only where something needs them.

    Raises:
        EngineError: the manifest was damaged or edited, its members do not fit it, or an engine cannot be loaded here.
    """
    data, signature = checked(data, where)
    if "hybrid" in data:
        return hybrid_of(data["hybrid"], members, signature, where, packs), signature
    if members.keys() != {_ENGINE}:
        raise EngineError(f"{where} has other members than its manifest says; save it again")
    return engine_of(data["engine"], members[_ENGINE], where, packs), signature


def members_of(body: Engine | Packed) -> Mapping[str, bytes | TensorTable]:
    """What a module keeps beside its manifest and its buffers, by name."""
    return {_ENGINE: body.serialized} if isinstance(body, Engine) else body.members


def save(path: str | os.PathLike[str], body: Engine | Packed, signature: Signature, state: State | None = None) -> None:
    """Write a module's file, whole or not at all, whoever else writes it at the same time.

    A symbolic link stays one: the file that it names is written.

    Raises:
        EngineError: the module cannot be saved, or ``path`` is there and is no regular file.
        OSError: the file system refuses.
    """
    text = json.dumps(manifest(body, signature), indent=1)
    name = os.fsdecode(path)
    target = os.path.realpath(name)
    if os.path.exists(target):
        _check_regular(target, repr(name))
    temporary = os.path.join(os.path.dirname(target), f".torch2trt-{uuid.uuid4().hex}.part")
    try:
        # "x": nobody else's file, with the permissions that the user's umask gives
        with open(temporary, "xb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(_MANIFEST, text)
            for member, content in members_of(body).items():
                if isinstance(content, bytes):
                    archive.writestr(member, content)
                else:
                    _write(archive, member, content.pieces())
            if state is not None:
                _write(archive, _STATE, state.packed())
        if os.path.exists(target):
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except OSError as error:  # about the file that the user knows
        raise OSError(error.errno, error.strerror, name) from error
    finally:
        with contextlib.suppress(FileNotFoundError):  # it has become the target
            os.remove(temporary)


def _write(archive: zipfile.ZipFile, name: str, pieces: Iterable[bytes | memoryview]) -> None:
    """One tensor after the other, of whatever size together."""
    with archive.open(name, "w", force_zip64=True) as member:
        for piece in pieces:
            member.write(piece)


def read_manifest(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The manifest of a file, without loading its engine."""
    return checked(read(path)[0], repr(os.fsdecode(path)))[0]


def read(path: str | os.PathLike[str]) -> tuple[Any, dict[str, bytes], bytes]:
    """What a file has for a manifest, what is beside it by name, and the values of buffers.

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


def _read(file: BinaryIO) -> tuple[Any, dict[str, bytes], bytes]:
    size = os.fstat(file.fileno()).st_size
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        names = [member.filename for member in members]
        if len(set(names)) != len(names) or _MANIFEST not in names or not all(map(_MEMBER.fullmatch, names)):
            raise ValueError("its members are not a manifest and engines")
        for member in members:
            limit = min(size, _MANIFEST_LIMIT) if member.filename == _MANIFEST else size
            if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & _ENCRYPTED:
                raise ValueError(f"its member {member.filename} is compressed or encrypted")
            if not member.compress_size == member.file_size <= limit:
                raise ValueError(f"its member {member.filename} says that it has {member.file_size} bytes")
        parts = {member.filename: _contents(archive, member) for member in members}
        data, values = json.loads(parts.pop(_MANIFEST)), parts.pop(_STATE, b"")
        return data, parts, values


def _contents(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as file:
        # not without a size: zipfile then joins pieces of 1 GiB, and has a larger engine twice
        return file.read(member.file_size)


def _check_regular(path: str | os.PathLike[str], name: str) -> None:
    """:class:`EngineError` where ``path`` is a folder, a device or a pipe; OSError where it is not there."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise EngineError(f"{name} is no regular file; name a file for the module, such as model.trt")
