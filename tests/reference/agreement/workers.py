"""Worker processes that each check a share of the networks, so that one can die or hang without ending the run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import generate
import torch
from engines import Log
from torch2trt._trt import trt

from .comparison import check

SCRIPT = Path(__file__).parent.parent / "engine_agreement.py"
SECONDS_PER_NETWORK = 60.0


def work(indices: list[int], path: Path) -> None:
    """In a worker: check the networks one after the other, writing a line before and after each."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    log = Log()
    builder, runtime, cases = trt.Builder(log), trt.Runtime(log), generate.cases()
    with path.open("a") as lines:
        for index in indices:
            lines.write(json.dumps({"index": index}) + "\n")
            lines.flush()
            try:
                result = check(builder, runtime, log, cases[index])
            except Exception as error:
                message = "; ".join((f"{type(error).__name__}: {error}", *log.messages))
                result = {"verdict": "error", "message": message[:1000]}
            lines.write(json.dumps({"index": index, **result}) + "\n")
            lines.flush()


def check_all(indices: list[int], workers: int, folder: Path, seconds: float) -> dict[int, dict[str, Any]]:
    """The results by index of what ``workers`` processes finish within ``seconds``."""
    shares = [_Share(indices[i::workers], folder / str(i)) for i in range(workers)]
    end = time.monotonic() + seconds
    while [share for share in shares if share.step()] and time.monotonic() < end:
        time.sleep(0.05)
    for share in shares:
        share.stop()
    return {index: entry for share in shares for index, entry in share.results.items()}


class _Share:
    """One worker's networks, and the process that checks them."""

    def __init__(self, indices: list[int], path: Path) -> None:
        self.left, self.path, self.results = indices, path, dict[int, dict[str, Any]]()
        self.process: subprocess.Popen[bytes] | None = None
        self.since = time.monotonic()

    def step(self) -> bool:
        """Look at the process once; False when every network is done."""
        if self.process is None:
            if not self.left:
                return False
            numbers = ",".join(map(str, self.left))
            command = [sys.executable, str(SCRIPT), "--worker", numbers, "--lines", str(self.path)]
            self.process, self.since = subprocess.Popen(command), time.monotonic()
            return True
        ended = self.process.poll() is not None
        begun = self._read()
        late = time.monotonic() - self.since > SECONDS_PER_NETWORK
        if ended or late:
            if not ended:
                self.stop()
            if self.left:
                index = begun if begun in self.left else self.left[0]
                why = f"process ended with {self.process.returncode}" if ended else "timeout"
                self._finish(index, {"verdict": "died", "message": why})
            self.process = None
        return True

    def stop(self) -> None:
        """End the process if it still runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _read(self) -> int | None:
        begun = None
        text = self.path.read_text() if self.path.exists() else ""
        for line in text.split("\n")[:-1]:  # the last line may be half written
            entry = json.loads(line)
            begun = entry["index"]
            if "verdict" in entry and begun in self.left:
                self._finish(begun, entry)
        return begun

    def _finish(self, index: int, entry: dict[str, Any]) -> None:
        self.results[index] = entry
        self.left.remove(index)
        self.since = time.monotonic()
