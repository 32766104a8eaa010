"""A real run of the product on synthetic transcripts: a usage limit, one command, another agent that carries on.

`carryoverd` follows the transcripts, `carryover to codex` runs on a terminal, and what it starts is a script that reads
the file that its prompt names. The agents' own texts come from the transcripts.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from agents.claude_code.matrix_case import LIMIT, ClaudePlayed
from agents.codex.matrix_case import CodexPlayed
from demo.replay import FIRST_FILES, RECORDED_PROJECT
from support.daemon_process import DaemonProcess, handoff_of
from support.terminal import Terminal
from support.tools import program

BEGAN: Final = datetime(2026, 11, 20, 14, 2, tzinfo=UTC)
WIDTH: Final = 92
"""Columns of the terminal, and so of the picture."""

COMMAND: Final = "carryover to codex"
LOOK_UP: Final = ("carryover search discount", "carryover why cart.py:5")
LOOK_BACK: Final = ("carryover log", f"carryover usage --since {BEGAN:%Y-%m-%d}")
"""From a day that is named: what the last days are changes with the clock."""

GOAL: Final = "Add a discount to the cart: whole cents, never floats."
ANSWER: Final = (
    "Prices are cents in cart.py but euros in checkout.py, because the old importer divided by 100. "
    "Next I will convert them in checkout.py and call discount() there."
)
GO_ON: Final = "Do not cap the discount. Go on with checkout.py."
CARRIES_ON: Final = (
    "Claude Code was stopped before it touched the checkout: I will convert it to cents there and call discount(), "
    "without a cap."
)
KNOWN_BY: Final = ("whole cents, never floats", "Next I will convert them in checkout.py", "Do not cap", "usage limit")
"""What the handoff must say for Codex to say that."""

_DISCOUNT: Final = "def discount(cents, percent):\n    return cents - cents * percent // 100"
_TESTS: Final = "python3 -m unittest -q"
_CONFIG: Final = '[server]\nport = 0\n[publish]\npointers = "private"\nactive_days = 36500\n'
"""A window of a hundred years, so that the story is as recent in any later run."""


class Scene(NamedTuple):
    """One program on the screen."""

    title: str
    lines: tuple[str, ...]


SESSION: Final = "3f2a0c51-8d7e-4b6a-9c1f-5e2d7a90b418"
CODEX_SESSION: Final = "0199a0de-4c1b-7d2e-9a3f-6b8c1d0e5f72"
"""Stand for the ids of Claude Code's session and of Codex's, which differ from run to run."""
AGE: Final = "3 days ago"
_AGE: Final = re.compile(r"^(?:\d+ \w+ ago|2026-11-20)(?= · )", re.MULTILINE)


_UUID: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_REPLY: Final = re.compile(r"\b(msg|req)_[0-9a-f]{24}\b")


class Story(NamedTuple):
    """What there was to see, what commands say of it afterwards, the handoff that Codex began with, and what Claude
    Code recorded, which `make run` replays."""

    scenes: tuple[Scene, ...]
    looked_up: tuple[Scene, ...]
    looked_back: tuple[Scene, ...]
    handoff: str
    recording: str


def recorded(folder: Path) -> Story:
    """Plays the story below `folder`, which is empty, and returns what there was to see."""
    home = folder / "home"
    env = _environment(home)
    project = _project(home, env)
    # A `codex` that shows its prompt and reads the file that the prompt names.
    program(home / "bin" / "codex", "printf '%s\\n' \"$1\"", "cat .carryover/handoff.md")
    with DaemonProcess(env=env) as daemon:
        claude = ClaudePlayed(home, project, BEGAN)
        _work(claude, project)
        daemon.settle()
        handoff = handoff_of(project).replace(claude.session, SESSION)
        started = _shown(COMMAND, project, env)  # what it runs, the prompt that the agent starts with, what that reads
        codex = CodexPlayed(home, project, BEGAN + timedelta(minutes=9))
        command, prompt, *read = started
        if missing := [words for words in KNOWN_BY if words not in "\n".join(read)]:
            raise RuntimeError(f"the handoff does not say {missing}: {read}")
        codex.prompt(prompt)
        codex.say(CARRIES_ON)
        daemon.settle()
        ids = {claude.session[:8]: SESSION[:8], codex.session[:8]: CODEX_SESSION[:8]}
        looked_up, looked_back = (tuple(_asked(each, project, env, ids) for each in of) for of in (LOOK_UP, LOOK_BACK))
    scenes = (
        Scene("Claude Code", (f"> {GOAL}", f"● {ANSWER}", f"> {GO_ON}", f"⎿ {LIMIT}")),
        Scene("Your shell", (f"$ {COMMAND}", command.replace(str(home), "~"))),
        Scene("Codex", (f"● {CARRIES_ON}",)),
    )
    return Story(scenes, looked_up, looked_back, handoff, _recording(claude, project))


def _recording(claude: ClaudePlayed, project: Path) -> str:
    """The transcript with the project's path for a replay, and ids that are the same in each run."""
    text = claude.path.read_text("utf-8").replace(str(project), RECORDED_PROJECT)
    known = {claude.session: SESSION}

    def same(found: re.Match[str]) -> str:
        return known.setdefault(found[0], f"00000000-0000-4000-8000-{len(known):012}")

    return _REPLY.sub(r"\1_example", _UUID.sub(same, text))


def _asked(command: str, project: Path, env: Mapping[str, str], ids: Mapping[str, str]) -> Scene:
    """A command and what it says, with `ids` and ages replaced, which differ from run to run."""
    text = "\n".join(_shown(command, project, env))
    for ours, fixed in ids.items():
        text = text.replace(ours, fixed)
    return Scene("Your shell", (f"$ {command}", *_AGE.sub(AGE, text).splitlines()))


def _environment(home: Path) -> dict[str, str]:
    home.mkdir(parents=True)
    (home / ".carryover").mkdir(mode=0o700)
    (home / ".carryover" / "config.toml").write_text(_CONFIG, encoding="utf-8")
    kept = {name: os.environ[name] for name in ("PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    moment = BEGAN.isoformat()
    return {
        **kept,
        "HOME": str(home),
        "PATH": os.pathsep.join([str(home / "bin"), str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "NO_COLOR": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_DATE": moment,
        "GIT_COMMITTER_DATE": moment,
    }


def _project(home: Path, env: Mapping[str, str]) -> Path:
    project = home / "shop"
    project.mkdir()
    for name, text in FIRST_FILES.items():
        (project / name).write_text(text, encoding="utf-8")
    author = ("-c", "user.name=Dev", "-c", "user.email=dev@example.invalid")
    for command in (("init", "-q", "--initial-branch=main"), ("add", "--all"), ("commit", "-q", "-m", "Shop")):
        subprocess.run(["git", *author, *command], cwd=project, env=dict(env), check=True, stdin=subprocess.DEVNULL)
    return project


def _work(claude: ClaudePlayed, project: Path) -> None:
    claude.prompt(GOAL)
    path, old, new = project / "cart.py", "return sum(items)", "return sum(items)\n\n\n" + _DISCOUNT
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    claude.edit(path, old, new)
    claude.run(_TESTS, "Ran 1 test in 0.001s\n\nOK", 0)
    claude.say(ANSWER)
    claude.prompt(GO_ON)
    claude.end("limit")


def _shown(command: str, project: Path, env: Mapping[str, str]) -> list[str]:
    """What a command shows on a terminal, line by line."""
    shell = shutil.which("sh") or "/bin/sh"
    with Terminal([shell, "-c", f"cd {shlex.quote(str(project))} && {command}"], env, columns=WIDTH) as terminal:
        code, text = terminal.end()
    if code != 0:
        raise RuntimeError(f"`{command}` ended with code {code}: {text}")
    return text.splitlines()
