"""Each package that `make dist` built: installed in an empty environment, run, and removed without a trace."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

import carryover
from agents.claude_code.matrix_case import ClaudePlayed
from bench.document import PATH as DOCUMENT
from bench.document import circumstances, put
from bench.sections import HEADINGS, PACKAGES
from support.repository import repository

pytestmark = pytest.mark.network

DIST: Final = Path(__file__).parents[2] / "dist"
VERSION: Final = carryover.__version__
WHEEL: Final = DIST / f"carryoverd-{VERSION}-py3-none-any.whl"
PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
GOAL: Final = "Add a discount to the cart"


MEASURED: Final[list[str]] = []


@pytest.fixture(scope="module", autouse=True)
def written_down() -> Iterator[None]:
    """Writes what was measured into `architecture/benchmarks.md` if MEASURE is set."""
    yield
    if os.environ.get("MEASURE"):
        rows = ["| | installed in | size | start |", "|---|---|---|---|", *MEASURED]
        put(DOCUMENT, HEADINGS, PACKAGES.name, "\n".join((circumstances(), "", *rows)))


@pytest.fixture(autouse=True)
def empty(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this checkout is seen by what is installed; commands are found, and put into the home folder."""
    assert WHEEL.is_file(), "There is nothing to install: run `make dist` first."
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setenv("PATH", f"{home}/.local/bin:{os.environ['PATH']}")
    monkeypatch.setenv("UV_PYTHON", sys.executable)
    monkeypatch.setenv("PIPX_DEFAULT_PYTHON", sys.executable)


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """What the command prints; it has to succeed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


def needs(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on this machine")


def report(what: str, command: Path, folder: Path, began: float) -> None:
    """Notes how long the installation took, its size and the time that the command needs to start."""
    took = time.monotonic() - began
    size = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    starts = []
    for _ in range(5):
        start = time.monotonic()
        run(command, "sessions", "--help")
        starts.append(time.monotonic() - start)
    MEASURED.append(f"| {what} | {took:.0f} s | {size / 1e6:.0f} MB | {min(starts) * 1000:.0f} ms |")
    print(f"\n{MEASURED[-1]}")


def test_the_wheel_holds_what_git_tracks() -> None:
    tracked = run("git", "-C", DIST.parent / "src", "ls-files", "carryover").split()
    with zipfile.ZipFile(WHEEL) as wheel:
        shipped = [name for name in wheel.namelist() if name.startswith("carryover/")]

    assert sorted(shipped) == sorted(tracked)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("package", [WHEEL, DIST / f"carryoverd-{VERSION}.tar.gz"], ids=["wheel", "sdist"])
def test_pip(python: str, package: Path, tmp_path: Path) -> None:
    interpreter = f"python{python}"
    if not _runs(interpreter):
        pytest.skip(f"Python {python} is not on this machine")
    began = time.monotonic()
    run(interpreter, "-m", "venv", tmp_path / "env")
    run(tmp_path / "env/bin/pip", "install", "--quiet", package)
    command = tmp_path / "env/bin/carryover"
    form = package.name.removeprefix(f"carryoverd-{VERSION}")
    report(f"pip, Python {python}, {form}", command, tmp_path / "env", began)

    folder = f"{tmp_path}/env/lib/python{python}/site-packages/carryover"
    assert run(command, "--version") == f"carryover {VERSION} (virtual environment, {folder})\n"
    assert "To upgrade: " in subprocess.run([command, "doctor"], capture_output=True, text=True, check=False).stdout
    run(tmp_path / "env/bin/pip", "uninstall", "--quiet", "--yes", "carryoverd")
    assert [path for path in (tmp_path / "env").rglob("*carryover*") if "__pycache__" not in path.parts] == []


def test_uvx_lists_the_sessions(home: Path) -> None:
    needs("uvx")
    project = repository(home / "work" / "shop")
    session = ClaudePlayed(home, project, datetime.now(UTC) - timedelta(minutes=5))
    session.prompt(GOAL)
    session.say("It is there.")
    assert run("uvx", "--from", WHEEL, "carryover", "--version").startswith(f"carryover {VERSION} (uvx, ")

    assert GOAL in run("uvx", "--from", WHEEL, "carryover")


@pytest.mark.parametrize(
    ("tool", "kind", "install", "remove"),
    [
        ("uv", "uv tool", ("tool", "install", "--quiet"), ("tool", "uninstall", "--quiet")),
        ("pipx", "pipx", ("install", "--quiet"), ("uninstall",)),
    ],
)
def test_a_tool_installer(tool: str, kind: str, install: tuple[str, ...], remove: tuple[str, ...], home: Path) -> None:
    needs(tool)
    began = time.monotonic()
    run(tool, *install, WHEEL)
    command = home / ".local/bin/carryover"
    report(kind, command, command.resolve().parents[1], began)

    assert run(command, "--version").startswith(f"carryover {VERSION} ({kind}, ")
    run(tool, *remove, "carryoverd")
    left = [path.name for path in home.rglob("*") if "carryover" in path.name and ".cache" not in path.parts]
    assert set(left) <= {".carryoverd.lock"}  # an empty file of pipx's own


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    needs("npm")
    return tmp_path / "prefix"


def npm(prefix: Path, *arguments: str | Path) -> str:
    return run("npm", "--silent", "--no-audit", "--no-fund", "--prefix", prefix, *arguments)


NPM: Final = DIST / f"carryoverd-{VERSION}-npm.tgz"


def test_npm(prefix: Path, home: Path) -> None:
    began = time.monotonic()
    npm(prefix, "install", "--global", NPM)
    command = prefix / "bin/carryover"
    report("npm", command, prefix, began)

    assert run(command, "--version") == (
        f"carryover {VERSION} (npm, {_env(prefix)}/lib/python{_python()}/site-packages/carryover)\n"
    )
    assert run(prefix / "bin/carryoverd", "--version") == f"carryoverd {VERSION}\n"
    npm(prefix, "uninstall", "--global", "carryoverd")
    assert [path for path in (*prefix.rglob("*"), *home.rglob("*")) if "carryover" in path.name] == []


def _env(prefix: Path) -> Path:
    return prefix / "lib/node_modules/carryoverd/env"


def _python() -> str:
    """The newest version of Python here, which the npm package uses."""
    found = next(name for name in (*(f"python{version}" for version in reversed(PYTHONS)), "python3") if _runs(name))
    return run(found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip()


def _runs(name: str) -> bool:
    found = shutil.which(name)
    return found is not None and not subprocess.run([found, "-V"], capture_output=True, check=False).returncode


def test_npm_without_scripts_installs_at_the_first_run_and_says_what_macos_may_ask(
    prefix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm(prefix, "install", "--global", "--ignore-scripts", NPM)
    assert not _env(prefix).exists()
    (tmp_path / "mac.js").write_text('Object.defineProperty(process, "platform", { value: "darwin" });')
    monkeypatch.setenv("NODE_OPTIONS", f"--require={tmp_path}/mac.js")

    first, second = (
        subprocess.run([prefix / "bin/carryover", "--version"], capture_output=True, text=True, check=True)
        for _ in range(2)
    )

    assert first.stdout == second.stdout
    assert "not notarised" in first.stderr
    assert second.stderr == ""


def test_npm_refuses_what_was_not_released(prefix: Path) -> None:
    npm(prefix, "install", "--global", "--ignore-scripts", NPM)
    wheel = _env(prefix).parent / WHEEL.name
    wheel.write_bytes(wheel.read_bytes()[:-1] + b"\x01")

    refused = subprocess.run([prefix / "bin/carryover", "--version"], capture_output=True, text=True, check=False)

    assert refused.returncode == 1
    assert "Nothing was installed: a download failed, or is not the file that was released." in refused.stderr
    assert "DO NOT MATCH THE HASHES" in refused.stderr
    assert not _env(prefix).exists()


@pytest.fixture(scope="session")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root folder of a Debian 12 with Python; CARRYOVER_DEBIAN_ROOT names one that was made before."""
    needs("debootstrap", "chroot")
    if os.geteuid() != 0:
        pytest.skip("needs root")
    if ready := os.environ.get("CARRYOVER_DEBIAN_ROOT"):
        return Path(ready)
    root = tmp_path_factory.mktemp("debian")
    run("debootstrap", "--variant=minbase", "--include=python3,git,curl", "bookworm", root)
    return root


def _files(root: Path) -> set[str]:
    """All paths below the root, except for what dpkg and Python write for themselves."""
    own = ("var/lib/dpkg", "var/log", "var/cache", "proc", "sys", "dev")
    found = (str(path.relative_to(root)) for path in root.rglob("*"))
    return {path for path in found if not path.startswith(own) and "__pycache__" not in path}


def test_debian(debian: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = ("chroot", debian, "env", "-i", "HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8")
    arch = run(*inside, "dpkg", "--print-architecture").strip()
    package = DIST / f"carryoverd_{VERSION}-1_bookworm_{arch}.deb"
    before = _files(debian)
    shutil.copy(package, debian / "tmp")
    began = time.monotonic()
    run(*inside, "dpkg", "--install", f"/tmp/{package.name}")
    (debian / "tmp" / package.name).unlink()
    command = debian / "tmp/carryover"
    command.write_text(f'#!/bin/sh\nexec chroot {debian} carryover "$@"\n')
    command.chmod(0o755)
    report("Debian 12", command, debian / "usr/lib/carryoverd", began)
    command.unlink()

    assert run(*inside, "carryover", "--version") == (
        f"carryover {VERSION} (dpkg, /usr/lib/carryoverd/lib/python3.11/site-packages/carryover)\n"
    )
    assert run(*inside, "carryoverd", "--once") == ""
    assert "\nService:" not in run(*inside, "carryover", "status", "--json")
    shutil.rmtree(debian / "root/.carryover")
    run(*inside, "dpkg", "--purge", "carryoverd")
    assert _files(debian) == before


def test_the_recipe_for_arch(tmp_path: Path) -> None:
    """`prepare` and `package` as makepkg runs them; makepkg checks the sums and packs the result."""
    source, package = tmp_path / "src", tmp_path / "pkg"
    source.mkdir()
    for name in (WHEEL.name, f"carryoverd-{VERSION}-requirements.txt"):
        shutil.copy(DIST / name, source)
    recipe = f"source {DIST}/PKGBUILD; srcdir={source} pkgdir={package}; set -e; cd {source}"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    listed = '<(printf "%s\\n" "${sha256sums[@]}") <(printf " %s\\n" "${source[@]##*/}")'
    for step in (f"sha256sum --check --quiet - < <(paste -d' ' {listed})", "prepare; package"):
        run("env", f"PATH={path}", "bash", "-c", f"{recipe}; {step}")

    python = package / "usr/lib/carryoverd/bin/python3"
    assert run(python, "-m", "carryover.faces.cli.main", "--version").startswith(f"carryover {VERSION} (pacman, ")
    assert (package / "usr/bin/carryover").readlink() == Path("../lib/carryoverd/bin/carryover")
    files = [file for file in package.rglob("*") if file.is_file() and not file.is_symlink()]
    texts = [file for file in files if file.stat().st_size < 1e6]
    assert [file for file in texts if str(package).encode() in file.read_bytes()] == []
    unit = (package / "usr/lib/systemd/user/carryoverd.service").read_text()
    assert "ExecStart=/usr/bin/carryoverd\n" in unit
    assert "@" not in unit.replace("@system-service", "")


def test_the_formula_has_a_resource_for_each_dependency() -> None:
    formula = (DIST / "carryoverd.rb").read_text()
    names = re.findall(r'^  resource "(.+)" do$', formula, re.MULTILINE)
    locked = (DIST / f"carryoverd-{VERSION}-requirements.txt").read_text()
    wanted = set(re.findall(r"^([a-z0-9-]+)==", locked, re.MULTILINE)) - {"backports-zstd"}  # part of Python 3.14

    assert (names, set(names)) == (sorted(names), wanted)
    assert all(sha in locked for sha in re.findall(r'^    sha256 "(.+)"$', formula, re.MULTILINE))
    assert max(len(line) for line in formula.splitlines() if "url" not in line) <= 118
    hosts = {"https://github.com/", "https://files.pythonhosted.org/"}
    assert set(re.findall(r'url "(https://[^/]+/)', formula)) == hosts
    if shutil.which("ruby"):
        run("ruby", "-c", DIST / "carryoverd.rb")
