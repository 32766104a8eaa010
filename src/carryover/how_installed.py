"""How this copy of Carryover was installed, so which command updates it, and whether a shell finds it."""

from __future__ import annotations

import os
import shlex
import site
import sys
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import unquote, urlsplit

import carryover
from carryover.errors import ExitCode, UserError

InstallKind = Literal[
    "pipx", "uv tool", "uvx", "editable", "venv", "user", "system", "source", "Homebrew", "npm", "dpkg", "pacman"
]
"""How a copy was installed.

venv, user, system: by pip (or `uv pip`) into a virtual environment, the user's own packages, or the interpreter's.
editable: from a checkout, whose files are run directly. source: not installed at all.
"""

PACKAGE: Final = "carryoverd"
RELEASES: Final = "https://github.com/carryover-dev/carryover/releases"

_COMPLETE: Final = "{pip} {everything}"
_COMPLETE_BY_UV: Final = "uv tool install {everything}"
_COMPLETE_WITHOUT_PIP: Final = "python3 -m pip --python {python} install {extras}"


class _Way(NamedTuple):
    """What is done about a copy: commands with placeholders that are quoted for a POSIX shell."""

    update: str
    complete: str = _COMPLETE
    """Installs what the extras ask for."""
    find: str = """Add `export PATH="{folder}:$PATH"` to your shell's profile"""
    """Makes a shell find the copy, as the beginning of a sentence."""
    by: str = ""
    """The kind in a few words, if its name does not say it."""


_WAYS: Final[Mapping[InstallKind, _Way]] = {
    "pipx": _Way("pipx upgrade {env}", "pipx install --force {everything}", "Run `pipx ensurepath`"),
    "uv tool": _Way("uv tool upgrade {env}", _COMPLETE_BY_UV, "Run `uv tool update-shell`"),
    "uvx": _Way(f"uv tool install {PACKAGE}", _COMPLETE_BY_UV, f"Run `uv tool install {PACKAGE}`"),
    "editable": _Way("git -C {checkout} pull && {pip} -e {checkout}", "{pip} -e {everything}", by="editable checkout"),
    "venv": _Way("{pip} --upgrade {wanted}", by="virtual environment"),
    "user": _Way("{pip} --user --upgrade {wanted}", "{pip} --user {everything}", by="pip, for this user"),
    "system": _Way("{pip} --upgrade {wanted}", by="pip, for all users"),
    "source": _Way("git -C {checkout} pull", "{pip} {extras}", by="not installed, run from its source"),
    "Homebrew": _Way(f"brew upgrade {PACKAGE}", _COMPLETE_WITHOUT_PIP),
    "npm": _Way(f"npm install --global {PACKAGE}@latest", _COMPLETE_WITHOUT_PIP),
    "dpkg": _Way(f"sudo apt install ./{PACKAGE}_*.deb  # the newest of {RELEASES}", f"sudo {_COMPLETE_WITHOUT_PIP}"),
    "pacman": _Way(
        f"git pull && makepkg -si  # in your clone of https://aur.archlinux.org/{PACKAGE}.git",
        f"sudo {_COMPLETE_WITHOUT_PIP}",
    ),
}
_COPIES: Final[Collection[InstallKind]] = ("pipx", "uv tool", "venv", "user", "system")
"""Ways that copy the files of a checkout if given its folder, and again to update (pipx 1.18, uv 0.13)."""
_PULL: Final = "git -C {checkout} pull && "
_PACKAGES: Final[Mapping[str, InstallKind]] = {"brew": "Homebrew", "npm": "npm", "dpkg": "dpkg", "pacman": "pacman"}
"""Packages that have their own environment, without pip, by the installer that they name in their metadata."""

ALL: Final = "all"
"""The extra that has all others."""


class Extra(NamedTuple):
    """What can be left out of an installation. `what` needs it, as the beginning of a sentence."""

    what: str
    requirement: str
    module: str
    """A module that it brings."""

    def missing(self) -> UserError:
        """Returns the error (REFUSED) that names the command which installs it."""
        return UserError(
            f"{self.what} needs a package that is not installed: {self.requirement!r}. "
            f"Run `{completing(_facts())}`, then this again.",
            ExitCode.REFUSED,
        )


MCP: Final = Extra("The MCP server", "mcp>=2,<3", "mcp_types")  # earlier versions of the SDK lack this module
SYNC: Final = Extra("Encrypting", "pyrage>=1.4,<2", "pyrage")
EXTRAS: Final[Mapping[str, Extra]] = {"mcp": MCP, "sync": SYNC}


class HowInstalled(NamedTuple):
    """`update`: the command that updates this copy, for a POSIX shell."""

    kind: InstallKind
    update: str

    @property
    def by(self) -> str:
        """The kind in a few words, for people."""
        return _WAYS[self.kind].by or self.kind


class InstallationFacts(NamedTuple):
    """The facts from which the kind of installation is deduced."""

    python: Path
    """The interpreter that runs it."""
    prefix: Path
    base_prefix: Path
    """Differs from `prefix` inside a virtual environment."""
    package: Path
    """The folder of the package `carryover`."""
    installed: bool
    """Whether there is metadata of an installed distribution."""
    installer: str = ""
    """The installer that the metadata names: `pip`, `uv`, or one of `_PACKAGES`."""
    direct_url: bytes = b""
    """`direct_url.json` from the metadata; empty for a copy from a package index."""
    user_packages: Path | None = None


class _DirectUrl(NamedTuple):
    """Laid out as in the packaging specification "Recording the Direct URL Origin of installed distributions"."""

    url: str
    dir_info: Mapping[str, Any] | None = None
    vcs_info: Mapping[str, Any] | None = None


def how_installed() -> HowInstalled:
    """Returns how the running copy was installed."""
    return deduced_from(_facts())


def require_mcp() -> None:
    """Raises UserError (REFUSED), with the command that installs it, if the SDK for MCP servers is missing."""
    if not has_mcp():
        raise MCP.missing()


def command_for_mcp() -> str | None:
    """Returns the command that installs the SDK for MCP servers; None if it is there."""
    return None if has_mcp() else completing(_facts())


def has_mcp() -> bool:
    """Whether the SDK for MCP servers is there. It is not imported, as that takes a second."""
    from importlib.util import find_spec

    return find_spec(MCP.module) is not None


def completing(facts: InstallationFacts) -> str:
    """Returns the command that installs what the extras ask for, where this copy is."""
    return _filled(_WAYS[_kind(facts)].complete, facts)


def own_scripts() -> Path:
    """Returns the folder that contains the running copy's commands. For a single user, pip puts them elsewhere."""
    import sysconfig

    user = Path(sysconfig.get_path("scripts", f"{os.name}_user"))
    package = Path(carryover.__file__)
    of_user = package.is_relative_to(site.getusersitepackages())
    return _kept_by_homebrew(user if of_user else Path(sysconfig.get_path("scripts")))


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


def deduced_from(facts: InstallationFacts) -> HowInstalled:
    """Deduces how a copy was installed, and the command that updates it."""
    kind, url = _kind(facts), _direct_url(facts.direct_url)
    is_copy = kind in _COPIES and url is not None and url.dir_info is not None
    return HowInstalled(kind=kind, update=_filled(f"{_PULL if is_copy else ''}{_WAYS[kind].update}", facts))


def _kind(facts: InstallationFacts) -> InstallKind:
    url = _direct_url(facts.direct_url)
    if not facts.installed:
        return "source"
    if facts.installer in _PACKAGES:
        return _PACKAGES[facts.installer]
    if url is not None and url.dir_info is not None and url.dir_info.get("editable"):
        return "editable"
    # Both leave a file in the environment, and remember where the package came from. They identify an
    # environment by its own name, which can differ from the package's (`pipx install --suffix`).
    if (facts.prefix / "pipx_metadata.json").is_file():
        return "pipx"
    if (facts.prefix / "uv-receipt.toml").is_file():
        return "uv tool"
    if facts.prefix.parent.name.startswith("archive-v"):  # an environment in uv's cache, which uv may remove
        return "uvx"
    if facts.prefix != facts.base_prefix:
        return "venv"
    is_of_user = facts.user_packages is not None and facts.package.is_relative_to(facts.user_packages)
    return "user" if is_of_user else "system"


def _filled(command: str, facts: InstallationFacts) -> str:
    url = _direct_url(facts.direct_url)
    python = shlex.quote(str(facts.python))
    parents = (folder for folder in facts.package.parents if (folder / "pyproject.toml").is_file())
    checkout = _path_of(url.url) if facts.installed and url is not None else next(parents, facts.package.parent)
    pip = f"{python} -m pip install"
    if facts.installer == "uv":  # an environment made by uv has no pip
        pip = f"uv pip install {'' if facts.prefix != facts.base_prefix else '--system '}--python {python}"
    named = {
        "env": facts.prefix.name,
        "checkout": str(checkout),
        "wanted": _wanted(url),
        "everything": _wanted(url, f"[{ALL}]"),
    }
    quoted = {name: shlex.quote(value) for name, value in named.items()}
    return command.format(
        pip=pip, python=python, extras=shlex.join(extra.requirement for extra in EXTRAS.values()), **quoted
    )


def _facts() -> InstallationFacts:
    found = _metadata()
    return InstallationFacts(
        python=Path(sys.executable),
        prefix=Path(sys.prefix),
        base_prefix=Path(sys.base_prefix),
        package=Path(carryover.__file__).parent,
        installed=found is not None,
        installer=_read(found, "INSTALLER").decode("utf-8", "replace").strip(),
        direct_url=_read(found, "direct_url.json"),
        user_packages=Path(site.getusersitepackages()),
    )


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


def _direct_url(data: bytes) -> _DirectUrl | None:
    import json

    try:
        given = json.loads(data) if data else None
    except ValueError:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("url"), str):
        return None
    infos = [given.get(name) for name in ("dir_info", "vcs_info")]
    if not all(info is None or isinstance(info, dict) for info in infos):
        return None
    return _DirectUrl(given["url"], *infos)


def _wanted(url: _DirectUrl | None, extra: str = "") -> str:
    """Returns what to install: the package from the index, or whatever the copy was installed from. `extra`: in
    brackets."""
    if url is None:
        return f"{PACKAGE}{extra}"
    if url.vcs_info is not None and (vcs := url.vcs_info.get("vcs")):
        return f"{PACKAGE}{extra} @ {vcs}+{url.url}"
    return f"{_path_of(url.url)}{extra}" if url.url.startswith("file:") else f"{PACKAGE}{extra} @ {url.url}"


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
    remedy = f"{_WAYS[how.kind].find.format(folder=own.parent)}, then open a new shell."
    return OnPath(command, f"`{COMMAND}` is not on the PATH of this shell.", remedy)


@cache
def on_path_here() -> OnPath:
    """Checks the PATH of the running process."""
    return on_path(os.environ, how_installed(), own_scripts() / COMMAND)
