"""Every command that the README and the guide show is run, in the order of a first day: install, use, removal."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from agents.claude_code.matrix_case import ClaudePlayed
from carryover.config import load_config
from carryover.edits.hooks import hook_command
from support.agent_here import everything, only_this_path, put_claude
from support.daemon_process import DaemonProcess, handoff_of
from support.forked import CARRYOVER, carryover
from support.terminal import ENTER, Terminal
from support.tools import program

CHECKOUT: Final = Path(__file__).parents[2]
README: Final = (CHECKOUT / "README.md").read_text("utf-8")
GUIDE: Final = (CHECKOUT / "docs" / "guide.md").read_text("utf-8")
CONTRIBUTING: Final = (CHECKOUT / "CONTRIBUTING.md").read_text("utf-8")

GOAL: Final = "Add a discount to the cart"
PACKAGES: Final = re.compile(r"\b(uv tool|pipx) ")
KEYS: Final = {
    "carryover install ": ("What may be written into your projects?", ENTER),
    "carryover export .*--copy": ("[y/N]", f"y{ENTER}"),
    "carryover share": ("Encrypt this into", f"y{ENTER}"),
    "carryover import shop.age": ("as another person's words? [y/N]", f"y{ENTER}"),
}
SHOWS: Final = {
    "carryover handoff ": GOAL,
    "carryover to codex ": "codex was given: Read .carryover/handoff",
    "carryover to codex | cat ": "&& codex 'Read .carryover/handoff.md",
    "carryover to - ": "codex was given: Read .carryover/handoff.md",
    "carryover handoff --copy": "on the clipboard",
    "carryover search": GOAL,
    "carryover log ": GOAL,
    "carryover why": GOAL,
    "carryover status": "Claude Code",
    "carryover export --for chatgpt --question": "The document is on the clipboard",
    "carryover import shop.age": f"machine: “{GOAL}”",
}


def shown(document: str, language: str = "sh") -> list[str]:
    blocks = re.findall(rf"^```{language}\n(.*?)^```", document, re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


FIRST, _, LAST = README.partition("\n## Upgrade and removal\n")
LINES: Final = shown(FIRST) + shown(GUIDE) + shown(LAST)


@pytest.fixture
def here(home: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a session in it, on a machine with two agents, `carryover`, a clipboard and an ssh key."""
    make_key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / ".ssh" / "id_ed25519")]
    (home / ".ssh").mkdir(mode=0o700)
    subprocess.run(make_key, check=True)
    (project / "bob.keys").write_bytes((home / ".ssh" / "id_ed25519.pub").read_bytes())
    only_this_path(home, monkeypatch)
    put_claude(home)
    program(
        home / "bin" / "codex", '[ "$1" = --version ] && echo "codex-cli 0.169.0" && exit', 'echo "codex was given: $1"'
    )
    (home / ".codex").mkdir()
    program(home / "bin" / "wl-copy", f"cat > '{home}/clipboard'")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    (project / "cart.py").write_text("def total(items):\n    return sum(items)\n")
    (project / "answer.md").write_text("The rounding is sound.\n")
    session = ClaudePlayed(home, project, datetime.now(UTC) - timedelta(minutes=5))
    session.prompt(GOAL)
    session.edit(project / "cart.py", "return sum(items)", "return round(sum(items))")
    (project / "cart.py").write_text("def total(items):\n    return round(sum(items))\n")
    session.say("The total is rounded now. Next I will add discount().")
    return project


def run(line: str, project: Path) -> str:
    asked = next((answer for begin, answer in KEYS.items() if re.match(begin, line)), None)
    words = shlex.split(line, comments=True)
    plain = words[0] == "carryover" and not re.search(r"[|&;<>$(]", line.partition("#")[0])
    command = [*CARRYOVER, *words[1:]] if plain else ["/bin/sh", "-c", line]
    with Terminal(command, os.environ, columns=100, lines=60, cwd=project) as terminal:
        if asked is not None:
            terminal.wait_for(asked[0])
            terminal.press(asked[1])
        code, text = terminal.end()
    assert code == 0, f"{line}\n{text}"
    return text


@pytest.fixture
def installed(free_port: None) -> Iterator[DaemonProcess]:
    """The daemon that `carryover install` will start in the background, where there is no service manager."""
    yield DaemonProcess()
    carryover("stop")


@pytest.mark.night
def test_what_is_shown_works_from_the_installation_to_the_removal(
    home: Path, here: Path, installed: DaemonProcess
) -> None:
    before = {name: what for name, what in everything(home).items() if name.startswith((".claude/settings", "work"))}
    lines = [line for line in LINES if not PACKAGES.search(line) and not line.startswith("make ")]
    used = [line for line in lines if not line.startswith(("carryover install", "carryover refresh", "carryover unin"))]
    installs, refreshes, removes = [line for line in lines if line not in used]

    run(installs, here)
    installed.settle()
    for line in used:
        text = run(line, here)
        expected = [words for begin, words in SHOWS.items() if line.startswith(begin)]
        assert not expected or expected[-1] in " ".join(text.split()), f"{line}\n{text}"
    installed.settle()
    assert "The rounding is sound" in handoff_of(here), handoff_of(here)
    assert "Is the cache sound?" in (home / "clipboard").read_text()
    run(refreshes, here)
    run(removes, here)

    for made in ("shop.md", "shop.age", "bob.age", "session.md"):
        (here / made).unlink()
    after = {name: what for name, what in everything(home).items() if name.startswith((".claude/settings", "work"))}
    assert {name: (mode, text) for name, (mode, _, text) in after.items()} == {
        name: (mode, text) for name, (mode, _, text) in before.items()
    }


def test_each_command_that_is_promised_a_result_is_shown() -> None:
    assert [begin for begin in SHOWS if not any(line.startswith(begin) for line in LINES)] == []
    assert [begin for begin in KEYS if not any(re.match(begin, line) for line in LINES)] == []


def test_each_target_of_make_that_is_shown_exists() -> None:
    """They are run by lab/demo and by whoever runs this."""
    lines = [line.partition("#")[0].split() for line in LINES + shown(CONTRIBUTING) if line.startswith("make ")]
    words = [word for line in lines for word in line[1:]]

    asked = subprocess.run(["make", "-n", *words], cwd=CHECKOUT, capture_output=True, text=True)

    assert (len(lines) > 20, asked.returncode) == (True, 0), asked.stderr


def test_each_test_that_is_shown_to_contributors_exists() -> None:
    lines = [line.partition("#")[0].split() for line in shown(CONTRIBUTING) if not line.startswith("make ")]

    assert [words[0] for words in lines] == [".venv/bin/pytest"] * len(lines)
    assert [words[1] for words in lines if not (CHECKOUT / words[1]).is_dir()] == []


def test_what_is_shown_is_run_with_what_the_readme_installs() -> None:
    """The tests of this file run in an environment for development, which has the same extra and tools for tests."""
    extras = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    installs = [line for line in LINES if re.match(r"(uv tool|pipx) install", line)]

    assert [line.count("install '.[all]'") for line in installs] == [2]
    assert [extra for extra in extras["dev"] if extra.startswith("carryoverd")] == ["carryoverd[all,languages]"]


def test_the_hook_entry_that_is_shown_is_the_one_that_install_writes(home: Path) -> None:
    [entry] = re.findall(r"^```json\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
    [(event, [group])] = json.loads(entry)["hooks"].items()
    [hook] = group["hooks"]
    ran = subprocess.run(["sh", "-c", hook["command"]], input=b"{}", capture_output=True, check=True, timeout=10)

    assert hook["command"].replace("~", str(home)) == hook_command(home / ".carryover", "codex", event)
    assert (ran.stdout, ran.stderr) == (b"", b"")


def test_the_settings_that_are_shown_are_settings(tmp_path: Path) -> None:
    [*lines] = shown(GUIDE, "toml")
    (tmp_path / "config.toml").write_text("\n".join(lines))

    config = load_config(tmp_path / "config.toml")

    assert (config.unknown_keys, config.resume.stale_days) == ((), 7)


@pytest.mark.network
@pytest.mark.parametrize("installer", ["uv", "pipx"])
def test_it_installs_as_shown(installer: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line that installs or removes, with the other installer in its comment."""
    if shutil.which(installer) is None:
        pytest.skip(f"{installer} is not on this machine")
    checkout = tmp_path / "checkout"
    shutil.copytree(CHECKOUT / "src", checkout / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    (checkout / "packaging").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "packaging/man_pages.py"):
        shutil.copy(CHECKOUT / name, checkout / name)
    monkeypatch.setenv("PATH", os.pathsep.join([str(home / ".local" / "bin"), os.environ["PATH"]]))
    variables = {"PYTHONPATH": "", "UV_PYTHON": sys.executable, "PIPX_DEFAULT_PYTHON": sys.executable}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    lines = [found for line in LINES if PACKAGES.search(line) if (found := _of(installer, line))]
    assert len(lines) == 3

    pulled = checkout / "src" / "carryover" / "pulled.py"
    twice = [again for line in lines for again in [line] * (2 if " upgrade " in line else 1)]  # uv builds at the first
    for number, line in enumerate(twice):
        pulled.write_text(f"NUMBER = {number}\n")
        ran = subprocess.run(["sh", "-c", line], cwd=checkout, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, f"{line}\n{ran.stderr}"
        if "uninstall carryoverd" not in line:
            version = subprocess.run([home / ".local/bin/carryover", "--version"], capture_output=True, check=True)
            assert version.stdout.startswith(b"carryover ")
            python = (home / ".local/bin/carryover").resolve().with_name("python")
            asked = "import pyrage; from carryover.pulled import NUMBER; print(NUMBER)"
            seen = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True)
            assert seen.stdout == f"{number}\n"
    assert not (home / ".local/bin/carryover").exists()


def _of(installer: str, line: str) -> str:
    """The line for that installer: itself, or what its comment says in place of it; empty if it is for the other."""
    command, _, comment = line.partition("#")
    _, _, instead = comment.partition("or: ")
    shown = next((text.strip() for text in (command, instead) if f"{installer} " in text), "")
    return shown.removeprefix("git pull && ")  # the test's checkout has no upstream
