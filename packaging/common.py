"""What the scripts of a release share: places, the version, hashes, the run of a tool."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PACKAGING: Final = Path(__file__).resolve().parent
ROOT: Final = PACKAGING.parent
REQUIREMENTS: Final = PACKAGING / "requirements"
[VERSION] = re.findall(r'^__version__ = "(\d+\.\d+\.\d+)"$', (ROOT / "src/carryover/__init__.py").read_text(), re.M)
DOWNLOADS: Final = f"https://github.com/carryover-dev/carryover/releases/download/v{VERSION}"


@dataclass(frozen=True, slots=True)
class Release:
    """The two Python packages, of which all others are made."""

    wheel: Path
    sdist: Path


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def with_hashes(release: Release) -> str:
    """Requirements of a private environment: the wheel beside them and each locked dependency, all by their hashes."""
    return f"./{release.wheel.name} --hash=sha256:{sha256(release.wheel)}\n" + (REQUIREMENTS / "run.txt").read_text(
        "utf-8"
    )


def filled(template: Path, **values: str) -> str:
    """The template with `@NAME@` replaced for each name of `values`."""
    text = template.read_text("utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def sources(wanted: str, *options: str) -> list[dict[str, str]]:
    """Name, address and SHA-256 of the source archive of each locked package that the file `wanted` asks for."""
    # The lock files have the hashes of all archives of a version; the index says which is the source, and where.
    tool = (sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--format", "pylock.toml", *options)
    packages = tomllib.loads(run(*tool, "--constraints", "dev.txt", wanted, cwd=REQUIREMENTS))["packages"]
    return [
        {"name": package["name"], "url": package["sdist"]["url"], "sha256": package["sdist"]["hashes"]["sha256"]}
        for package in packages
    ]


def run(*command: str, cwd: Path | None = None) -> str:
    """Standard output of a command that must succeed."""
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout
