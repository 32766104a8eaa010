"""How this copy of Carryover was installed, so which command updates it, and whether a shell finds it."""

from __future__ import annotations

import os
import shlex
import shutil
import site
import sys
import sysconfig
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

import msgspec

import carryover
from carryover.errors import ExitCode, UserError

Kind = Literal[
    "pipx", "uv tool", "uvx", "editable", "venv", "user", "system", "source", "Homebrew", "npm", "dpkg", "pacman"
]
"""How a copy was installed.

venv, user, system: by pip (or `uv pip`) into a virtual environment, the user's own packages, or the interpreter's.
editable: from a checkout, whose files are run directly. source: not installed at all.
"""

NAME: Final = "carryoverd"
RELEASES: Final = "https://github.com/carryover-dev/carryover/releases"

_PACKAGES: Final[Mapping[str, tuple[Kind, str]]] = {
    "brew": ("Homebrew", f"brew upgrade {NAME}"),
    "npm": ("npm", f"npm install --global {NAME}@latest"),
    "dpkg": ("dpkg", f"sudo apt install ./{NAME}_*.deb  # the newest of {RELEASES}"),
    "pacman": ("pacman", f"git pull && makepkg -si  # in your clone of https://aur.archlinux.org/{NAME}.git"),
}
"""Kind and update of a package that has its own environment, by the installer that it names in its metadata."""


_IN_WORDS: Final[Mapping[Kind, str]] = {
    "editable": "editable checkout",
    "venv": "virtual environment",
    "user": "pip, for this user",
    "system": "pip, for all users",
    "source": "not installed, run from its source",
}


MCP_SDK: Final = "mcp>=2,<3"
"""What the extra `mcp` asks for."""
_MODULE_OF_SDK: Final = "mcp_types"
"""A module that earlier versions of the SDK lack."""


class HowInstalled(msgspec.Struct, frozen=True, kw_only=True):
    """`update`: the command that updates this copy, for a POSIX shell."""

    kind: Kind
    update: str

    @property
    def by(self) -> str:
        """The kind in a few words, for people."""
        return _IN_WORDS.get(self.kind, self.kind)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
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


class _FolderUrl(msgspec.Struct, frozen=True):
    editable: bool = False


class _VcsUrl(msgspec.Struct, frozen=True):
    vcs: str


class _DirectUrl(msgspec.Struct, frozen=True):
    """Laid out as in the packaging specification "Recording the Direct URL Origin of installed distributions"."""

    url: str
    dir_info: _FolderUrl | None = None
    vcs_info: _VcsUrl | None = None


def how_installed() -> HowInstalled:
    """Returns how the running copy was installed."""
    return deduced_from(_facts())


def require_mcp_sdk() -> None:
    """Raises UserError (REFUSED), with the command that installs it, if the SDK for MCP servers is missing."""
    command = command_for_mcp_sdk()
    if command is not None:
        raise UserError(
            f"The MCP server needs the package {MCP_SDK!r}, which is not installed beside Carryover. "
            f"Nothing was changed. Run `{command}`, then this again.",
            ExitCode.REFUSED,
        )


def command_for_mcp_sdk() -> str | None:
    """Returns the command that installs the SDK for MCP servers; None if it is there."""
    return adding(MCP_SDK, _facts()) if find_spec(_MODULE_OF_SDK) is None else None


def adding(requirement: str, facts: Facts) -> str:
    """Returns the command that installs one more package beside this copy."""
    kind = deduced_from(facts).kind
    if kind == "pipx":
        return _command_line("pipx", "inject", facts.prefix.name, requirement)
    if kind in ("uv tool", "uvx"):
        return _command_line("uv", "tool", "install", "--with", requirement, _wanted(_direct_url(facts.direct_url)))
    if facts.installer in _PACKAGES:  # its environment has no pip
        sudo = ("sudo",) if kind in ("dpkg", "pacman") else ()
        return _command_line(*sudo, "python3", "-m", "pip", "--python", facts.python, "install", requirement)
    return _pip(facts, *(("--user",) if kind == "user" else ()), requirement)


def version_line(program: str) -> str:
    """`program`, its version, how it was installed and where; the answer to `--version`."""
    return f"{program} {carryover.__version__} ({how_installed().by}, {Path(carryover.__file__).parent})"


def own_scripts() -> Path:
    """Returns the folder that contains the running copy's commands. For a single user, pip puts them elsewhere."""
    user = Path(sysconfig.get_path("scripts", f"{os.name}_user"))
    package = Path(carryover.__file__)
    return user if package.is_relative_to(site.getusersitepackages()) else Path(sysconfig.get_path("scripts"))


def deduced_from(facts: Facts) -> HowInstalled:
    """Deduces how a copy was installed, and the command that updates it."""
    if not facts.installed:
        checkout = _checkout_of(facts.package)
        return HowInstalled(kind="source", update=_command_line("git", "-C", checkout, "pull"))
    if facts.installer in _PACKAGES:
        kind, update = _PACKAGES[facts.installer]
        return HowInstalled(kind=kind, update=update)
    url = _direct_url(facts.direct_url)
    if url is not None and url.dir_info is not None and url.dir_info.editable:
        checkout = _path_of(url.url)
        update = f"{_command_line('git', '-C', checkout, 'pull')} && {_pip(facts, '-e', str(checkout))}"
        return HowInstalled(kind="editable", update=update)
    # Both leave a file in the environment, and remember where the package came from. They identify an
    # environment by its own name, which can differ from the package's (`pipx install --suffix`).
    if (facts.prefix / "pipx_metadata.json").is_file():
        return HowInstalled(kind="pipx", update=_command_line("pipx", "upgrade", facts.prefix.name))
    if (facts.prefix / "uv-receipt.toml").is_file():
        return HowInstalled(kind="uv tool", update=_command_line("uv", "tool", "upgrade", facts.prefix.name))
    if facts.prefix.parent.name.startswith("archive-v"):  # an environment in uv's cache, which uv may remove
        return HowInstalled(kind="uvx", update=f"uv tool install {NAME}")
    if facts.prefix != facts.base_prefix:
        return HowInstalled(kind="venv", update=_pip(facts, "--upgrade", _wanted(url)))
    if facts.user_packages is not None and facts.package.is_relative_to(facts.user_packages):
        return HowInstalled(kind="user", update=_pip(facts, "--user", "--upgrade", _wanted(url)))
    return HowInstalled(kind="system", update=_pip(facts, "--upgrade", _wanted(url)))


def _facts() -> Facts:
    from importlib import metadata  # takes 10 ms, and most commands need only the folders above

    try:
        found: metadata.Distribution | None = metadata.distribution(NAME)
    except metadata.PackageNotFoundError:
        found = None
    return Facts(
        python=Path(sys.executable),
        prefix=Path(sys.prefix),
        base_prefix=Path(sys.base_prefix),
        package=Path(carryover.__file__).parent,
        installed=found is not None,
        installer=(found.read_text("INSTALLER") or "").strip() if found is not None else "",
        direct_url=(found.read_text("direct_url.json") or "").encode() if found is not None else b"",
        user_packages=Path(site.getusersitepackages()),
    )


def _direct_url(data: bytes) -> _DirectUrl | None:
    try:
        return msgspec.json.decode(data, type=_DirectUrl) if data else None
    except msgspec.MsgspecError:
        return None


def _wanted(url: _DirectUrl | None) -> str:
    """Returns what to install: the package from the index, or whatever the copy was installed from."""
    if url is None:
        return NAME
    if url.vcs_info is not None:
        return f"{NAME} @ {url.vcs_info.vcs}+{url.url}"
    return str(_path_of(url.url)) if url.url.startswith("file:") else f"{NAME} @ {url.url}"


def _pip(facts: Facts, *args: str) -> str:
    if facts.installer == "uv":  # an environment made by uv has no pip
        where = "--python" if facts.prefix != facts.base_prefix else "--system --python"
        return f"uv pip install {where} {_command_line(facts.python, *args)}"
    return _command_line(facts.python, "-m", "pip", "install", *args)


def _checkout_of(package: Path) -> Path:
    return next((folder for folder in package.parents if (folder / "pyproject.toml").is_file()), package.parent)


def _path_of(url: str) -> Path:
    return Path(unquote(urlsplit(url).path))


def _command_line(*arguments: str | Path) -> str:
    return shlex.join(str(argument) for argument in arguments)


COMMAND: Final = "carryover"


class OnPath(msgspec.Struct, frozen=True):
    """Whether the shell finds this installation's command."""

    command: str = COMMAND
    """How to run it from the shell: its name, or its path."""
    problem: str | None = None
    """Why the name alone does not work, as a sentence."""
    remedy: str | None = None
    """What to do, as a sentence."""


def on_path(env: Mapping[str, str], how: HowInstalled, own: Path) -> OnPath:
    """Checks PATH. `own`: this installation's command, which another may shadow or PATH may lack."""
    found = shutil.which(COMMAND, path=env.get("PATH", ""))
    if not own.exists() or (found is not None and Path(found).resolve() == own.resolve()):
        return OnPath()
    command = shlex.quote(str(own))
    if found is not None:
        return OnPath(command, f"`{COMMAND}` is another installation here: {found}.", "Remove one of the two.")
    return OnPath(command, f"`{COMMAND}` is not on the PATH of this shell.", _remedy(how, own.parent))


def _remedy(how: HowInstalled, folder: Path) -> str:
    match how.kind:
        case "pipx":
            do = "Run `pipx ensurepath`"
        case "uv tool":
            do = "Run `uv tool update-shell`"
        case "uvx":
            do = f"Run `{how.update}`"
        case _:
            do = f"""Add `export PATH="{folder}:$PATH"` to your shell's profile"""
    return f"{do}, then open a new shell."


@cache
def on_path_here() -> OnPath:
    """Checks the PATH of the running process."""
    return on_path(os.environ, how_installed(), own_scripts() / COMMAND)


def runnable(text: str) -> str:
    """Returns `text` with our commands in backquotes spelled so that this shell can run them."""
    command = on_path_here().command
    return text.replace(f"`{COMMAND} ", f"`{command} ").replace(f"`{COMMAND}d`", f"`{command}d`")
