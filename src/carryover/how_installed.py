"""How this copy of Carryover was installed, so which command updates it, and whether a shell finds it."""

from __future__ import annotations

import os
import shlex
import site
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

import carryover
from carryover.errors import ExitCode, UserError

PACKAGE: Final = "carryoverd"
RELEASES: Final = "https://github.com/carryover-dev/carryover/releases"

_PACKAGES: Final = {
    "brew": ("Homebrew", f"brew upgrade {PACKAGE}", ""),
    "npm": ("npm", f"npm install --global {PACKAGE}@latest", ""),
    "dpkg": ("dpkg", f"sudo apt install ./{PACKAGE}_*.deb  # the newest of {RELEASES}", "sudo "),
    "pacman": (
        "pacman",
        f"git pull && makepkg -si  # in your clone of https://aur.archlinux.org/{PACKAGE}.git",
        "sudo ",
    ),
}
"""Packages that have their own environment, without pip, by the installer that they name in their metadata: what they
are, what updates them, and whether that needs more rights."""

ALL: Final = "all"
"""The extra that the README installs."""
ENCRYPTS: Final = "pyrage>=1.4,<2"
"""The package that this extra installs: it encrypts for `share` and `sync`."""


class HowInstalled(NamedTuple):
    """How a copy was installed, and what is done about it. Commands are for a POSIX shell."""

    by: str
    """In a few words, for people."""
    update: str
    """The command that updates this copy."""
    complete: str
    """The command that adds the package for encryption to this copy."""
    find: str = ""
    """What makes a shell find the copy, as the beginning of a sentence; empty if its folder has to be on PATH."""


def how_installed() -> HowInstalled:
    """Returns how the running copy was installed."""
    found = _metadata()
    return deduced_from(
        python=Path(sys.executable),
        prefix=Path(sys.prefix),
        base_prefix=Path(sys.base_prefix),
        package=Path(carryover.__file__).parent,
        installed=found is not None,
        installer=_read(found, "INSTALLER").decode("utf-8", "replace").strip(),
        direct_url=_read(found, "direct_url.json"),
        user_packages=Path(site.getusersitepackages()),
    )


def encrypting_is_missing() -> UserError:
    """Returns the error (REFUSED) that names the command to install the package for encryption."""
    return UserError(
        f"Encrypting needs a package that is not installed: {ENCRYPTS!r}. "
        f"Run `{how_installed().complete}`, then run the command again.",
        ExitCode.REFUSED,
    )


def own_scripts() -> Path:
    """Returns the folder that contains the running copy's commands. For a single user, pip puts them elsewhere."""
    import sysconfig

    user = Path(sysconfig.get_path("scripts", f"{os.name}_user"))
    package = Path(carryover.__file__)
    of_user = package.is_relative_to(site.getusersitepackages())
    return _kept_by_homebrew(user if of_user else Path(sysconfig.get_path("scripts")))


def own_command(name: str, module: str) -> tuple[str, ...]:
    """Returns the words that start one of the running copy's commands: its `module`, if that is run from a checkout and
    not installed. Not the first of that name on PATH, which may be another installation's."""
    script = own_scripts() / name
    return (str(script),) if os.access(script, os.X_OK) else (sys.executable, "-m", module)


def own_python() -> Path:
    """Returns the interpreter that runs this copy, which hooks start."""
    python = Path(sys.executable)
    return _kept_by_homebrew(python.parent) / python.name


def _kept_by_homebrew(folder: Path) -> Path:
    """Returns the path at which Homebrew has `folder` in every version: an upgrade removes the one with the version."""
    for cellar in folder.parents:
        if cellar.name == "Cellar":
            formula, _version, *inside = folder.relative_to(cellar).parts
            linked = cellar.parent.joinpath("opt", formula, *inside)
            return linked if linked.is_dir() else folder
    return folder


def deduced_from(
    *,
    python: Path,
    prefix: Path,
    base_prefix: Path,
    package: Path,
    installed: bool,
    installer: str = "",
    direct_url: bytes = b"",
    user_packages: Path | None = None,
) -> HowInstalled:
    """Deduces how a copy was installed, and the command that updates it.

    `python` is the interpreter that runs it; `base_prefix` differs from `prefix` inside a virtual environment;
    `package` is the folder of the package `carryover`. `installed`: whether there is metadata of a distribution, which
    names the `installer` (`pip`, `uv`, or that of a package that brings its environment along), and has a `direct_url`,
    unless the copy is from a package index.
    """
    url = _direct_url(direct_url)
    interpreter, env = shlex.quote(str(python)), shlex.quote(prefix.name)
    wanted, everything = (shlex.quote(_wanted(url, extra)) for extra in ("", f"[{ALL}]"))
    added = shlex.quote(ENCRYPTS)
    pip = f"{interpreter} -m pip install"
    if installer == "uv":  # an environment made by uv has no pip
        pip = f"uv pip install {'' if prefix != base_prefix else '--system '}--python {interpreter}"
    if not installed:
        tops = (folder for folder in package.parents if (folder / "pyproject.toml").is_file())
        pull = f"git -C {shlex.quote(str(next(tops, package.parent)))} pull"
        return HowInstalled("not installed, run from its source", pull, f"{pip} {added}")
    if installer in _PACKAGES:
        by, update, sudo = _PACKAGES[installer]
        return HowInstalled(by, update, f"{sudo}python3 -m pip --python {interpreter} install {added}")
    folder = url.get("dir_info") if url is not None else None
    checkout = shlex.quote(str(_path_of(url["url"]))) if url is not None else ""
    pull = "" if folder is None else f"git -C {checkout} pull && "
    if folder is not None and folder.get("editable"):
        return HowInstalled("editable checkout", f"{pull}{pip} -e {checkout}", f"{pip} -e {everything}")
    # Both leave a file in the environment, and remember where the package came from, but copy a folder again without
    # pulling (pipx 1.18, uv 0.13). They identify an environment by its own name, which can differ from the package's
    # (`pipx install --suffix`).
    if (prefix / "pipx_metadata.json").is_file():
        again = f"pipx install --force {everything}"
        return HowInstalled("pipx", f"{pull}pipx upgrade {env}", again, "Run `pipx ensurepath`")
    if (prefix / "uv-receipt.toml").is_file():
        again = f"uv tool install {everything}"
        return HowInstalled("uv tool", f"{pull}uv tool upgrade {env}", again, "Run `uv tool update-shell`")
    if prefix.parent.name.startswith("archive-v"):  # an environment in uv's cache, which uv may remove
        again = f"uv tool install {PACKAGE}"
        return HowInstalled("uvx", again, f"uv tool install {everything}", f"Run `{again}`")
    by, into = "virtual environment", ""
    if prefix == base_prefix:
        is_of_user = user_packages is not None and package.is_relative_to(user_packages)
        by, into = ("pip, for this user", "--user ") if is_of_user else ("pip, for all users", "")
    return HowInstalled(by, f"{pull}{pip} {into}--upgrade {wanted}", f"{pip} {into}{everything}")


def _metadata() -> Path | None:
    """Returns the folder of the installed distribution's metadata: what importlib.metadata finds, which takes 15 ms to
    import."""
    for folder in sys.path:
        found = next(Path(folder or ".").glob(f"{PACKAGE}-*.dist-info"), None)
        if found is not None:
            return found
    return None


def _read(metadata: Path | None, name: str) -> bytes:
    try:
        return (metadata / name).read_bytes() if metadata is not None else b""
    except OSError:
        return b""


def _direct_url(data: bytes) -> Mapping[str, Any] | None:
    """Laid out as in the packaging specification "Recording the Direct URL Origin of installed distributions"."""
    import json

    try:
        given = json.loads(data) if data else None
    except ValueError:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("url"), str):
        return None
    infos = (given.get(name) for name in ("dir_info", "vcs_info"))
    return given if all(info is None or isinstance(info, dict) for info in infos) else None


def _wanted(url: Mapping[str, Any] | None, extra: str) -> str:
    """Returns what to install: the package from the index, or whatever the copy was installed from. `extra`: in
    brackets."""
    if url is None:
        return f"{PACKAGE}{extra}"
    address = str(url["url"])
    if vcs := (url.get("vcs_info") or {}).get("vcs"):
        return f"{PACKAGE}{extra} @ {vcs}+{address}"
    return f"{_path_of(address)}{extra}" if address.startswith("file:") else f"{PACKAGE}{extra} @ {address}"


def _path_of(url: str) -> Path:
    return Path(unquote(urlsplit(url).path))


COMMAND: Final = "carryover"


class OnPath(NamedTuple):
    """Whether the shell finds this installation's command."""

    command: str = COMMAND
    """How to run it from the shell: its name, or its path."""
    problem: str | None = None
    """Why the name alone does not work, as a sentence."""
    remedy: str | None = None
    """What to do, as a sentence."""


def on_path(env: Mapping[str, str], how: HowInstalled, own: Path) -> OnPath:
    """Checks PATH. `own`: this installation's command, which another may shadow or PATH may lack."""
    import shutil

    found = shutil.which(COMMAND, path=env.get("PATH", ""))
    if not own.exists() or (found is not None and Path(found).resolve() == own.resolve()):
        return OnPath()
    command = shlex.quote(str(own))
    if found is not None:
        return OnPath(command, f"`{COMMAND}` is another installation here: {found}.", "Remove one of the two.")
    find = how.find or f"""Add `export PATH="{own.parent}:$PATH"` to your shell's profile"""
    remedy = f"{find}, then open a new shell."
    return OnPath(command, f"`{COMMAND}` is not on the PATH of this shell.", remedy)


@cache
def on_path_here() -> OnPath:
    """Checks the PATH of the running process."""
    return on_path(os.environ, how_installed(), own_scripts() / COMMAND)
