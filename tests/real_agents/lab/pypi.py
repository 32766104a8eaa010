"""Clients from PyPI, each version in a virtual environment of its own in the cache.

Only wheels are installed: nothing of a client is executed outside a box.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from real_agents.lab.npm import NotInstalled, cache_dir

ENVIRONMENT: Final = dict(os.environ)
"""The settings pip finds (index, proxy) are those of whoever runs the tests, taken before a test changes them."""


def installed(package: str, version: str) -> Path:
    """The folder of the environment, made on first use. Raises NotInstalled."""
    home = cache_dir() / "pypi" / f"{package}@{version}"
    if not (home / "complete").exists():
        _install(f"{package}=={version}", home)
    return home


def _install(spec: str, home: Path) -> None:
    """An environment knows its own path, so it is made where it stays, and marked when it is complete."""
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="fetching-") as cache:
        for command in (
            (sys.executable, "-m", "venv", str(home)),
            (str(home / "bin" / "pip"), "install", "--quiet", "--only-binary", ":all:", f"--cache-dir={cache}", spec),
        ):
            ran = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
            if ran.returncode:
                errors = [line for line in ran.stderr.splitlines() if line.startswith("ERROR: ")]
                raise NotInstalled(f"pip could not install {spec}: {(errors or ['it said nothing'])[0]}")
    (home / "complete").touch()
