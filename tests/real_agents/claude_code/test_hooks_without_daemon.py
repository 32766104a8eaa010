"""The daemon is stopped, hangs or only begins to start: nobody is told, nobody waits, the stored answer stands in."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from carryover.edits.hook_command import hook_command
from real_agents.claude_code import hooked
from real_agents.claude_code.client import CHOSEN, LATEST, PROJECT, ClaudeBox
from real_agents.claude_code.hooked import GATES, LATEST_ONLY, READY, SOON, STATE, TASK
from real_agents.lab import product
from real_agents.lab.box import HOME, OUT
from real_agents.lab.rows import Row
from real_agents.lab.waiting import wait_until

pytestmark = pytest.mark.real_agents

SOCKET = STATE / "daemon.sock"
TIMES = OUT / "hooks.times"
LIMITS_S = {"SessionStart": 1.0, "PreCompact": 0.3, "Stop": 0.3, "SessionEnd": 0.3}
"""The stub's time limits."""
ALL_STUBS_S = 1.0 + 0.3 + 0.3
"""SessionStart, Stop and SessionEnd of one `claude -p`."""
OF_A_SHELL_S = 0.1
NOISE_S = 0.1
PAIRS = 15
RUNS = 5

Trouble = Callable[[ClaudeBox], None]


def nothing_there(claude: ClaudeBox) -> None:
    """The daemon was stopped in order."""


def hanging(claude: ClaudeBox) -> None:
    stand_in(claude, "hanging")


def jammed(claude: ClaudeBox) -> None:
    stand_in(claude, "jammed")


def half_started(claude: ClaudeBox) -> None:
    stand_in(claude, "half-started")


def deleted(claude: ClaudeBox) -> None:
    claude.box.must("rm", "-rf", str(STATE))


def running(claude: ClaudeBox) -> None:
    """No trouble at all."""
    product.start_daemon(claude.box)


TROUBLES: dict[str, Trouble] = {
    "stopped": nothing_there,
    "hanging": hanging,
    "jammed": jammed,
    "half-started": half_started,
}
STATES = {"none": running, **TROUBLES, "state folder deleted": deleted}


def each(troubles: Iterable[str]) -> pytest.MarkDecorator:
    """Every trouble with the latest client, the stopped daemon with the others too."""
    cases = [(v, trouble) for trouble in troubles for v in CHOSEN if v == LATEST or trouble == "stopped"]
    return pytest.mark.parametrize(("claude", "trouble"), cases, indirect=["claude"])


@each(TROUBLES)
def test_the_stored_answer_is_given_and_nothing_is_said(claude: ClaudeBox, row: Row, trouble: str) -> None:
    left = left_behind(claude)
    TROUBLES[trouble](claude)
    found = {name: hooked.injected(hooked.first_request(claude, "Hello", cwd=cwd)) for name, cwd in places(claude)}

    counts = ", ".join(f"{name} {len(handoffs)}" for name, handoffs in found.items())
    row.shown(f"handoffs in the first request: {counts}; nothing on stderr")
    assert [hooked.sections(text) for text in found["root"]] == [hooked.sections(left)]
    assert GATES["ask"] in hooked.protocol(found["root"][0])
    assert found == {"root": found["root"], "subfolder": found["root"], "another repository in it": []}


@each(STATES)
def test_the_screen_says_nothing_of_hooks(claude: ClaudeBox, row: Row, trouble: str) -> None:
    left_behind(claude)
    STATES[trouble](claude)
    with hooked.terminal(claude) as terminal:
        terminal.wait(READY)
        terminal.enter("Hello")
        terminal.wait(r"OK\.")
        time.sleep(1)  # a message of the Stop hook would come now; nothing tells that none will
        screens = [terminal.screen()]
        terminal.enter("/clear")
        wait_until(lambda: "OK." not in terminal.screen())
        terminal.wait(READY)
        terminal.enter("Hello again")
        terminal.wait(r"OK\.")
        time.sleep(1)
        screens.append(terminal.screen())

    lines = [line.strip() for screen in screens for line in screen.splitlines() if is_of_hooks(line)]
    row.shown(f"lines about hooks on the screen: {lines or 'none'}")
    assert lines == []


@LATEST_ONLY
def test_with_the_daemon_stopped_a_resumed_conversation_is_given_nothing(claude: ClaudeBox, row: Row) -> None:
    left_behind(claude)
    [session] = hooked.sessions(claude)
    counts = [
        len(hooked.injected(hooked.first_request(claude, "Go on", "--resume", session, *way)))
        for way in ((), ("--fork-session",))
    ]
    row.shown(f"handoffs: resumed {counts[0]}, forked {counts[1]}")
    assert counts == [0, 0]


@LATEST_ONLY
def test_with_the_daemon_stopped_no_file_of_a_cloned_project_is_an_answer(claude: ClaudeBox, row: Row) -> None:
    left_behind(claude)
    clone = HOME / "clone"
    claude.make_project({".carryover/handoff.md": "# [CARRYOVER] Last updated by a STRANGER\n", "a.py": "1\n"}, clone)
    request = hooked.first_request(claude, "Hello", cwd=clone)

    row.shown(f"the stranger's text in the first request: {request.count('STRANGER')} times")
    assert "STRANGER" not in request
    assert TASK not in request


@pytest.mark.parametrize("trouble", ["none", *TROUBLES])
@LATEST_ONLY
def test_each_hook_ends_within_its_time(claude: ClaudeBox, row: Row, trouble: str) -> None:
    """Seen from inside the client's shell: the time before and after the stub, in one run that also compacts."""
    left_behind(claude)
    STATES[trouble](claude)
    hooked.with_hooks(claude, {event: [timed(event)] for event in LIMITS_S})
    for _ in range(RUNS):
        claude.script({"full_context": {"tool": "Bash", "input": {"command": "echo one"}}}, "<summary>One.</summary>")
        claude.print_mode("Hello", env=SOON)
    taken = hook_times(claude)

    for event, times in taken.items():
        row.shown(f"{event}: median {statistics.median(times):.3f} s, longest {max(times):.3f} s ({len(times)} times)")
    assert set(taken) == set(LIMITS_S)
    assert all(min(taken[event]) < limit + OF_A_SHELL_S for event, limit in LIMITS_S.items())


@pytest.mark.parametrize("trouble", TROUBLES)
@LATEST_ONLY
def test_how_long_a_run_takes_with_hooks_and_without(claude: ClaudeBox, row: Row, trouble: str) -> None:
    left_behind(claude)
    TROUBLES[trouble](claude)
    plain: list[float] = []
    again: list[float] = []
    hooks: list[float] = []
    for _ in range(PAIRS):
        hooked.without_hooks(claude)
        plain.append(taken_s(claude))
        hooked.with_hooks(claude)
        hooks.append(taken_s(claude))
        hooked.without_hooks(claude)
        again.append(taken_s(claude))
    added = statistics.median(one - other for one, other in zip(hooks, plain, strict=True))
    noise = statistics.median(abs(one - other) for one, other in zip(again, plain, strict=True))

    row.shown(f"{PAIRS} pairs of `claude -p`, without hooks: {said(plain)}; with: {said(hooks)}")
    row.shown(f"a pair differs by {added:+.3f} s (median); two runs without hooks by {noise:.3f} s")
    # Other work on the machine can spoil either measure, hardly both.
    limit = ALL_STUBS_S if trouble == "hanging" else 0.0
    assert min(added, min(hooks) - min(plain + again)) < limit + NOISE_S


def left_behind(claude: ClaudeBox) -> str:
    """A project with a session in its past, and no daemon any more; the handoff it left."""
    daemon = hooked.start(claude)
    hooked.do_the_work(claude)
    product.settle(claude.box)
    left = hooked.handoff_file(claude)
    assert daemon.stop() == 0
    return left


def places(claude: ClaudeBox) -> list[tuple[str, Path]]:
    """Where the next sessions start: in the project, in a folder of it, in a repository of its own inside."""
    inner = PROJECT / "inner"
    claude.make_project({"a.py": "1\n"}, inner)
    return [("root", PROJECT), ("subfolder", PROJECT / "sub"), ("another repository in it", inner)]


def stand_in(claude: ClaudeBox, trouble: str) -> None:
    """Something in the daemon's place, as `silent_socket.py` says."""
    claude.box.must("rm", "-f", str(SOCKET))
    server = claude.box.start(product.PYTHON, "-m", "real_agents.lab.silent_socket", str(SOCKET), trouble)
    if server.line() != "ready":
        raise RuntimeError("the stand-in did not start")


def taken_s(claude: ClaudeBox) -> float:
    start = time.monotonic()
    assert claude.print_mode("Hello").err == ""
    return time.monotonic() - start


def is_of_hooks(line: str) -> bool:
    """A message about hooks; the client's own line of what is going on ("running Stop hook") is none."""
    if "(running" in line:
        return False
    return "hook" in line.lower() or "carryover" in line.lower()


def timed(event: str) -> dict[str, object]:
    """The stub's line between two looks at the clock."""
    line = hook_command(STATE, "claude-code", event)
    command = f"t=$(date +%s%N); {line}; echo {event} $t $(date +%s%N) >>{TIMES}"
    return {"hooks": [{"type": "command", "command": command}]}


def hook_times(claude: ClaudeBox) -> dict[str, list[float]]:
    """For each event how many seconds its hooks took. The last line of a killed one is missing."""
    taken: dict[str, list[float]] = {}
    for line in claude.box.here(TIMES).read_text("utf-8").splitlines():
        event, begin, end = line.split()
        taken.setdefault(event, []).append((int(end) - int(begin)) / 1e9)
    return taken


def said(times: list[float]) -> str:
    return f"median {statistics.median(times):.3f} s, fastest {min(times):.3f} s"
