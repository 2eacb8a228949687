"""Make the pictures of docs/screens from real runs: what commands print, and a report in a browser.

    python tools/screens.py [NAME ...]

Everything runs in a folder of its own, on the model that docs/command_line.md shows. What names a machine is refused.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.text import Text

ROOT: Final = Path(__file__).parent.parent
SCREENS: Final = ROOT / "docs" / "screens"
MODEL: Final = ROOT / "docs" / "command_line.md"
_RESNET: Final = "torchvision:resnet18"
_FILE: Final = f"convert {_RESNET} resnet18.trt --input 1x3x224x224"
#: no part of a picture: folders of whoever made it
_FOLDERS: Final = ("/root", "/tmp", "/home", "/Users", str(Path.home()), str(ROOT))


class Screen(NamedTuple):
    """A picture of a terminal."""

    #: the command, without ``torch2trt``
    command: str
    #: characters in a line
    width: int = 100
    #: commands to run before
    after: tuple[str, ...] = ()


def commands(gpu: bool) -> dict[str, Screen]:
    """The commands that are shown, by the names of their pictures.

    Args:
        gpu: whether engines run here; without a GPU, PyTorch runs the file that is timed.
    """
    file = _FILE if gpu else f"{_FILE} --fallback --run-in-torch ResNet"
    return {
        "doctor": Screen("doctor"),
        "packs": Screen("packs", 80),
        "converters": Screen("converters --target aten.hardswish.default"),
        "explain": Screen("explain model:make --fallback", 140),
        "bench": Screen(f"bench resnet18.trt --model {_RESNET} --calls 50", 124, (file,)),
    }


#: the command whose report is looked at
REPORT: Final = "compare model:make --fallback --report report.html"
#: of each picture of it the width and height of the window, and whether it is dark
WINDOWS: Final = {
    "report-desktop-light": (1280, 2740, False),
    "report-desktop-dark": (1280, 1400, True),
    "report-phone-light": (390, 1400, False),
    "report-phone-dark": (390, 1400, True),
}
#: a browser's own window is never as narrow as a phone
_FRAME: Final = '<body style="margin: 0"><iframe src="report.html" width="{}" height="{}" style="border: 0"></iframe>'


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """The Python examples of a page that are files: their names, which their first lines are, and their text."""
    for match in re.finditer(r"^```python\n# (\w+\.py)\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        yield match[1], match[2]


def private(text: str) -> list[str]:
    """What of a text is nobody else's business."""
    names = [name for name in (platform.node(), os.environ.get("USER")) if name]
    named = [name for name in names if re.search(rf"\b{re.escape(name)}\b", text)]
    return [folder for folder in _FOLDERS if folder in text] + named


def drawn(command: str, output: str, width: int, title: str) -> str:
    """The picture of a terminal that ran a command: its output with ANSI escapes, in SVG."""
    # packs are installed where they are installed
    output = re.sub(r"(?<=\s)/\S*/(?=torch2trt\w*/)", "…/", output)
    with open(os.devnull, "w") as nowhere:
        console = Console(record=True, width=width, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(Text(f"$ torch2trt {command}", style="bold"))
        console.print(Text.from_ansi(output.rstrip("\n")))
    if found := private(console.export_text(clear=False)):
        raise SystemExit(f"the output of {command!r} has {', '.join(found)} in it:\n{output}")
    picture = console.export_svg(title=title, unique_id="screen")
    # a page must not need the font that rich would have it download
    picture = re.sub(r" *@font-face \{.*?\}\n", "", picture, flags=re.DOTALL)
    return re.sub(r"[ \t]+$", "", picture, flags=re.MULTILINE)


def ran(command: str, folder: Path, width: int) -> str:
    """What a command prints on a terminal of that width."""
    own = {"COLUMNS": str(width), "FORCE_COLOR": "1", "TERM": "xterm-256color", "HOME": str(folder)}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TORCH2TRT_", "XDG_"))}
    words = [sys.executable, "-m", "torch2trt", *shlex.split(command)]
    done = subprocess.run(words, cwd=folder, env={**environment, **own}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command!r} failed:\n{done.stderr}")
    return done.stdout


def photographed(folder: Path, name: str) -> None:
    """Take the pictures of a report in Chromium."""
    from PIL import Image

    sys.path.insert(0, str(ROOT))
    from tests.browser import CHROMIUM, browse

    width, height, dark = WINDOWS[name]
    if CHROMIUM is None:
        raise SystemExit("the report is looked at in Chromium, which is not installed")
    frame, picture = folder / "frame.html", folder / "frame.png"
    frame.write_text(_FRAME.format(width, height), "utf-8")
    options = ("--hide-scrollbars", "--force-device-scale-factor=1.5", f"--screenshot={picture}")
    browse(frame, *options, width=max(width, 500), height=height, dark=dark)
    with Image.open(picture) as taken:
        taken.crop((0, 0, width * 3 // 2, height * 3 // 2)).save(SCREENS / f"{name}.webp", quality=80, method=6)


def main(names: list[str]) -> None:
    """Make the pictures of these names, or all."""
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    screens = commands(bool(gpu))
    if unknown := set(names) - {*screens, *WINDOWS}:
        raise SystemExit(f"no picture is called {', '.join(unknown)}; there are {', '.join((*screens, *WINDOWS))}")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for file, text in blocks(MODEL.read_text("utf-8")):
            (folder / file).write_text(text, "utf-8")
        for name, (command, width, after) in screens.items():
            if not names or name in names:
                for before in after:
                    ran(before, folder, width)
                title = (gpu or "no GPU, so PyTorch runs the file") if name == "bench" else ""
                picture = drawn(command, ran(command, folder, width), width, title)
                (SCREENS / f"{name}.svg").write_text(picture, "utf-8")
        if windows := [name for name in WINDOWS if not names or name in names]:
            ran(REPORT, folder, 100)
            if found := private((folder / "report.html").read_text("utf-8")):
                raise SystemExit(f"the report has {', '.join(found)} in it")
            for name in windows:
                photographed(folder, name)


if __name__ == "__main__":
    main(sys.argv[1:])
