"""What ``torch2trt doctor`` looks at: each finding says what is here, what that means and the cure."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from packaging.version import Version

from .. import __version__, _trt, log
from ..cache.place import FOLDER, LIMIT, default_folder, store_of
from ..errors import CacheError, PackError, TensorRTNotFoundError, did_you_mean

#: ``limited``: something does not work here and need not; ``broken``: conversions fail until it is mended
State = Literal["ok", "limited", "broken"]
_ENVIRONMENT: Final = ("TORCH2TRT_FLAVOR", "TORCH2TRT_BLOCK", "TORCH2TRT_AUTOLOAD", FOLDER, LIMIT)
_OLDEST_TORCH: Final = "2.11"
#: an engine and what is compiled of it take so much
_ROOM: Final = 2**30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    about: str
    state: State
    what: str
    cure: str = ""


def findings() -> Iterator[Finding]:
    """All that matters to conversions on this machine, from Python up to the packs."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (_python, _torch, _gpu, _tensorrt, _bindings)
    for check in (*checks, _packs, _cache, _environment):
        yield from check()


def _python() -> Iterator[Finding]:
    machine = " ".join((platform.system(), platform.machine(), *filter(None, platform.libc_ver())))
    yield Finding("torch2trt", "ok", f"{__version__} on Python {platform.python_version()}, {machine}")


def _torch() -> Iterator[Finding]:
    import torch

    built = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
    if Version(torch.__version__) < Version(_OLDEST_TORCH):
        cure = f"pip install --upgrade 'torch>={_OLDEST_TORCH}'"
        yield Finding("PyTorch", "broken", f"{torch.__version__} is older than {_OLDEST_TORCH}", cure)
    else:
        yield Finding("PyTorch", "ok", f"{torch.__version__}, {built}")


def _gpu() -> Iterator[Finding]:
    import torch

    driver = _driver()
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            one = torch.cuda.get_device_properties(index)
            size = f"{one.total_memory / 2**30:.0f} GiB, compute capability {one.major}.{one.minor}"
            yield Finding(f"GPU {index}", "ok", f"{one.name}, {size}, driver {driver or 'unknown'}")
        return
    why = "PyTorch sees no NVIDIA GPU" + (f", though there is a driver ({driver})" if driver else " and no driver")
    cure = "convert and save here, and run the file on a machine with a GPU; the interpreter checks results meanwhile"
    if driver:
        built = torch.version.cuda
        cure = f"install a driver for CUDA {built}" if built else "install a PyTorch that was built for CUDA"
    yield Finding("GPU", "limited", f"{why}: engines cannot run here", cure)


def _driver() -> str:
    """The version of NVIDIA's kernel driver; "" without one."""
    try:
        words = Path("/proc/driver/nvidia/version").read_text().split()
    except OSError:
        return ""
    return next((word for word in words if word.count(".") and word.replace(".", "").isdigit()), "unknown")


def _tensorrt() -> Iterator[Finding]:
    try:
        _trt.require()
    except TensorRTNotFoundError as error:
        what, _, cure = str(error).partition(". ")
        yield Finding("TensorRT", "broken", what, cure)
        return
    with log.record_errors() as messages:
        builder: Any = _trt.trt.Builder(log.logger())
    name = {"tensorrt": "TensorRT", "rtx": "TensorRT for RTX"}[_trt.FLAVOR or ""]
    if builder is None or messages:
        yield Finding("TensorRT", "broken", f"{name} {_trt.version()} makes no builder: {'; '.join(messages)}")
        return
    yield Finding("TensorRT", "ok", f"{name} {_trt.version()}, flavor {_trt.FLAVOR!r}; it builds engines here")
    if not hasattr(_trt.trt.INetworkDefinition, "add_plugin_v3"):
        cure = "fallback=True has PyTorch run operators that are marked with @plugin"
        yield Finding("plugin layers", "limited", f"networks of {name} take none", cure)


def _bindings() -> Iterator[Finding]:
    from ..runtime.streams import bindings

    found = bindings()
    if found is None:
        what = "missing: calls that run as CUDA graphs copy inputs and outputs one by one, which takes the host longer"
        yield Finding("cuda.bindings", "limited", what, "pip install cuda-bindings")
    else:
        yield Finding("cuda.bindings", "ok", getattr(found, "__version__", None) or "here")


def _packs() -> Iterator[Finding]:
    from ..packs.loading import installed
    from .pack_checks import unmet

    for what in unmet("torch2trt-core"):
        yield Finding("torch2trt-core", "broken", what, "pip install --upgrade torch2trt-core")
    try:
        loaded = installed()
    except PackError as error:
        yield Finding("packs", "broken", str(error))
        return
    for pack in loaded.packs:
        count = sum(converter.pack == pack for converter in loaded.converters)
        about, missing = f"pack {pack.name}", unmet(pack.distribution)
        if missing:
            yield Finding(about, "broken", "; ".join(missing), f"pip install --upgrade {pack.distribution}")
        else:
            yield Finding(about, "ok", f"{pack.distribution} {pack.version}, {count} converters".strip())
    if not loaded.converters:
        yield Finding("packs", "broken", "no pack is here, so nothing converts", "pip install torch2trt-ops-vision")


def _cache() -> Iterator[Finding]:
    try:
        store, folder = store_of(True), default_folder()
    except CacheError as error:
        yield Finding("cache", "broken", str(error))
        return
    if store is None or folder is None:
        why = "this user has no home" if folder is None else f"{LIMIT} is 0"
        cure = f"set {FOLDER} to a folder" if folder is None else f"unset {LIMIT}"
        yield Finding("cache", "limited", f"{why}, so every engine is built anew", cure)
        return
    there = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(there).free
    size = f"{_from_home(folder)}, up to {store.limit / 2**30:.1f} GiB, {free / 2**30:.1f} GiB are free"
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Finding("cache", "limited", f"{there} cannot be written to", f"set {FOLDER} to another folder")
    elif free < _ROOM:
        yield Finding("cache", "limited", size, "make room, or torch2trt cache prune --all")
    else:
        yield Finding("cache", "ok", size)


def _from_home(path: Path) -> Path:
    home = Path(os.path.expanduser("~"))
    return Path("~") / path.relative_to(home) if path.is_relative_to(home) else path


def _environment() -> Iterator[Finding]:
    given = sorted(name for name in os.environ if name.startswith("TORCH2TRT_"))
    unknown = [name for name in given if name not in _ENVIRONMENT]
    for name in unknown:
        cure = f"unset it{did_you_mean(name, _ENVIRONMENT)}"
        yield Finding("environment", "limited", f"{name} is set, and nothing reads it", cure)
    known = [f"{name}={os.environ[name]}" for name in given if name not in unknown]
    if known:
        yield Finding("environment", "ok", ", ".join(known))
