"""Sessions as the real client writes them now, read by the daemon, as the product's commands show them."""

from __future__ import annotations

from typing import Final

import pytest

from carryover.model import AssistantMessage, FileEdit, PlanUpdate, ToolResult, TurnEnd, UserPrompt
from real_agents.lab import handoffs, product, recorded
from real_agents.lab.recorded import Session
from real_agents.lab.rows import Row
from real_agents.lab.waiting import wait_until
from real_agents.opencode import work
from real_agents.opencode.client import EACH_VERSION, PROJECT, WITH_FILES, OpencodeBox, of_version
from real_agents.opencode.work import FAILING, FILES, LAST_WORDS, LOOKING, QUESTION, TASK

pytestmark = pytest.mark.real_agents

THEN: Final = "Then give a plum the price of a pear"
"""The prompt of a session that continues."""
ANSWER: Final = "A plum costs two coins now."


@EACH_VERSION
def test_a_session_and_its_continuation_are_recorded_whole_and_once(opencode: OpencodeBox, row: Row) -> None:
    """Prompts, answers, edits, todos, the failing and the passing test, the failed edit; everything is understood."""
    start(opencode)
    work.do_the_work(opencode)
    [first] = read(opencode, row)
    opencode.script(ANSWER)
    opencode.run(THEN, "-c")
    [session] = read(opencode, row)
    said = handoffs.sections(handoffs.read(opencode.box, PROJECT))

    assert (session.listed.agent, session.listed.agent_version) == ("opencode", opencode.client.version)
    assert session.listed.project == str(PROJECT)
    assert prompts(session) == [TASK, THEN]
    assert [message.text for message in session.all(AssistantMessage)] == [LOOKING, LAST_WORDS, ANSWER]
    assert session.events[: len(first.events)] == first.events
    assert_worked_once(session)
    assert {"prices.py", "NOTES.md"} <= {line.split("`")[1] for line in said["Recent files"]}


@of_version(WITH_FILES)
def test_the_files_of_an_older_version_are_read(opencode: OpencodeBox, row: Row) -> None:
    """Before 1.2 a session was a folder of files."""
    work_first(opencode)
    product.start_daemon(opencode.box)
    [session] = read(opencode, row)

    assert prompts(session) == [TASK]
    assert [message.text for message in session.all(AssistantMessage)] == [LOOKING, LAST_WORDS]
    assert_worked_once(session)
    assert any(QUESTION in line for line in handoffs.read(opencode.box, PROJECT).splitlines())


@EACH_VERSION
def test_a_fork_counts_its_parents_history_once(opencode: OpencodeBox, row: Row) -> None:
    """The client copies every message under a new id; the fork has only what was said in it."""
    start(opencode)
    work.do_the_work(opencode)
    opencode.script(ANSWER)
    opencode.run(THEN, "-c", "--fork")
    fork, parent = read(opencode, row)

    assert_worked_once(parent)
    assert prompts(fork) == [THEN]
    assert fork.all(FileEdit) == []


@EACH_VERSION
def test_a_limit_and_a_killed_client_are_reported(opencode: OpencodeBox, row: Row) -> None:
    """The handoff has the limit while nobody asks; a killed client leaves the prompt that it was working on."""
    start(opencode)
    opencode.script(work.LIMIT)
    # 1.2.27 ends with 0 after an error.
    opencode.box.run(str(opencode.client.command), "run", TASK, cwd=PROJECT)
    wait_until(lambda: "usage limit" in handoffs.read(opencode.box, PROJECT))
    [limited] = read(opencode, row)
    assert [end.reason for end in limited.all(TurnEnd)] == ["limit"]

    known = len(opencode.requests())
    opencode.script({"unfinished": "A plum "})
    killed = opencode.start_run(THEN)
    wait_until(lambda: len(opencode.requests()) > known)
    killed.kill()
    wait_until(lambda: THEN in handoffs.read(opencode.box, PROJECT))
    newest = read(opencode, row)[0]

    assert prompts(newest) == [THEN]
    assert newest.all(AssistantMessage) == []


def test_a_sub_agent_belongs_to_its_session(opencode: OpencodeBox, row: Row) -> None:
    """What it was asked is not a prompt of the user."""
    start(opencode)
    given = {"description": "Count pears", "prompt": "Count the pears in prices.py", "subagent_type": "general"}
    opencode.script({"tool": "task", "input": given}, "There is one pear.", "One.")
    opencode.run("How many pears?")
    [session] = read(opencode, row)

    assert prompts(session) == ["How many pears?"]
    assert [message.text for message in session.all(AssistantMessage)] == ["One."]
    assert [prompt.actor for prompt in session.all(UserPrompt, sidechains=True)].count("model") == 1


def test_a_deleted_session_stays_recorded(opencode: OpencodeBox, row: Row) -> None:
    """`opencode session delete` removes its rows."""
    start(opencode)
    work.do_the_work(opencode)
    [before] = read(opencode, row)
    opencode.box.must(str(opencode.client.command), "session", "delete", before.listed.id, cwd=PROJECT)
    [after] = read(opencode, row)

    assert after.events == before.events


def test_an_exported_session_gives_the_same_handoff(opencode: OpencodeBox, row: Row) -> None:
    """`opencode export` writes one document."""
    start(opencode)
    work.do_the_work(opencode)
    [session] = read(opencode, row)
    document = opencode.box.must(str(opencode.client.command), "export", session.listed.id, cwd=PROJECT)
    opencode.box.write(PROJECT / "export.json", document)
    handoff = product.carryover(opencode.box, "handoff", "--transcript", str(PROJECT / "export.json"))

    said, live = handoffs.sections(handoff), handoffs.sections(handoffs.read(opencode.box, PROJECT))
    assert (said["Task"], said["Open questions"]) == (live["Task"], live["Open questions"])


def start(opencode: OpencodeBox) -> None:
    """The project and the daemon."""
    opencode.make_project(FILES)
    product.start_daemon(opencode.box)


def work_first(opencode: OpencodeBox) -> None:
    opencode.make_project(FILES)
    work.do_the_work(opencode)


def read(opencode: OpencodeBox, row: Row) -> list[Session]:
    """What the daemon has recorded when it has read all; no record may be foreign to the adapter."""
    product.settle(opencode.box)
    sessions = recorded.sessions(opencode.box)
    skipped = recorded.not_understood(opencode.box)
    row.shown(f"{len(sessions)} sessions, {sum(len(session.events) for session in sessions)} events, {skipped} skipped")
    assert skipped == 0
    return sessions


def prompts(session: Session) -> list[str]:
    return [prompt.text for prompt in session.all(UserPrompt)]


def assert_worked_once(session: Session) -> None:
    """The scripted work: each edit and each result is there once."""
    edits = sorted((edit.path, edit.change) for edit in session.all(FileEdit))
    assert edits == [(f"{PROJECT}/NOTES.md", "add"), (f"{PROJECT}/prices.py", "modify")]
    results = [(result.op, result.status) for result in session.all(ToolResult)]
    expected = ["shell error", "read ok", "edit error", "edit ok", "write ok", "plan ok", "shell ok"]
    assert [" ".join(result) for result in results] == expected
    tests = [result for result in session.all(ToolResult) if result.op == "shell"]
    assert [result.exit_code for result in tests] == [1, 0]
    assert FAILING in tests[0].output
    assert [len(plan.items) for plan in session.all(PlanUpdate)] == [2]
