"""What a session that starts, is resumed or was compacted gets through the hooks, and what it does not get."""

from __future__ import annotations

from typing import Final

import pytest

from carryover.model import UserPrompt
from real_agents.copilot import hooked, work
from real_agents.copilot.client import EACH_VERSION, PROJECT, CopilotBox
from real_agents.copilot.requests import told
from real_agents.copilot.work import QUESTION, TASK
from real_agents.lab import handoffs, product, recorded
from real_agents.lab.handoffs import GATES, POINTER
from real_agents.lab.rows import Row
from real_agents.lab.waiting import wait_until

pytestmark = pytest.mark.real_agents

COMPACTED: Final = "Your context was just compacted in the middle of this work: go on with it"
RESUMED: Final = "This session was resumed"
MOVED_ON: Final = "Another session has moved this project on since your last turn here"
OTHER_TASK: Final = "Paint the pear green"


@EACH_VERSION
def test_a_new_session_gets_the_handoff_once_and_nothing_of_another_project(copilot: CopilotBox, row: Row) -> None:
    """In its first request, and the same as in the file; the pointer is there too."""
    hooked.start(copilot)
    work.do_the_work(copilot)
    work.do_decoy_work(copilot)
    product.settle(copilot.box)
    left = handoffs.read(copilot.box, PROJECT)
    request = hooked.first_request(copilot, "Hello")
    found = handoffs.injected(request)

    row.shown(f"{len(found)} handoff(s), {len(found[0].splitlines()) if found else 0} lines in the first request")
    row.shown(f"words of the other project: {', '.join(hooked.decoys(request)) or 'none'}")
    assert [handoffs.sections(text) for text in found] == [handoffs.sections(left)]
    assert GATES["ask"] in handoffs.protocol(found[0])
    assert TASK in found[0] and QUESTION in found[0]
    assert "stock.py" in " ".join(handoffs.sections(found[0])["Failed approaches"])
    assert request.count(POINTER) == 1
    assert hooked.decoys(request) == []


@EACH_VERSION
def test_a_resumed_session_gets_it_again_in_place_of_the_one_before(copilot: CopilotBox, row: Row) -> None:
    """What a process was given is gone with it: without an answer the model would have no handoff at all."""
    hooked.start(copilot)
    work.do_the_work(copilot)
    product.settle(copilot.box)
    hooked.first_request(copilot, "Hello")
    session = copilot.sessions()[-1]
    resumed = handoffs.injected(hooked.first_request(copilot, "Go on", f"--resume={session}"))
    copilot.script(work.create(str(PROJECT / "paint.py"), "GREEN = 1\n"), "The pear is green now.")
    copilot.ask(OTHER_TASK)
    product.settle(copilot.box)
    moved = handoffs.injected(hooked.first_request(copilot, "And now?", f"--resume={session}"))

    row.shown(f"resumed: {' / '.join(handoffs.said_first(text) for text in resumed)}")
    row.shown(f"after another session worked: {' / '.join(handoffs.said_first(text) for text in moved)}")
    [again] = resumed
    assert RESUMED in handoffs.protocol(again) and GATES["ask"] not in handoffs.protocol(again)
    assert TASK in again
    [newer] = moved
    assert MOVED_ON in handoffs.protocol(newer)
    assert OTHER_TASK in newer and "paint.py" in newer


def test_after_a_compaction_the_next_prompt_brings_it_back_once(copilot: CopilotBox, row: Row) -> None:
    """`/compact` removes what the start of the session put before the conversation."""
    hooked.start(copilot)
    copilot.script(*work.steps(), "So be it.", "And so on.")
    with copilot.terminal() as terminal:
        terminal.enter(TASK)
        terminal.wait("the test passes")
        before = len(handoffs.injected(copilot.told()))
        terminal.enter("/compact")
        wait_until(lambda: '"session.compaction_complete"' in copilot.logs()[-1].read_text("utf-8"))
        terminal.enter("Go on")
        terminal.wait(r"So be it\.")
        first = told(copilot.requests()[-1])
        terminal.enter("And then")
        terminal.wait(r"And so on\.")
        second = told(copilot.requests()[-1])

    found, later = handoffs.injected(first), handoffs.injected(second)
    row.shown(
        f"handoffs before the compaction {before}, in the next request {len(found)}, in the one after {len(later)}"
    )
    row.shown(f"{' / '.join(handoffs.said_first(text) for text in found)}")
    [handoff] = found
    assert COMPACTED in handoffs.protocol(handoff)
    assert TASK in handoffs.sections(handoff)["Task"][0]
    assert later == [handoff], "it stays in the conversation and comes no second time"


def test_a_resumed_session_that_was_compacted_gets_one(copilot: CopilotBox, row: Row) -> None:
    """The start of the new process brings it, so the prompt that comes with it does not."""
    hooked.start(copilot)
    copilot.script(*work.steps(), "So be it.")
    with copilot.terminal() as terminal:
        terminal.enter(TASK)
        terminal.wait("the test passes")
        terminal.enter("/compact")
        wait_until(lambda: '"session.compaction_complete"' in copilot.logs()[-1].read_text("utf-8"))
    found = handoffs.injected(hooked.first_request(copilot, "Go on", f"--resume={copilot.sessions()[-1]}"))

    row.shown(f"{len(found)} handoff(s): {' / '.join(handoffs.said_first(text) for text in found)}")
    [handoff] = found
    assert RESUMED in handoffs.protocol(handoff)


def test_with_the_daemon_down_a_session_gets_the_answer_made_in_advance(copilot: CopilotBox, row: Row) -> None:
    """A new one and a resumed one; a prompt in between gets nothing and is not delayed."""
    left = hooked.left_behind(copilot)
    new = handoffs.injected(hooked.first_request(copilot, "Hello"))
    resumed = handoffs.injected(hooked.first_request(copilot, "Go on", "--continue"))

    row.shown(f"new: {len(new)}, resumed: {' / '.join(handoffs.said_first(text) for text in resumed)}")
    assert [handoffs.sections(text) for text in new] == [handoffs.sections(left)]
    [handoff] = resumed
    assert RESUMED in handoffs.protocol(handoff)


def test_a_rewound_turn_is_not_in_the_next_handoff(copilot: CopilotBox, row: Row) -> None:
    """`/rewind` replaces the log; what it no longer holds counts no more."""
    hooked.start(copilot)
    copilot.script(*work.steps(), "The pear is green now.", "The plum costs two coins.")
    with copilot.terminal() as terminal:
        terminal.enter(TASK)
        terminal.wait("the test passes")
        terminal.enter(OTHER_TASK)
        terminal.wait("green now")
        product.settle(copilot.box)
        before = prompts(copilot)
        terminal.enter("/rewind")
        terminal.wait("Rewind to a previous point")
        terminal.key("Enter")
        terminal.wait("Conversation only")
        terminal.key("Enter")
        wait_until(lambda: '"infoType":"rewind"' in copilot.logs()[-1].read_text("utf-8"))
        terminal.key("C-u")  # the undone prompt is offered again
        terminal.enter("Now the plum")
        terminal.wait("two coins")
    product.settle(copilot.box)
    after = prompts(copilot)

    row.shown(f"prompts that count before: {before}, after: {after}")
    assert before == [TASK, OTHER_TASK]
    assert after == [TASK, "Now the plum"]
    assert OTHER_TASK not in handoffs.read(copilot.box, PROJECT)


def prompts(copilot: CopilotBox) -> list[str]:
    """Those of the newest session that were not taken back."""
    events = recorded.sessions(copilot.box)[0].events
    return [event.body.text for event in events if isinstance(event.body, UserPrompt) and not event.retracted]
