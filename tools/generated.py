"""Pages that a tool writes."""

import sys
from pathlib import Path


def write_or_check(page: Path, text: str) -> int:
    """Write ``text``; with ``--check`` on the command line, only say by the exit status whether it is there."""
    if "--check" in sys.argv[1:]:
        return int(page.read_text() != text)
    page.write_text(text)
    return 0
