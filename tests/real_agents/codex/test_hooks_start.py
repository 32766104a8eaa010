"""What a session that starts, goes on or was compacted is told through the hooks, and what it is not told."""

from __future__ import annotations

from typing import Final

import pytest

from carryover.distill.header import PLACEHOLDER
from real_agents.codex import client, hooked, work
from real_agents.codex.client import PROJECT, READY, CodexBox
from real_agents.codex.requests import said_by, told
from real_agents.codex.work import FILES, QUESTION, TASK
from real_agents.lab import handoffs, product
from real_agents.lab.box import HOME
from real_agents.lab.handoffs import GATES, POINTER
from real_agents.lab.rows import Row
from real_agents.lab.waiting import wait_until

pytestmark = pytest.mark.real_agents

COMPACTED: Final = "Your context was just compacted in the middle of this work: go on with it"
MOVED_ON: Final = "Another session has moved this project on since your last turn here"
MOVED: Final = HOME / "settings" / "codex"
OTHER_TASK: Final = "Paint the pear green"
OTHER_PATCH: Final = "*** Begin Patch\n*** Add File: paint.py\n+GREEN = 1\n*** End Patch"


def test_a_new_session_is_given_the_handoff_once_and_nothing_of_another_project(codex: CodexBox, row: Row) -> None:
    """In its first request, as one message of the developer's role, and the same as in the file."""
    hooked.start(codex)
    work.do_the_work(codex)
    work.do_decoy_work(codex)
    product.settle(codex.box)
    left = handoffs.read(codex.box, PROJECT)
    request = hooked.first_request(codex, "Hello")
    [body] = codex.requests()[-1:]
    found = handoffs.injected(request)

    row.shown(f"{len(found)} handoff(s), {len(found[0].splitlines()) if found else 0} lines in the first request")
    row.shown(f"words of the other project: {', '.join(hooked.decoys(request)) or 'none'}")
    assert [handoffs.sections(text) for text in found] == [handoffs.sections(left)]
    assert GATES["ask"] in handoffs.protocol(found[0])
    assert [len(handoffs.injected(text)) for text in said_by(body, "developer") if handoffs.injected(text)] == [1]
    assert TASK in found[0] and QUESTION in found[0]
    assert "stock.py" in " ".join(handoffs.sections(found[0])["Failed approaches"])
    assert hooked.decoys(request) == []


def test_the_first_session_of_a_project_is_given_nothing_and_finds_the_pointer(codex: CodexBox, row: Row) -> None:
    """There is nothing to hand over; the pointer is put in place for the next session."""
    hooked.start(codex)
    request = hooked.first_request(codex, TASK)
    root = codex.box.here(PROJECT)

    row.shown(f"handoffs {len(handoffs.injected(request))}, pointer {request.count(POINTER)} times in the request")
    assert handoffs.injected(request) == []
    assert "No prior session captured" not in request
    assert POINTER in (root / "AGENTS.md").read_text("utf-8")
    assert PLACEHOLDER != handoffs.read(codex.box, PROJECT) != ""


def test_a_session_that_starts_the_moment_another_stopped_at_its_limit_gets_that(codex: CodexBox, row: Row) -> None:
    """No hook of Codex tells of a limit: the hook of the next start has the rest of the transcript read first."""
    hooked.start(codex)
    codex.script(*work.steps()[:3], work.LIMIT)
    ran = codex.box.run("sh", "-c", 'codex exec "$1"; codex exec "$2"', "sh", TASK, "Hello", cwd=PROJECT)
    [handoff] = handoffs.injected(codex.told())
    said = handoffs.sections(handoff)

    standing = " / ".join(said["Where it stands"])
    row.shown(f"where it stands: {standing}")
    assert ran.code == 0
    assert "stopped at its usage limit" in standing and work.LOOKING in standing
    assert "prices.py" in " ".join(said["Recent files"])


def test_an_ephemeral_session_is_answered_and_remembered_by_nobody(codex: CodexBox, row: Row) -> None:
    """`--ephemeral`: the hook names no transcript."""
    hooked.start(codex)
    work.do_the_work(codex)
    product.settle(codex.box)
    left = handoffs.read(codex.box, PROJECT)
    codex.script("Nobody will ever know the ZEBRA.")
    found = handoffs.injected(hooked.first_request(codex, "Hello", "--ephemeral"))
    product.settle(codex.box)

    row.shown(f"{len(found)} handoff(s) in the first request; {len(codex.transcripts())} transcript")
    assert [handoffs.sections(text) for text in found] == [handoffs.sections(left)]
    assert "ZEBRA" not in handoffs.read(codex.box, PROJECT)
    assert "ZEBRA" not in product.carryover(codex.box, "sessions", "--all")


def test_a_moved_codex_home_is_followed(codex: CodexBox, row: Row) -> None:
    """`$CODEX_HOME`: hooks, transcripts and trust lie there, and nothing is made in `~/.codex`.

    The daemon does not have the variable, as a service does not.
    """
    with client.boxed(codex.client, home=MOVED) as moved:
        moved.make_project(FILES)
        hooked.install(moved)
        product.start_daemon(moved.box, unset=["CODEX_HOME"])
        moved.trust_hooks()
        work.do_the_work(moved)
        product.settle(moved.box)
        left = handoffs.read(moved.box, PROJECT)
        found = handoffs.injected(hooked.first_request(moved, "Hello"))

        row.shown(f"{len(found)} handoff(s) in the first request; hooks in {MOVED}/hooks.json")
        assert moved.box.here(MOVED / "hooks.json").exists()
        assert not moved.box.here(client.CODEX_HOME).exists()
        assert [handoffs.sections(text) for text in found] == [handoffs.sections(left)]


@pytest.mark.parametrize("how", ["resume", "fork"])
def test_a_conversation_that_continues_is_given_only_what_another_session_moved(
    codex: CodexBox, row: Row, how: str
) -> None:
    """Resumed or forked it has its context, so nothing is added; but the work of another session is, and once."""
    hooked.start(codex)
    work.do_the_work(codex)
    [first] = codex.threads()
    unmoved = hooked.first_request(codex, "Go on", how, first)
    codex.script({"patch": OTHER_PATCH}, "The pear is green now.")
    hooked.first_request(codex, OTHER_TASK)
    moved = hooked.first_request(codex, "And now?", how, first)
    found = [handoffs.injected(text) for text in (unmoved, moved)]

    row.shown(f"handoffs in the request: nothing moved {len(found[0])}, another session worked {len(found[1])}")
    row.shown(f"told then: {' / '.join(handoffs.said_first(text) for text in found[1])}")
    assert found[0] == []
    [handoff] = found[1]
    assert_ungated(handoff, MOVED_ON)
    assert OTHER_TASK in handoff and "paint.py" in handoff
    if how == "resume":
        again = handoffs.injected(hooked.first_request(codex, "And still?", how, first))
        row.shown(f"resumed once more, nothing moved: {len(again)} (that of before)")
        assert again == [handoff]


def test_after_compact_the_work_comes_back_without_a_gate(codex: CodexBox, row: Row) -> None:
    """`/compact` in the terminal: the next request has the session's own work again; the user sees nothing of it."""
    hooked.start(codex)
    codex.script(*work.steps(), "So be it.")
    with codex.terminal() as terminal:
        terminal.wait(READY)
        terminal.enter(TASK)
        terminal.wait("the test passes")
        terminal.enter("/compact")
        terminal.wait("Context compacted")
        terminal.enter("Go on")
        terminal.wait(r"So be it\.")
        screen = terminal.screen()
    found = handoffs.injected(codex.told())

    row.shown(f"{len(found)} handoff(s): {' / '.join(handoffs.said_first(text) for text in found)}")
    row.shown(f"lines about hooks on the screen: {hooked.lines_of_hooks(screen) or 'none'}")
    [handoff] = found
    assert_ungated(handoff, COMPACTED)
    assert TASK in handoffs.sections(handoff)["Task"][0]
    assert any(QUESTION in line for line in handoffs.sections(handoff)["Open questions"])
    assert hooked.lines_of_hooks(screen) == []


def test_a_compaction_in_mid_turn_brings_the_work_back_at_once(codex: CodexBox, row: Row) -> None:
    """Codex compacts by itself between two calls of one turn; the next request of that turn has the handoff."""
    hooked.start(codex)
    steps = work.steps()
    codex.script(*steps[:2], {"full_context": steps[2]}, *steps[3:])
    codex.exec(TASK)
    found = handoffs.injected(told(codex.requests()[-1]))

    row.shown(f"{len(found)} handoff(s): {' / '.join(handoffs.said_first(text) for text in found)}")
    [handoff] = found
    assert_ungated(handoff, COMPACTED)
    assert TASK in handoffs.sections(handoff)["Task"][0]
    assert "prices.py" in handoff


def test_a_cleared_conversation_gets_the_protocol(codex: CodexBox, row: Row) -> None:
    """`/clear` in the terminal begins a conversation of its own."""
    hooked.start(codex)
    codex.script(*work.steps(), "Anew it is.")
    with codex.terminal() as terminal:
        terminal.wait(READY)
        terminal.enter(TASK)
        terminal.wait("the test passes")
        terminal.enter("/clear")
        wait_until(lambda: TASK not in terminal.screen())
        terminal.wait(READY)
        terminal.enter("Hello")
        terminal.wait(r"Anew it is\.")
    found = handoffs.injected(codex.told())

    row.shown(f"{len(found)} handoff(s): {' / '.join(handoffs.said_first(text) for text in found)}")
    [handoff] = found
    assert GATES["ask"] in handoffs.protocol(handoff)
    assert TASK in handoffs.sections(handoff)["Task"][0]


def assert_ungated(handoff: str, because: str) -> None:
    """It says why it comes and asks for nothing."""
    head = handoffs.protocol(handoff)
    assert because in head
    assert "# RESUME PROTOCOL: silent" in head
    assert GATES["ask"] not in head and GATES["brief"] not in head
