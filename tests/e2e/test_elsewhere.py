"""At a usage limit the handoff, `status` and the desktop say so; and work goes on in another agent."""

import json
import shlex
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from carryover.adapter.spec import AgentSpec
from carryover.agents import specs
from carryover.text.reset_times import on_this_machine, reset_quoted
from support.claude_session import ClaudeSession
from support.codex_session import CodexSession
from support.daemon_process import DaemonProcess, handoff_of
from support.forked import CARRYOVER, data
from support.terminal import played

SENTENCE = (
    "Read .carryover/handoff.md, then go on with the task it describes. "
    "You need not ask whether to continue: the answer is yes."
)
STARTABLE = [spec for spec in specs() if spec.start is not None]
FORMS = {spec.start.arguments("sentence", "file"): spec for spec in STARTABLE if spec.start is not None}
"""An agent for each form of arguments."""

# A shell first: Python itself ignores SIGPIPE from its start on.
RECORDER = f"""#!/bin/sh
IGNORED=$(sed -n 's/^SigIgn:[[:space:]]*//p' /proc/$$/status 2>/dev/null)
export IGNORED
exec {sys.executable} -c '
import json, os, sys
seen = {{
    "argv": sys.argv[1:],
    "cwd": os.getcwd(),
    "env": dict(os.environ),
    "handoff": open(".carryover/handoff.md").read(),
    "terminal": sys.stdin.isatty() and sys.stdout.isatty(),
}}
json.dump(seen, open(os.environ["SEEN"], "w"))
print("the agent is here")
sys.exit(7)
' "$@"
"""


def resets_here() -> str:
    """What the handoff says of the reset, on this machine."""
    return reset_quoted("3pm (Europe/Amsterdam)", int(time.time() * 1000), on_this_machine)


@pytest.fixture
def seen(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for spec in STARTABLE:
        assert spec.start is not None
        path = home / "bin" / spec.binaries[0]
        path.parent.mkdir(exist_ok=True)
        path.write_text(RECORDER)
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{home}/bin:/usr/bin:/bin")
    monkeypatch.setenv("SEEN", str(home / "seen.json"))
    monkeypatch.setenv("MINE", "as it was")
    return home / "seen.json"


@pytest.fixture
def my_shop(home: Path, project: Path) -> Path:
    return project.rename(project.parent / "dev's shop")


@pytest.fixture
def work(transcripts: Path, my_shop: Path) -> ClaudeSession:
    return ClaudeSession(transcripts, my_shop).work()


@pytest.mark.parametrize("spec", FORMS.values(), ids=lambda spec: spec.id)
def test_one_command_shows_how_the_agent_is_started_and_becomes_it(
    spec: AgentSpec, work: ClaudeSession, my_shop: Path, seen: Path
) -> None:
    code, text = played([*CARRYOVER, "to", spec.id, str(my_shop)])

    assert spec.start is not None
    found = json.loads(seen.read_text())
    assert (code, text.splitlines()[-1]) == (7, "the agent is here")
    arguments = spec.start.arguments(SENTENCE, ".carryover/handoff.md")
    assert shlex.join((spec.binaries[0], *arguments)) in text
    assert (found["argv"], found["cwd"], found["terminal"]) == ([*arguments], str(my_shop), True)
    assert (found["env"]["PWD"], found["env"]["MINE"]) == (str(my_shop), "as it was")
    assert "negative amounts" in found["handoff"]
    assert int(found["env"]["IGNORED"] or "0", 16) & (1 << (signal.SIGPIPE - 1)) == 0


def test_from_a_limit_to_the_next_agents_first_words_it_takes_one_command_and_less_than_ten_seconds(
    work: ClaudeSession, my_shop: Path, seen: Path, daemon: DaemonProcess, free_port: None
) -> None:
    """With other open work in the project, which would be asked about at another time; the agent worked here before."""
    codex = CodexSession(Path.home() / ".codex", my_shop, now=work.now - timedelta(hours=1))
    codex.prompt("Write the README of the shop")
    codex.answer("It is written.")
    with daemon:
        daemon.settle()
        work.prompt("Go on with negative amounts")
        reached_s = time.monotonic()
        work.limit()
        code, text = played([*CARRYOVER, "to", "-", str(my_shop)])
        took_s = time.monotonic() - reached_s

    found = json.loads(seen.read_text())
    assert (code, text.splitlines()[-1]) == (7, "the agent is here")
    assert " && codex 'Read .carryover/handoff.md" in text
    assert "Go on with negative amounts" in found["handoff"]
    assert f"Claude Code reached its usage limit; it resets {resets_here()}" in found["handoff"]
    assert took_s < 10


def test_a_limit_is_said_everywhere_until_somebody_continues(
    running: DaemonProcess, session: ClaudeSession, transcripts: Path, project: Path
) -> None:
    session.prompt("Add a discount function to the cart")
    running.settle()
    assert "continues elsewhere" not in handoff_of(project)

    session.limit()

    running.settle()
    line = f"- Claude Code reached its usage limit; it resets {resets_here()}; for the user: `carryover to AGENT`"
    assert line in handoff_of(project)
    assert [limit["root"] for limit in data("status")["ledger"]["limits"]] == [str(project)]

    other = ClaudeSession(transcripts, project, now=session.now)
    other.prompt("Read .carryover/handoff.md, then go on with the task it describes.")
    running.settle()
    assert "reached its usage limit" not in handoff_of(project)
    assert ": Add a discount function to the cart\n" in handoff_of(project)
