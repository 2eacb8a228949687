"""A bounded store of entries by key in a folder, for any number of processes.

A file is written beside its place and moved there, so a reader sees all of an entry or none of it, whenever a writer is
killed.  Readers take no lock; what is evicted while it is read stays readable.  A folder that cannot be written to, or
is full, costs a warning and no conversion.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..errors import CacheWarning, warn
from .entry import Entry, packed, read, read_header

_log = logging.getLogger("torch2trt")
#: what is kept: engines by the key of a plan, kernels by an engine and a GPU, and what the phases of a command took
KINDS: Final = ("engine", "kernels", "times")
#: the files that are ours: nothing else in a folder is ever touched
_NAME: Final = re.compile(rf"[0-9a-f]{{64}}\.({'|'.join(KINDS)})")
_PART: Final = re.compile(r"\.torch2trt-[0-9a-f]{32}\.part")
_LOCK: Final = ".torch2trt.lock"
#: seconds to wait for another process that tidies up; then it is left to that one
_PATIENCE: Final = 2.0
#: seconds after the last byte that the file of a writer who was killed is removed
_ABANDONED: Final = 600.0


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of the store."""

    path: Path
    kind: str
    key: str
    #: with its header and digest
    size: int
    #: when it was last written or read, in seconds since the epoch
    used: float

    def about(self) -> dict[str, Any] | None:
        """What the entry is of; None where the file has no header that can be read."""
        with contextlib.suppress(OSError), open(self.path, "rb") as file:
            header = read_header(file)
            if header and (header.kind, header.key, header.file_size) == (self.kind, self.key, self.size):
                return header.about
        return None


@dataclass(frozen=True, slots=True)
class Store:
    """The entries of a folder, which is made when the first is put in.

    Args:
        folder: where they are.
        limit: how many bytes they may have together; the least recently used go first.
    """

    folder: Path
    limit: int

    def get(self, kind: str, key: str) -> Entry | None:
        """The entry of a key; None where there is none, or none that is whole."""
        path = self._path(kind, key)
        try:
            with open(path, "rb") as file:
                entry = read(file, kind, key)
        except OSError:
            return None
        if entry is None:
            _log.info("%s is damaged and is made again", path)
            return None
        with contextlib.suppress(OSError):  # a folder that may only be read
            os.utime(path)
        return entry

    def put(self, kind: str, key: str, entry: Entry) -> None:
        """Keep an entry, and evict others where the folder has too many; a :class:`CacheWarning` where it cannot."""
        path = self._path(kind, key)
        if sum(map(len, entry.parts)) > self.limit:
            _log.info("%s is not kept: it is larger than the limit of the cache, %d bytes", path, self.limit)
            return
        temporary = self.folder / f".torch2trt-{uuid.uuid4().hex}.part"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(temporary, packed(kind, key, entry))
            os.replace(temporary, path)
        except OSError as error:
            _warn_once(f"{self.folder} keeps nothing for the next process: {error.strerror or error}")
            return
        finally:
            with contextlib.suppress(OSError):  # it has become the entry
                os.remove(temporary)
        self.prune(self.limit, spared=path)

    def remove(self, kind: str, key: str) -> bool:
        """Remove the entry of a key; False where there is none."""
        return _remove(self._path(kind, key))

    def prune(self, limit: int, *, older_than: float | None = None, spared: Path | None = None) -> list[Stored] | None:
        """Remove the least recently used entries until the rest has at most ``limit`` bytes.

        Args:
            limit: in bytes.
            older_than: remove what was not used for so many seconds too.
            spared: an entry that stays.

        Returns:
            what was removed; None where another process holds the lock, or the folder cannot be changed.
        """
        if not self.folder.is_dir():
            return []
        import filelock  # which a process that only reads does without

        try:
            with filelock.FileLock(self.folder / _LOCK, timeout=_PATIENCE):
                self._remove_abandoned()
                return [stored for stored in self._surplus(limit, older_than, spared) if _remove(stored.path)]
        except (OSError, NotImplementedError) as error:  # filelock's Timeout is one; some file systems have no locks
            _log.info("%s is not tidied up: %s", self.folder, error)
            return None

    def __iter__(self) -> Iterator[Stored]:
        """The files of entries, the least recently used first."""
        found = []
        for path in self._files(_NAME):
            with contextlib.suppress(OSError):  # removed meanwhile
                status = path.stat()
                found.append(Stored(path, path.suffix[1:], path.stem, status.st_size, status.st_mtime))
        return iter(sorted(found, key=lambda stored: (stored.used, stored.path.name)))

    def _path(self, kind: str, key: str) -> Path:
        name = f"{key}.{kind}"
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of an entry: a key is a sha256 in hexadecimal digits")
        return self.folder / name

    def _files(self, names: re.Pattern[str]) -> list[Path]:
        try:
            return [path for path in self.folder.iterdir() if names.fullmatch(path.name)]
        except OSError:
            return []

    def _surplus(self, limit: int, older_than: float | None, spared: Path | None) -> Iterator[Stored]:
        entries = list(self)
        size = sum(stored.size for stored in entries)
        for stored in entries:
            is_old = older_than is not None and time.time() - stored.used > older_than
            if stored.path != spared and (is_old or size > limit):
                size -= stored.size
                yield stored

    def _remove_abandoned(self) -> None:
        for path in self._files(_PART):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > _ABANDONED:
                    path.unlink()


def _write(path: Path, pieces: Iterator[bytes]) -> None:
    with open(path, "xb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())  # or a power failure may leave a name without its bytes


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:  # somebody reads it where open files cannot be removed, or did so first
        return False
    return True


@functools.cache
def _warn_once(text: str) -> None:
    warn(text, CacheWarning)
