"""Clients from npm and PyPI, a folder for each version. Nothing of a client is executed outside a box."""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).parents[3]
MACHINE: Final = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())

ENVIRONMENT: Final = dict(os.environ)
"""The settings npm and pip find (registry, proxy) are those of the run, taken before a test changes them."""


class NotInstalled(Exception):
    """The package could not be fetched; says why."""


def cache_dir() -> Path:
    """Where clients and running boxes lie: `.cache/agents` in the checkout, moved by CARRYOVER_AGENT_CACHE."""
    return Path(os.environ.get("CARRYOVER_AGENT_CACHE") or CHECKOUT / ".cache" / "agents").resolve()


def from_npm(package: str, version: str, *, only: Sequence[str] | None = None) -> Path:
    """The folder of that package, fetched on first use. Raises NotInstalled.

    `only`: all that is fetched with it of the packages that it names, as `name@version`, for a client that carries what
    it runs in one bundle.
    """
    home = cache_dir() / "npm" / f"{package.replace('/', '+')}@{version}"
    if not home.exists():
        _fetch_from_npm((f"{package}@{version}", *(only or ())), home, _install if only is None else _unpack)
    return home / "node_modules" / package


def from_pypi(package: str, version: str, *, any_version_of: Collection[str] = (), python: str = "") -> Path:
    """The folder of a virtual environment with that package, made on first use. Raises NotInstalled.

    `any_version_of`: packages it needs that are taken in any version, since the one it names has no wheel.
    `python`: the version a client needs that does not run in the one of the tests, "3.12".
    """
    home = cache_dir() / "pypi" / f"{package}@{version}"
    if not (home / "complete").exists():
        _fetch_from_pypi(package, version, home, any_version_of, _interpreter(python))
    return home


def only_command(environment: Path, name: str) -> Path:
    """A folder with that command alone: the virtual environment's own would put another Python first on PATH."""
    folder = environment / "commands"
    folder.mkdir(exist_ok=True)
    if not (folder / name).is_symlink():
        (folder / name).symlink_to(environment / "bin" / name)
    return folder


def behind(environment: Path) -> Path:
    """The folder of the Python from which a virtual environment was made: a box has to show it, too."""
    return (environment / "bin" / "python").resolve().parents[1]


def _fetch_from_npm(specs: Sequence[str], home: Path, bring: Callable[[str, Path, str], None]) -> None:
    """Fetches into a folder beside `home` and renames it, so that a folder with the final name is always complete."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="fetching-") as folder:
        arriving = Path(folder) / "arriving"
        arriving.mkdir()
        for spec in specs:
            bring(spec, arriving, f"--cache={folder}/npm-cache")
        try:
            arriving.rename(home)
        except OSError:  # another run was first
            shutil.rmtree(arriving)


def _install(spec: str, arriving: Path, cache: str) -> None:
    (arriving / "package.json").write_text("{}")
    options = ["--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", cache]
    _run(spec, "npm", "install", *options, spec, cwd=arriving)


def _unpack(spec: str, arriving: Path, cache: str) -> None:
    archive = arriving / _run(spec, "npm", "pack", "--silent", cache, spec, cwd=arriving).split()[-1]
    folder = arriving / "node_modules" / spec.rpartition("@")[0]
    folder.mkdir(parents=True)
    _run(spec, "tar", "xzf", str(archive), "--strip-components=1", "-C", str(folder))
    archive.unlink()


def _interpreter(version: str) -> str:
    """The command of that Python; the one of the tests for "". Raises NotInstalled."""
    if not version or version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    name = f"python{version}"
    of_pyenv = sorted(Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/{name}"))
    if of_pyenv:
        return str(of_pyenv[-1])
    found = shutil.which(name, path=ENVIRONMENT.get("PATH"))
    if found is None:
        raise NotInstalled(f"it needs Python {version}, which is not on this machine")
    return found


def _fetch_from_pypi(package: str, version: str, home: Path, any_version_of: Collection[str], interpreter: str) -> None:
    """An environment knows its own path, so it is made where it stays, and marked when it is complete."""
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    spec = f"{package}=={version}"
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="fetching-") as cache:
        pip = (str(home / "bin" / "pip"), "install", "--quiet", "--only-binary", ":all:", f"--cache-dir={cache}")
        _run(spec, interpreter, "-m", "venv", str(home))
        _run(spec, *pip, "--no-deps", spec)
        asked = f"import importlib.metadata as m; print('\\n'.join(m.requires({package!r})))"
        needs = _run(spec, str(home / "bin" / "python"), "-c", asked).splitlines()
        needed = [need for need in needs if "extra ==" not in need]
        _run(spec, *pip, *(_name(need) if _name(need) in any_version_of else need for need in needed))
    (home / "complete").touch()


def _name(need: str) -> str:
    return re.split(r"[^A-Za-z0-9_.-]", need, maxsplit=1)[0]


def _run(spec: str, *command: str, cwd: Path | None = None) -> str:
    """What the command printed. npm prints an error's code, then what it means; pip's last error is the clearest."""
    ran = subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True)
    if ran.returncode:
        of_npm = [line for line in ran.stderr.splitlines() if re.match("npm error (?!code )", line)]
        of_pip = [line for line in ran.stderr.splitlines() if line.startswith("ERROR: ")]
        raise NotInstalled(f"could not install {spec}: {[*of_npm[:1], *of_pip[-1:], 'no reason was given'][0]}")
    return ran.stdout
