"""Misuse of ``save`` and ``load``: what is no file, and what no ``save`` wrote."""

import io
import struct
import warnings
import zipfile

import torch2trt
from torch2trt import EngineError

from . import Row, saved


def to(name, error, *words, path):
    return Row(f"saving to {name}", lambda place: saved().save(path(place)), error, words)


def of(name, error, *words, path):
    return Row(f"loading {name}", lambda place: torch2trt.load(path(place)), error, words)


def changed(name, *words, change):
    """Loading the file that ``change`` makes of the bytes of a saved one."""

    def call(place):
        place.file.write_bytes(change(place.file.read_bytes()))
        torch2trt.load(place.file)

    return Row(f"loading {name}", call, EngineError, ("was not written by TRTModule.save", *words))


def members(content):
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def archive(*members, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as made, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of two members of one name
        for name, content in members:
            made.writestr(name, content)
    return file.getvalue()


def with_member(name, data):
    return lambda content: archive(*{**members(content), name: data}.items())


def patched(signature, offset, value):
    """Write over a field of the engine's entry in the directory of the archive."""

    def change(content):
        at = content.rindex(signature) + offset
        return content[:at] + value + content[at + len(value) :]

    return change


DIRECTORY = b"PK\x01\x02"
#: the manifest's parse is deep, which Python's own parser refuses
DEEP = b"[" * 100_000

ROWS = [
    to("a folder", EngineError, "is no regular file", "such as model.trt", path=lambda place: place.folder),
    to("a device", EngineError, "'/dev/null' is no regular file", path=lambda place: "/dev/null"),
    to("a pipe", EngineError, "pipe' is no regular file", path=lambda place: place.fifo()),
    to("a missing folder", FileNotFoundError, "no/x.trt", path=lambda place: place.folder / "no" / "x.trt"),
    to("a name that is too long", OSError, "too long", path=lambda place: place.folder / ("x" * 300)),
    of("what is not there", FileNotFoundError, "x.trt", path=lambda place: place.folder / "x.trt"),
    of("a folder", EngineError, "is no regular file", path=lambda place: place.folder),
    of("a pipe", EngineError, "is no regular file", path=lambda place: place.fifo()),
    of("a device without an end", EngineError, "'/dev/zero' is no regular file", path=lambda place: "/dev/zero"),
    changed("nothing", change=lambda content: b""),
    changed("text", "not a zip file", change=lambda content: b"hello"),
    changed("half of it", "truncated", change=lambda content: content[: len(content) // 2]),
    changed("other members", "its members are not a manifest and", change=lambda content: archive(("x", b""))),
    changed("a member too many", "its members are not", change=with_member("extra.py", b"import os")),
    changed("a member that climbs", "its members are not", change=with_member("../../etc/x", b"")),
    changed(
        "a member twice",
        "its members are not",
        change=lambda content: archive(*members(content).items(), ("engine", b"other")),
    ),
    changed(
        "a bomb",
        "compressed or encrypted",
        change=lambda content: archive(
            ("manifest.json", b" " * 10_000_000), ("engine", b""), compression=zipfile.ZIP_DEFLATED
        ),
    ),
    changed("a locked member", "compressed or encrypted", change=patched(DIRECTORY, 8, b"\x01\x00")),
    changed(
        "a member of 4 GB", "says that it has 4294967280 bytes", change=patched(DIRECTORY, 24, b"\xf0\xff\xff\xff")
    ),
    changed(
        "an archive of a later version", "zip file version 9.9", change=patched(DIRECTORY, 6, struct.pack("<H", 99))
    ),
    changed("a flipped bit", "Bad CRC-32", change=lambda content: content.replace(b"float32", b"float33", 1)),
    changed("a manifest that is no JSON", "Expecting value", change=with_member("manifest.json", b"<xml>")),
    changed(
        "a manifest that is no text", "codec can't decode", change=with_member("manifest.json", b"\xff\xfe\xfd" * 9)
    ),
    changed("a deep manifest", "recursion", change=with_member("manifest.json", DEEP)),
]
