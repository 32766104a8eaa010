"""Transcripts as the real client writes them now, read by the daemon, as the product's commands tell them."""

from __future__ import annotations

from typing import Final

import pytest

from carryover.model import AssistantMessage, FileEdit, ToolResult, UserPrompt
from real_agents.codex import work
from real_agents.codex.client import (
    CODEX_HOME,
    EACH_VERSION,
    LATEST,
    PROJECT,
    READY,
    CodexBox,
    boxed,
    get,
    of_version,
)
from real_agents.codex.requests import tools
from real_agents.codex.work import FAILING, FILES, LAST_WORDS, LOOKING, QUESTION, TASK
from real_agents.lab import handoffs, product, recorded
from real_agents.lab.box import HOME
from real_agents.lab.recorded import Session
from real_agents.lab.rows import Row

pytestmark = pytest.mark.real_agents

THEN: Final = "Then give a plum the price of a pear"
"""The prompt of a session that goes on."""

ANSWER: Final = "A plum costs two coins now."
OF_CODE_MODE: Final = "gpt-6.1-sol"
ELSEWHERE: Final = HOME / "orchard"


@EACH_VERSION
def test_a_session_and_its_resumption_are_recorded_whole_and_once(codex: CodexBox, row: Row) -> None:
    """Prompts, answers, edits, the failing and the passing test, the failed patch; nothing of it is not understood."""
    start(codex)
    work.do_the_work(codex)
    codex.script(ANSWER)
    codex.resume(THEN)
    [session] = read(codex, row)

    assert (session.listed.agent, session.listed.agent_version) == ("codex", codex.client.version)
    assert (session.listed.project, session.listed.branch) == (str(PROJECT), "main")
    assert prompts(session) == [TASK, THEN]
    assert [message.text for message in session.all(AssistantMessage)] == [LOOKING, LAST_WORDS, ANSWER]
    assert_worked_once(session)


@EACH_VERSION
def test_the_handoff_tells_the_work_and_what_failed(codex: CodexBox, row: Row) -> None:
    """Task, edited files, the patch that never worked, the open question: in 50 lines at most, without hooks."""
    start(codex)
    work.do_the_work(codex)
    read(codex, row)
    handoff = product.carryover(codex.box, "handoff", str(PROJECT))
    said = handoffs.sections(handoff)

    for title, lines in said.items():
        row.shown(f"{title}: {' / '.join(lines)}")
    assert TASK in said["Task"][0]
    assert {"prices.py", "NOTES.md"} <= {line.split("`")[1] for line in said["Recent files"]}
    assert any("stock.py → apply_patch verification failed" in line for line in said["Failed approaches"])
    assert any(QUESTION in line for line in said["Open questions"])
    assert len(handoff.splitlines()) <= 50


def test_an_archived_session_and_one_that_came_back_add_nothing(codex: CodexBox, row: Row) -> None:
    """`codex archive` moves the transcript to another folder, `unarchive` back to where it was."""
    start(codex)
    work.do_the_work(codex)
    [before] = read(codex, row)
    [thread] = codex.threads()
    codex.box.must("codex", "archive", thread)
    assert (codex.box.here(CODEX_HOME) / "archived_sessions").is_dir()
    [archived] = read(codex, row)
    codex.box.must("codex", "unarchive", thread)
    codex.script(ANSWER)
    codex.resume(THEN)
    [back] = read(codex, row)

    assert archived.events == before.events
    assert prompts(back) == [TASK, THEN]
    assert_worked_once(back)


def test_a_fork_counts_its_parents_history_once(codex: CodexBox, row: Row) -> None:
    """A fork is a session of its own, with only what was said in it."""
    start(codex)
    work.do_the_work(codex)
    [parent] = codex.threads()
    codex.script(ANSWER)
    codex.exec(THEN, "fork", parent)
    sessions = {session.listed.id: session for session in read(codex, row)}

    assert set(sessions) == set(codex.threads())
    assert_worked_once(sessions.pop(parent))
    [fork] = sessions.values()
    assert prompts(fork) == [THEN]
    assert fork.all(FileEdit) == []


def test_a_session_resumed_from_another_folder_works_for_that_project(codex: CodexBox, row: Row) -> None:
    """Its transcript grows in one file; each turn belongs to the project of the folder it was started in."""
    start(codex)
    codex.make_project({"plums.txt": "none\n"}, ELSEWHERE)
    work.do_the_work(codex)
    [thread] = codex.threads()
    codex.script({"shell": "echo one >plums.txt"}, ANSWER)
    codex.exec(THEN, "resume", thread, cwd=ELSEWHERE)
    read(codex, row)
    here, there = (handoffs.read(codex.box, root) for root in (PROJECT, ELSEWHERE))

    row.shown(f"the second turn's prompt: {here.count(THEN)} times here, {there.count(THEN)} times there")
    assert TASK in here and THEN not in here and ANSWER not in here
    assert THEN in there and TASK not in there and QUESTION not in there


def test_a_compacted_conversation_keeps_its_task(codex: CodexBox, row: Row) -> None:
    """`/compact` in the interactive client; the summary is no prompt and no work of its own."""
    start(codex)
    codex.script(*work.steps(), ANSWER)
    with codex.terminal() as terminal:
        terminal.wait(READY)
        terminal.enter(TASK)
        terminal.wait("the test passes")
        terminal.enter("/compact")
        terminal.wait("Context compacted")
        terminal.enter(THEN)
        terminal.wait("A plum costs two coins now")
    [session] = read(codex, row)
    handoff = handoffs.read(codex.box, PROJECT)

    assert prompts(session) == [TASK, THEN]
    assert_worked_once(session)
    assert TASK in handoff


def test_a_session_in_code_mode_is_recorded_like_any_other(codex: CodexBox, row: Row) -> None:
    """Newer models reach every tool through one that runs a script; edits and commands are recorded all the same."""
    start(codex)
    codex.script(*work.steps())
    codex.exec(TASK, "-c", f"model={OF_CODE_MODE}")
    assert set(tools(codex.requests()[0])) >= {"exec"} and "exec_command" not in tools(codex.requests()[0])
    [session] = read(codex, row)
    said = handoffs.sections(handoffs.read(codex.box, PROJECT))

    row.shown(f"failed approaches: {' / '.join(said.get('Failed approaches', ['none']))}")
    assert session.listed.model == OF_CODE_MODE
    assert prompts(session) == [TASK]
    edits = sorted((edit.path, edit.change) for edit in session.all(FileEdit))
    assert edits == [(f"{PROJECT}/NOTES.md", "add"), (f"{PROJECT}/prices.py", "modify")]
    commands = [result for result in session.all(ToolResult) if result.op == "shell"]
    assert [(result.subject, result.exit_code) for result in commands] == [(work.TESTS, 1), (work.TESTS, 0)]
    assert any("stock.py → apply_patch verification failed" in line for line in said["Failed approaches"])


@of_version("0.125.0")
def test_a_session_of_an_older_version_resumed_and_rewritten_by_the_newest_counts_once(
    codex: CodexBox, row: Row
) -> None:
    """A resumed old transcript goes on in the older family; `codex migrate-rollouts` then rewrites it in the newer."""
    old, new = codex.client, get(LATEST)
    with boxed(old, new) as both:
        start(both)
        work.do_the_work(both)
        both.client = new
        both.script(ANSWER)
        both.resume(THEN)
        [before] = read(both, row)
        bytes_before = both.transcripts()[0].read_bytes()
        both.box.must(str(new.command), "migrate-rollouts", "--apply")
        assert both.transcripts()[0].read_bytes() != bytes_before
        [after] = read(both, row)

    assert prompts(before) == [TASK, THEN]
    assert_worked_once(before)
    assert after.events == before.events


def test_an_ephemeral_session_leaves_nothing(codex: CodexBox, row: Row) -> None:
    """`--ephemeral`: the user asked that nothing be written down, so nothing is known of it."""
    start(codex)
    codex.script(*work.steps())
    codex.exec(TASK, "--ephemeral")
    product.settle(codex.box)

    row.shown(f"{len(codex.transcripts())} transcripts")
    assert codex.transcripts() == []
    assert not codex.box.here(handoffs.path_in(PROJECT)).exists()


def start(codex: CodexBox) -> None:
    """The project and the daemon; no hooks."""
    codex.make_project(FILES)
    product.start_daemon(codex.box)


def read(codex: CodexBox, row: Row) -> list[Session]:
    """What the daemon has recorded when it has read all; no record may be foreign to the adapter."""
    product.settle(codex.box)
    sessions = recorded.sessions(codex.box)
    skipped = recorded.not_understood(codex.box)
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
    assert results == [("shell", "error"), ("edit", "error"), ("edit", "ok"), ("shell", "ok")]
    tests = [result for result in session.all(ToolResult) if result.op == "shell"]
    assert [result.exit_code for result in tests] == [1, 0]
    assert FAILING in tests[0].output
