"""Where the cache is, how large it may be, and whether there is one."""

from __future__ import annotations

import os
import re
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import platformdirs

from ..errors import CacheError
from .store import Store

#: what ``cache=`` takes: whether there is one, its folder, or engines by their keys
Cache: TypeAlias = "bool | str | os.PathLike[str] | MutableMapping[str, Any]"
FOLDER: Final = "TORCH2TRT_CACHE"
LIMIT: Final = "TORCH2TRT_CACHE_LIMIT"
_DEFAULT_LIMIT: Final = "4G"
_SIZE: Final = re.compile(r"(\d+(?:\.\d*)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)


def store_of(cache: Cache) -> Store | None:
    """The store that ``cache=`` asks for; None where nothing is to be kept.

    Engines that are given as a mapping say nothing of kernels: these are in the default folder.

    Raises:
        CacheError: ``TORCH2TRT_CACHE_LIMIT`` is no size.
    """
    if cache is False:
        return None
    limit = parse_size(os.environ.get(LIMIT, "") or _DEFAULT_LIMIT, LIMIT)
    folder = _path(cache) if isinstance(cache, (str, os.PathLike)) else default_folder()
    return Store(folder, limit) if limit and folder else None


def default_folder() -> Path | None:
    """The folder that the environment names, else the user's cache; None for a user without a home."""
    if named := os.environ.get(FOLDER):
        return _path(named)
    folder = platformdirs.user_cache_path("torch2trt", appauthor=False)
    return folder if folder.is_absolute() else None


def parse_size(text: str, name: str) -> int:
    """Bytes of ``500M`` or ``4GiB``; :class:`CacheError` where it is none, with the name of what has it."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise CacheError(f"{name}={text!r} is no size; write bytes, or such as 500M or 4G, and 0 to keep nothing")
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))


def _path(named: str | os.PathLike[str]) -> Path:
    return Path(os.path.expanduser(named)).absolute()  # unlike Path's own, no error where there is no home
