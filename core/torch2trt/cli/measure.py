"""Timing calls: a few rounds of all candidates in turns, so that what else the machine does meets all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .phases import Phases

#: until what is compiled beside the first calls, and the graphs of shapes that come back, are there
_WARM_UP: Final = 20
_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True)
class Times:
    """What the calls of one candidate took."""

    #: seconds of each call by itself, the fastest first
    each: tuple[float, ...]
    #: calls a second where each is queued behind the one before
    per_second: float
    #: bytes of the GPU that it took from its preparation to the end of its first calls; None without a GPU
    memory: int | None

    def at(self, share: float) -> float:
        """The seconds that this share of the calls took at most."""
        return self.each[min(int(share * len(self.each)), len(self.each) - 1)]

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able values, in milliseconds."""
        places = {"fastest": 0.0, "median": 0.5, "p95": 0.95, "slowest": 1.0}
        latency = {name: 1e3 * self.at(share) for name, share in places.items()}
        latency["median"] = 1e3 * statistics.median(self.each)
        return {
            "calls": len(self.each),
            "latency_ms": latency,
            "calls_per_second": self.per_second,
            "memory_bytes": self.memory,
        }


def timed(
    prepare: Mapping[str, Callable[[], Callable[[], Any]]], calls: int, phase: Phases
) -> tuple[dict[str, Times], dict[str, str]]:
    """The times of each candidate, and why some could not be run.

    Args:
        prepare: makes each candidate's call.
        calls: how many are timed of each, beside those before that warm it up.
        phase: those of the command.
    """
    import torch

    prepared: dict[str, tuple[Callable[[], Any], int | None]] = {}
    failed = {}
    with torch.no_grad():
        for name, make in prepare.items():
            with phase(f"preparing {name}"):
                try:
                    prepared[name] = _warm(make)
                except Exception as error:  # whatever a candidate raises, the others go on
                    failed[name] = f"{type(error).__name__}: {error}".partition("\n")[0]
        each: dict[str, list[float]] = {name: [] for name in prepared}
        queued: dict[str, list[float]] = {name: [] for name in prepared}
        count = -(-calls // _ROUNDS)
        with phase("timing", steps=_ROUNDS) as done:
            for _ in range(_ROUNDS):
                for name, (call, _) in prepared.items():
                    each[name] += [_seconds(call, 1) for _ in range(count)]
                    queued[name].append(_seconds(call, count) / count)
                done()
    return {
        name: Times(tuple(sorted(each[name])), 1 / statistics.median(queued[name]), memory)
        for name, (_, memory) in prepared.items()
    }, failed


def _warm(make: Callable[[], Callable[[], Any]]) -> tuple[Callable[[], Any], int | None]:
    before = _free()
    call = make()
    for _ in range(_WARM_UP):
        call()
    after = _free()
    return call, None if before is None or after is None else max(before - after, 0)


def _seconds(call: Callable[[], Any], count: int) -> float:
    _wait()
    began = time.perf_counter()
    for _ in range(count):
        call()
    _wait()
    return time.perf_counter() - began


def _wait() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _free() -> int | None:
    """The bytes of the GPU that nobody has; None without one."""
    import torch

    if not torch.cuda.is_available():
        return None
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    return int(torch.cuda.mem_get_info()[0])
