"""The other side of ``worker``: start the process of a column, ask it, and bear with it when it crashes or hangs."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parent.parent


@dataclass(frozen=True)
class Environment:
    """The interpreter of a process, and folders whose packages come before those that it has."""

    python: str = sys.executable
    path: tuple[str, ...] = ()

    def variables(self, cache: str) -> dict[str, str]:
        """The environment variables: builds are measured, not what an earlier one has left on disk."""
        inherited = os.environ.get("PYTHONPATH")
        folders = [*self.path, str(SCRIPTS), *([inherited] if inherited else [])]
        caches = {"TORCH2TRT_CACHE_LIMIT": "0", "TORCHINDUCTOR_CACHE_DIR": cache}
        return {**os.environ, "PYTHONPATH": os.pathsep.join(folders), **caches}


class Worker:
    """A process that answers requests; use it in a ``with``, at whose end it is gone."""

    def __init__(self, environment: Environment) -> None:
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._log = Path(self._folder.name) / "log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [environment.python, "-m", "gpu.worker"],
                env=environment.variables(self._folder.name),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def ask(self, do: str, seconds: float, **arguments: Any) -> dict[str, Any]:
        """The answer to one request, or a ``failure``: the process's own, or that it ended or took too long."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        late = threading.Timer(seconds, self._kill)
        late.start()
        try:
            self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            in_time = not late.finished.is_set()
            late.cancel()
        if line.endswith("\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer
        if not in_time:
            return {"failure": f"no answer within {seconds:.0f} s{self._last_words()}"}
        return {"failure": f"the process ended with status {self._process.wait()}{self._last_words()}"}

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-5:]
        return f": {' | '.join(lines)[-1000:]}" if lines else ""

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()
        self._process.communicate()
        self._folder.cleanup()

    def _kill(self) -> None:
        """End the process and those that compile for it, which would keep its pipes open."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
