"""The pictures of the documentation: commands that there are, files that pages show, and nothing of whoever made them."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import typer
from torch2trt.cli import app

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_spec = importlib.util.spec_from_file_location("screens", ROOT / "tools/screens.py")
screens = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(screens)


def test_the_commands_of_the_pictures_are_ones_that_the_command_line_takes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("resnet18.trt").touch()  # bench wants a file that is there
    shown = [screen for gpu in (False, True) for screen in screens.commands(gpu).values()]
    lines = {screens.REPORT, *(line for screen in shown for line in (screen.command, *screen.after))}
    group = typer.main.get_command(app)
    for line in lines:
        name, *words = shlex.split(line)
        group.commands[name].make_context(name, words)  # raises a usage error


def test_the_model_of_the_pictures_is_the_page_s():
    ((name, text),) = screens.blocks(screens.MODEL.read_text("utf-8"))
    assert name == "model.py"
    assert "def make():" in text


def test_pages_show_every_picture_and_each_is_there():
    made = {f"{name}.svg" for name in screens.commands(False)} | {f"{name}.webp" for name in screens.WINDOWS}
    assert {path.name for path in screens.SCREENS.iterdir()} == made
    shown = {
        (page.parent / path).resolve()
        for page in PAGES
        for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text("utf-8"))
    }
    assert {path for path in shown if path.parent == screens.SCREENS} == set(screens.SCREENS.iterdir())
    assert all(path.is_file() for path in shown)
    assert sum(path.stat().st_size for path in screens.SCREENS.iterdir()) < 1.5e6


@pytest.mark.parametrize("name", screens.commands(False))
def test_a_picture_needs_no_network_and_names_no_machine(name):
    text = (screens.SCREENS / f"{name}.svg").read_text("utf-8")
    assert not re.findall(r"/root|/tmp|/home|/Users|url\((?!#)|@import|<script|href", text)
    assert screens.commands(False)[name].command.split()[0] in text


def test_a_picture_is_refused_that_would_show_a_folder():
    picture = screens.drawn("packs", "\x1b[1mbase\x1b[0m  /any/where/torch2trt_ops_base/activation.py:3\n", 80, "here")
    assert "…/torch2trt_ops_base/activation.py:3" in picture
    assert "/any/where" not in picture
    with pytest.raises(SystemExit, match="has /tmp in it"):
        screens.drawn("doctor", "the cache is in /tmp/me\n", 80, "")
