"""A Triton server on this machine, which the wheel of nvidia-pytriton has; ``make triton`` puts it in ``build/triton``.

Its Python backend runs the Python of this environment, whichever packages that has.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

#: where ``make triton`` puts it
FOLDER = Path(__file__).parent.parent / "build/triton/pytriton/tritonserver"
_STUB = "triton_python_backend_stub"
_SECONDS = 120


def free_port() -> int:
    """A port that nobody listens to."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def serving(repository: Path, log: Path, folder: Path = FOLDER) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The port on the loopback of a server of the models that can be loaded, and its process.

    Args:
        repository: of models.
        log: the file for what it says.
        folder: where the server is.
    """
    backends, port = folder / "backends", free_port()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    shutil.copy2(folder / "python_backend_stubs" / version / _STUB, backends / "python" / _STUB)
    # the embedded interpreter takes the environment whose python3 is the first on the path, and not PYTHONPATH
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": path, "LD_LIBRARY_PATH": sysconfig.get_config_var("LIBDIR") or ""}
    places = [f"--model-repository={repository}", f"--backend-directory={backends}", f"--http-port={port}"]
    options = ["--http-address=127.0.0.1", "--allow-grpc=false", "--allow-metrics=false", "--exit-on-error=false"]
    options.append("--disable-auto-complete-config")  # for which it would start every model once more
    command = [str(folder / "bin" / "tritonserver"), *places, *options]
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT)
    try:
        _wait(port, process, log)
        yield port, process
    finally:
        process.terminate()
        process.wait()


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and process.poll() is None:
        with (
            contextlib.suppress(urllib.error.URLError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/live"),
        ):
            return
        time.sleep(0.2)
    raise RuntimeError(f"the Triton server does not answer:\n{log.read_text(errors='replace')[-5000:]}")
