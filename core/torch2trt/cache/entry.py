"""The file of one entry: a header in JSON, the parts as they are, and a digest of all of it at the end.

Nothing in a file is believed before its size and its digest are right, and nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

#: changes with the layout: files of another one are entries of nobody
_MAGIC: Final = b"torch2trt-cache 1\n"
_HEADER_LIMIT: Final = 2**20
_DIGEST: Final = hashlib.sha256


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept under a key."""

    #: what the entry is of, as JSON-able values for a list
    about: dict[str, Any]
    #: what it is
    parts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """The beginning of a file."""

    kind: str
    key: str
    about: dict[str, Any]
    sizes: tuple[int, ...]
    #: as it stands in the file
    raw: bytes

    @property
    def file_size(self) -> int:
        """How many bytes the whole file has."""
        return len(self.raw) + sum(self.sizes) + _DIGEST().digest_size


def packed(kind: str, key: str, entry: Entry) -> Iterator[bytes]:
    """The file of an entry, in pieces; parts are not copied."""
    header = {"kind": kind, "key": key, "about": entry.about, "sizes": [len(part) for part in entry.parts]}
    pieces = (_MAGIC + json.dumps(header).encode() + b"\n", *entry.parts)
    yield from pieces
    yield _digest(pieces)


def read(file: BinaryIO, kind: str, key: str) -> Entry | None:
    """The entry of a file; None where it is damaged, truncated, or of something else."""
    header = read_header(file)
    if header is None or (header.kind, header.key) != (kind, key):
        return None
    if header.file_size != os.fstat(file.fileno()).st_size:  # nothing larger than the file is ever read
        return None
    parts = tuple(file.read(size) for size in header.sizes)
    return Entry(header.about, parts) if file.read() == _digest((header.raw, *parts)) else None


def read_header(file: BinaryIO) -> Header | None:
    """The header of a file, unchecked against the digest; None where it is none."""
    if file.read(len(_MAGIC)) != _MAGIC:
        return None
    line = file.readline(_HEADER_LIMIT)
    try:
        data = json.loads(line)
        kind, key, about, sizes = (data[name] for name in ("kind", "key", "about", "sizes"))
    except (ValueError, KeyError, TypeError, RecursionError):  # bytes that somebody made up
        return None
    is_header = isinstance(kind, str) and isinstance(key, str) and isinstance(about, dict) and isinstance(sizes, list)
    if not is_header or not all(type(size) is int and size >= 0 for size in sizes):
        return None
    return Header(kind, key, about, tuple(sizes), _MAGIC + line)


def _digest(pieces: Iterable[bytes]) -> bytes:
    digest = _DIGEST()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()
