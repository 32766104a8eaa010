"""Clients from PyPI, each version in a virtual environment of its own in the cache.

Only wheels are installed: nothing of a client is executed outside a box.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Final

from real_agents.lab.npm import NotInstalled, cache_dir

ENVIRONMENT: Final = dict(os.environ)
"""The settings pip finds (index, proxy) are those of the run, taken before a test changes them."""


def installed(package: str, version: str, *, any_version_of: Collection[str] = ()) -> Path:
    """The folder of the environment, made on first use. Raises NotInstalled.

    `any_version_of`: packages it needs that are taken in any version, since the one it names has no wheel.
    """
    home = cache_dir() / "pypi" / f"{package}@{version}"
    if not (home / "complete").exists():
        _install(package, version, home, any_version_of)
    return home


def _install(package: str, version: str, home: Path, any_version_of: Collection[str]) -> None:
    """An environment knows its own path, so it is made where it stays, and marked when it is complete."""
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    spec = f"{package}=={version}"
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="fetching-") as cache:
        pip = (str(home / "bin" / "pip"), "install", "--quiet", "--only-binary", ":all:", f"--cache-dir={cache}")
        _run(spec, sys.executable, "-m", "venv", str(home))
        _run(spec, *pip, "--no-deps", spec)
        asked = f"import importlib.metadata as m; print('\\n'.join(m.requires({package!r})))"
        needs = _run(spec, str(home / "bin" / "python"), "-c", asked).splitlines()
        needed = [need for need in needs if "extra ==" not in need]
        _run(spec, *pip, *(_name(need) if _name(need) in any_version_of else need for need in needed))
    (home / "complete").touch()


def _name(need: str) -> str:
    return re.split(r"[^A-Za-z0-9_.-]", need, maxsplit=1)[0]


def _run(spec: str, *command: str) -> str:
    ran = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
    if ran.returncode:
        errors = [line for line in ran.stderr.splitlines() if line.startswith("ERROR: ")]
        raise NotInstalled(f"pip could not install {spec}: {(errors or ['it said nothing'])[-1]}")
    return ran.stdout
