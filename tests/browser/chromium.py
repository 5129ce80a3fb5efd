"""Debian's own Chromium: where it is and how it is started. Tests and the script of screenshots share it."""

import os
import shutil

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
INSTALL = "pip install playwright axe-playwright-python, apt install chromium fonts-noto-core fonts-noto-cjk"


def find() -> str | None:
    """Give the path of the browser, if this machine has one."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def options() -> list[str]:
    """Give its command line. Its own sandbox does not start as root, as which CI runs."""
    return [*_OPTIONS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
