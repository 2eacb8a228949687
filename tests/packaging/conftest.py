"""The wheels of all distributions, and environments that have them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
from release import PROJECTS, ROOT


def build(folder, *projects):
    """Build wheels without a network."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), *map(str, projects)], check=True)
    return folder


def pip(python, *arguments):
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *map(str, arguments), "--quiet"], check=True)


def run(python, *arguments, **settings):
    """What an interpreter does that knows of no checkout."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHONPATH", "TORCH2TRT"))}
    folder, command = settings.pop("cwd", None), [str(python), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=plain | settings, cwd=folder, check=False)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    return build(tmp_path_factory.mktemp("dist"), *(ROOT / project for project in PROJECTS))
