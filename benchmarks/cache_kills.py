"""Processes that are killed while they write to the cache: what they leave, and whether the next one works.

Three kinds of writers are killed with SIGKILL at random moments: one that keeps engines for ever, one that keeps
compiled kernels for ever, and a conversion from its capture to its end, over and over in one folder.  After each kill
another process reads everything: an entry is whole or absent, never something else; it then writes, and reads that.

    python benchmarks/cache_kills.py --kills 200 --json benchmarks/results/cache_kills_cpu.json
"""

import argparse
import hashlib
import multiprocessing
import os
import random
import signal
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch2trt
from harness import forked, record
from torch2trt.cache.entry import Entry
from torch2trt.cache.store import Store
from torch2trt.network.engines import Engines
from torch2trt.runtime.engine import Engine

LIMIT = 2**25
SIZES = (10, 10_000, 5_000_000)
KEYS = [hashlib.sha256(bytes([number])).hexdigest() for number in range(4)]
INPUTS = [torch.linspace(-1, 1, 2 * 64).reshape(2, 64)]


def put_engine(store: Store, key: str, data: bytes) -> None:
    """Keep an engine that says what its bytes are."""
    Engines(store)[key] = Engine(data, "rtx", "1", {"digest": hashlib.sha256(data).hexdigest()})


def engine_is_whole(store: Store, key: str) -> bool | None:
    """Whether an engine is what it says; None where there is none."""
    engine = Engines(store).get(key)
    return engine and hashlib.sha256(engine.serialized).hexdigest() == engine.provenance["digest"]


def put_kernels(store: Store, key: str, data: bytes) -> None:
    """Keep kernels that say what their bytes are."""
    store.put("kernels", key, Entry({"digest": hashlib.sha256(data).hexdigest()}, (data,)))


def kernels_are_whole(store: Store, key: str) -> bool | None:
    """Whether kernels are what they say; None where there are none."""
    entry = store.get("kernels", key)
    return entry and hashlib.sha256(entry.parts[0]).hexdigest() == entry.about["digest"]


def write_for_ever(put: Callable[..., None], store: Store, seed: int) -> None:
    """Write entries of all sizes under a few keys."""
    generator = random.Random(seed)
    while True:
        put(store, generator.choice(KEYS), generator.randbytes(generator.choice(SIZES)))


def model() -> torch.nn.Module:
    """A small model, the same in every process."""
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(64, 2048), torch.nn.ReLU(), torch.nn.Linear(2048, 64)).eval()


def convert(store: Store) -> torch2trt.TRTModule:
    """A conversion that keeps its engine."""
    return torch2trt.convert(model(), INPUTS, runtime="reference", cache=store.folder)


def convert_for_ever(store: Store) -> None:
    """Convert, forget the engine, and convert again."""
    while True:
        convert(store)
        store.prune(0)  # so that the next one builds and writes again


def converts(store: Store) -> dict[str, Any]:
    """Whether a process converts rightly, twice, the second time with what the first has kept."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", torch2trt.ReferenceRuntimeWarning)
        modules = [convert(store) for _ in range(2)]
    expected = model()(*INPUTS)
    right = all(torch.allclose(module(*INPUTS), expected, atol=1e-5) for module in modules)
    same, entries = modules[0].serialized == modules[1].serialized, len(list(store))
    return {"whole": right and same and entries == 1, "right": right, "same": same, "entries": entries}


def reads_and_writes(put: Callable[..., None], is_whole: Callable[..., bool | None], store: Store) -> dict[str, Any]:
    """Whether a process finds nothing but whole entries, and can write one."""
    found = [is_whole(store, key) for key in KEYS]
    put(store, KEYS[0], b"next")
    whole = all(one is not False for one in found) and bool(is_whole(store, KEYS[0]))
    return {"whole": whole, "entries": sum(one is not None for one in found)}


def kill(target: Callable[..., None], arguments: tuple[Any, ...], seconds: float) -> bool:
    """Start a process and kill it after a while; whether it was still at work."""
    process = multiprocessing.get_context("fork").Process(target=target, args=arguments, daemon=True)
    process.start()
    time.sleep(seconds)
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


def row(name: str, kills: int, target: Callable, arguments: tuple, check: Callable, longest: float) -> dict[str, Any]:
    """Kill so many writers of one kind, each followed by a process that checks."""
    generator = random.Random(name)
    done: dict[str, Any] = {"name": name, "kills": kills, "killed": 0, "wrong": [], "failures": [], "left_behind": 0}
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder), LIMIT)
        for number in range(kills):
            own = (*arguments, store) if target is convert_for_ever else (*arguments, store, number)
            done["killed"] += kill(target, own, generator.uniform(0, longest))
            done["left_behind"] += len(parts := list(store.folder.glob(".*.part")))
            for path in parts:  # as if the next process came later
                os.utime(path, (1, 1))
            found = forked(check, store)
            done["wrong"] += [found] if found.get("whole") is False else []
            done["failures"] += [found["failure"]] if "failure" in found else []
        store.prune(LIMIT)
        done["parts_at_the_end"] = len(list(store.folder.glob(".*.part")))
    return done


def main() -> None:
    """Kill writers of each kind and say what became of the cache."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="of each writer of entries")
    parser.add_argument(
        "--conversions", type=int, default=60, help="how many conversions are killed, which takes longer"
    )
    parser.add_argument("--json", help="a file for the rows")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=DeprecationWarning)  # forks beside PyTorch's threads, which are idle
    os.environ["TORCH2TRT_CACHE_LIMIT"] = str(LIMIT)
    rows = []
    for name, put, is_whole in (
        ("engine", put_engine, engine_is_whole),
        ("kernels", put_kernels, kernels_are_whole),
    ):

        def check(store: Store, put: Any = put, is_whole: Any = is_whole) -> dict[str, Any]:
            return reads_and_writes(put, is_whole, store)

        rows.append(row(name, options.kills, write_for_ever, (put,), check, 0.1))
        print(rows[-1], flush=True)
    torch2trt.convert(model(), INPUTS, build=False)  # what is imported by now, no process has to import
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        forked(converts, Store(Path(folder), LIMIT))
    longest = time.perf_counter() - started
    rows.append(row("conversion", options.conversions, convert_for_ever, (), converts, longest))
    print(rows[-1], flush=True)
    record(options.json, rows)
    if any(one["wrong"] or one["failures"] or one["parts_at_the_end"] for one in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
