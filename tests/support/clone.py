"""A throw-away clone of this checkout, in which a gate runs as it does here. Nothing is fetched for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).parents[2]
STAMPS: Final = (".installed", ".installed-dev", ".installed-fuzz")
"""What the Makefile takes for an environment that is ready."""
_CACHES: Final = (".mypy_cache", ".import_linter_cache")
"""Without them the first run of a tool would take minutes."""


def cloned(folder: Path) -> Path:
    """Returns a new clone of HEAD, below `folder`, with an environment of its own."""
    clone = folder / "checkout"
    subprocess.run(["git", "clone", "--quiet", str(CHECKOUT), str(clone)], check=True)
    for name in _CACHES:
        if (CHECKOUT / name).is_dir():
            shutil.copytree(CHECKOUT / name, clone / name)
    _environment(clone)
    if (Path(sys.prefix) / "release").is_dir():
        _release_tools(clone / ".venv" / "release")
    return clone


def _environment(clone: Path) -> None:
    """Makes `.venv`, which finds the clone's own source first and then all that is installed here."""
    here, there = Path(sys.prefix), clone / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(there)], check=True)
    packages = sysconfig.get_path("purelib")
    own = Path(sysconfig.get_path("purelib", vars={"base": str(there)}))
    # By a statement, since a path alone would leave out the .pth files there, and coverage begins in one.
    lines = (str(clone / "src"), f"import site; site.addsitedir({packages!r})")
    (own / "of_the_checkout.pth").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for tool in (here / "bin").iterdir():
        beside = there / "bin" / tool.name
        if not beside.exists() and tool.is_file():
            _copy_tool(tool, beside, here, there)
    for stamp in STAMPS:
        (there / stamp).touch()


def _copy_tool(tool: Path, beside: Path, here: Path, there: Path) -> None:
    content = tool.read_bytes()
    first = f"#!{here}/bin/python".encode()
    if content.startswith(first):
        beside.write_bytes(content.replace(first, f"#!{there}/bin/python".encode(), 1))
        beside.chmod(0o755)
    else:
        beside.symlink_to(tool)


def _release_tools(there: Path) -> None:
    there.mkdir()
    for entry in (Path(sys.prefix) / "release").iterdir():
        if entry.name != ".installed":
            (there / entry.name).symlink_to(entry)
    (there / ".installed").touch()
