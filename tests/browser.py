"""Chromium without a window, for what has to be looked at."""

import shutil
import subprocess
import tempfile

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def browse(page, *options, width=1400, height=1000, dark=False):
    """Open a page; what Chromium prints of it, such as the document with ``"--dump-dom"``."""
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [
                *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"),
                *(f"--window-size={width},{height}", f"--blink-settings=preferredColorScheme={int(not dark)}"),
                *(*options, page.as_uri()),
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    return done.stdout
