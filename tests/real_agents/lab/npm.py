"""Clients from the npm registry, each version in a folder of its own in the cache.

Install scripts are not run (`--ignore-scripts`): nothing of a client is executed outside a box. Only the package asked
for, at exactly that version.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).parents[3]


ENVIRONMENT: Final = dict(os.environ)
"""The settings npm finds (registry, proxy) are those of the run, taken before a test changes them."""


class NotInstalled(Exception):
    """npm could not get the package; says why."""


def cache_dir() -> Path:
    """Where clients and running boxes lie: `.cache/agents` in the checkout, moved by CARRYOVER_AGENT_CACHE."""
    return Path(os.environ.get("CARRYOVER_AGENT_CACHE") or CHECKOUT / ".cache" / "agents").resolve()


def installed(package: str, version: str) -> Path:
    """The folder of that package, fetched on first use. Raises NotInstalled."""
    home = cache_dir() / "npm" / f"{package.replace('/', '+')}@{version}"
    if not home.exists():
        _install(f"{package}@{version}", home)
    return home / "node_modules" / package


def _install(spec: str, home: Path) -> None:
    """Fetches into a folder beside `home` and renames it, so that a folder with the final name is always complete."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="fetching-") as folder:
        arriving = Path(folder) / "arriving"
        arriving.mkdir()
        (arriving / "package.json").write_text("{}")
        options = ["--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", f"--cache={folder}/npm-cache"]
        command = ["npm", "install", *options, spec]
        ran = subprocess.run(command, cwd=arriving, env=ENVIRONMENT, capture_output=True, text=True)
        if ran.returncode:
            raise NotInstalled(f"npm could not install {spec}: {_first_error(ran.stderr)}")
        try:
            arriving.rename(home)
        except OSError:  # another run was first
            shutil.rmtree(arriving)


def _first_error(text: str) -> str:
    """npm prints its error's code, then what it means, then hints."""
    errors = [line.removeprefix("npm error ") for line in text.splitlines() if line.startswith("npm error ")]
    said = [line for line in errors if not line.startswith("code ")]
    return (said or ["it said nothing"])[0]
