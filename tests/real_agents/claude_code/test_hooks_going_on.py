"""A conversation that goes on: compacted, cleared, resumed, forked."""

from __future__ import annotations

import pytest

from carryover.edits.hook_command import hook_command
from real_agents.claude_code import hooked
from real_agents.claude_code.client import PROJECT, ClaudeBox, at_least
from real_agents.claude_code.hooked import EACH_VERSION, GATES, LATEST_ONLY, QUESTION, READY, SOON, STATE, TASK
from real_agents.claude_code.requests import told
from real_agents.lab import product
from real_agents.lab.box import OUT
from real_agents.lab.rows import Row
from real_agents.lab.waiting import wait_until

pytestmark = pytest.mark.real_agents

SUMMARY = "<analysis>Prices.</analysis>\n<summary>We looked at the prices.</summary>"
LAST_WORDS = f"The test of the pear fails. {QUESTION}"
COMPACTED = "Your context was just compacted in the middle of this work: go on with it"
MOVED_ON = "Another session has moved this project on since your last turn here"
SHORTLY = {"tool": "Bash", "input": {"command": "sleep 0.1"}}
EDITED = "prices.py has been updated"
COPIES = ("written.jsonl", "before.md", "after.md")
PEAR = {"tool": "Write", "input": {"file_path": str(PROJECT / "pear.py"), "content": "GREEN = 1\n"}}
LONGER = {"tool": "Bash", "input": {"command": f"{product.PYTHON} -c 'import time; time.sleep(6)'"}}
"""A fork has a new id and says only how long its parent was idle: what came within 5 s of that is its own to it."""
KEEPS_INJECTED = "2.1.111"
"""2.0.65 does not write the text of a hook into the transcript, so it is gone when the session is resumed."""


@EACH_VERSION
def test_after_compact_the_work_comes_back_without_a_gate(claude: ClaudeBox, row: Row) -> None:
    hooked.start(claude)
    claude.script(*hooked.work(), LAST_WORDS, SUMMARY, "So be it.")
    with hooked.terminal(claude) as terminal:
        terminal.wait(READY)
        terminal.enter(TASK)
        terminal.wait("pear cost two coins")
        terminal.enter("/compact")
        terminal.wait("Compacted")
        terminal.enter("Go on")
        terminal.wait(r"So be it\.")
    found = hooked.injected(claude.told())

    row.shown(f"{len(found)} handoff(s): {' / '.join(hooked.said_first(text) for text in found)}")
    [handoff] = found
    assert_ungated(handoff, COMPACTED)
    assert TASK in hooked.sections(handoff)["Task"][0]
    assert any(QUESTION in line for line in hooked.sections(handoff)["Open questions"])


@EACH_VERSION
def test_a_compaction_in_the_middle_of_the_work_finds_it_saved(claude: ClaudeBox, row: Row) -> None:
    """The handoff is copied just before the stub of PreCompact and the moment it has returned.

    An edit comes so shortly before that without the hook it would be published after it.
    """
    hooked.start(claude)
    hooked.with_hooks(claude, {"PreCompact": [between_copies()]})
    read, edit, tests = hooked.work()
    claude.script(tests, read, edit, {"full_context": SHORTLY}, SUMMARY, "It still fails.")
    claude.print_mode(TASK, env=SOON)
    written, before, after = (claude.box.here(OUT / name).read_text("utf-8") for name in COPIES)
    found = hooked.injected(claude.told())

    row.shown(f"the edit: {(EDITED in written and 'written') or 'not yet written'} by the client before the hook")
    row.shown(f"the handoff tells of it: before {edit_told(before)}, when the hook returned {edit_told(after)}")
    row.shown(f"{len(found)} handoff(s) after it: {' / '.join(hooked.said_first(text) for text in found)}")
    assert edit_told(after) or EDITED not in written
    [handoff] = found
    assert_ungated(handoff, COMPACTED)
    assert edit_told(handoff)


@EACH_VERSION
def test_after_clear_the_new_session_gets_the_protocol(claude: ClaudeBox, row: Row) -> None:
    hooked.start(claude)
    claude.script(*hooked.work(), LAST_WORDS, "Anew it is.")
    with hooked.terminal(claude) as terminal:
        terminal.wait(READY)
        terminal.enter(TASK)
        terminal.wait("pear cost two coins")
        terminal.enter("/clear")
        wait_until(lambda: TASK not in terminal.screen())
        terminal.enter("Hello")
        terminal.wait(r"Anew it is\.")
    found = hooked.injected(claude.told())

    row.shown(f"{len(found)} handoff(s): {' / '.join(hooked.said_first(text) for text in found)}")
    [handoff] = found
    assert GATES["ask"] in hooked.protocol(handoff)
    assert TASK in hooked.sections(handoff)["Task"][0]
    assert any(QUESTION in line for line in hooked.sections(handoff)["Open questions"])


@pytest.mark.parametrize("way", [(), ("--fork-session",)], ids=["resume", "fork"])
@EACH_VERSION
def test_a_conversation_that_continues_is_given_only_what_another_session_moved(
    claude: ClaudeBox, row: Row, way: tuple[str, ...]
) -> None:
    hooked.start(claude)
    hooked.do_the_work(claude)
    [first] = hooked.sessions(claude)
    unmoved = hooked.first_request(claude, "Go on", "--resume", first, *way)
    claude.script(LONGER, PEAR, "The pear is green now.")
    hooked.first_request(claude, "Paint the pear green")
    moved = hooked.first_request(claude, "And now?", "--resume", first, *way)
    found = [hooked.injected(text) for text in (unmoved, moved)]

    row.shown(f"handoffs in the request: nothing moved {len(found[0])}, another session worked {len(found[1])}")
    row.shown(f"told then: {' / '.join(hooked.said_first(text) for text in found[1])}")
    assert found[0] == []
    [handoff] = found[1]
    assert_ungated(handoff, MOVED_ON)
    assert "Paint the pear green" in handoff and "pear.py" in handoff
    if not way:
        again = hooked.injected(hooked.first_request(claude, "And still?", "--resume", first))
        row.shown(f"resumed once more, nothing moved: {len(again)} (that of before)")
        assert again == ([handoff] if at_least(claude.client.version, KEEPS_INJECTED) else [])


@LATEST_ONLY
def test_a_compaction_of_one_session_tells_its_own_work_and_not_anothers(claude: ClaudeBox, row: Row) -> None:
    hooked.start(claude)
    read, edit, tests = hooked.work()
    claude.script(read, {"unfinished": "Half of a thought"})
    other = claude.box.start(*claude.client.command, "-p", "Paint the pear green", cwd=PROJECT)
    wait_until(lambda: len(claude.requests()) == 2)
    claude.script(edit, {"full_context": tests}, SUMMARY, "It still fails.")
    claude.print_mode(TASK, env=SOON)
    [handoff] = hooked.injected(told(claude.requests()[-1]))
    other.kill()

    row.shown(f"task: {' / '.join(hooked.sections(handoff)['Task'])}")
    assert TASK in hooked.sections(handoff)["Task"][0]


def between_copies() -> dict[str, object]:
    """The stub of PreCompact between copies: transcript and handoff before it, handoff after it."""
    written, before, after = (OUT / name for name in COPIES)
    command = (
        f"cat ~/.claude/projects/*-shop/*.jsonl >{written}; cp .carryover/handoff.md {before}; "
        f"{hook_command(STATE, 'claude-code', 'PreCompact')}; cp .carryover/handoff.md {after}"
    )
    return {"hooks": [{"type": "command", "command": command}]}


def edit_told(handoff: str) -> bool:
    return "prices.py" in " ".join(hooked.sections(handoff).get("Recent files", []))


def assert_ungated(handoff: str, because: str) -> None:
    """It says why it comes and asks for nothing."""
    head = hooked.protocol(handoff)
    assert because in head
    assert "# RESUME PROTOCOL: silent" in head
    assert GATES["ask"] not in head and GATES["brief"] not in head
