"""Sessions as the real clients write them now, also those that end badly, as the product's commands show them."""

from typing import Final

from carryover.model import AssistantMessage, FileEdit, ToolResult, UserPrompt
from real_agents.lab import handoffs, product, recorded, shop
from real_agents.lab.box import Gate, wait_until
from real_agents.lab.recorded import Session
from real_agents.lab.rows import Row, each_version, newest, newest_of
from real_agents.lab.shop import FAILING, LAST_WORDS, LOOKING, PROJECT, QUESTION, TASK
from real_agents.lab.tool import Tool, tools

THEN: Final = "Then give a plum the price of a pear"
ANSWER: Final = "A plum costs two coins now."


@each_version(
    "claude-code",
    "cline",
    "codex",
    "continue-dev",
    "copilot",
    "droid",
    "gemini-cli",
    "gptme",
    "hermes",
    "kilo",
    "kimi-code",
    "mistral-vibe",
    "openclaw",
    "opencode",
    "pi",
    "qwen-code",
)
def test_a_session_and_its_continuation_are_recorded_whole_and_once(tool: Tool, row: Row) -> None:
    shop.begin(tool)
    session = shop.do_the_work(tool)
    told = shop.left_by(tool)
    continued = tool.id not in ("gemini-cli",)  # a resume leaves out the prompt of a run without a terminal (0.61.0)
    if continued:
        tool.turn(PROJECT, THEN, ANSWER, session=session)
    [found] = read(tool, row)
    said = handoffs.sections(told)

    for title, lines in said.items():
        row.shown(f"{title}: {' / '.join(lines)}")
    version = tool.version if tool.RECORDS_VERSION else None
    assert (found.listed.agent, found.listed.agent_version) == (tool.id, version)
    assert found.listed.project == str(PROJECT)
    assert prompts(found) == [TASK, THEN][: 1 + continued]
    assert [text for text in texts(found) if text != LOOKING] == [LAST_WORDS, ANSWER][: 1 + continued]
    assert_worked_once(found)
    assert TASK in said["Task"][0]
    assert all(f"`{name}`" in " ".join(said["Recent files"]) for name in ("prices.py", "NOTES.md"))
    assert any(QUESTION in line for line in said["Open questions"])
    assert len(told.splitlines()) <= 50
    if tool.id in ("codex", "copilot"):
        assert any("stock.py" in line for line in said["Failed approaches"])


@each_version("claude-code", "cline", "gptme", "kilo", "opencode", "pi", "qwen-code", beside=newest_of("codex"))
def test_a_fork_counts_its_parents_history_once(tool: Tool, row: Row) -> None:
    """Only what was said in it is its own."""
    shop.begin(tool)
    parent = shop.do_the_work(tool)
    tool.turn(PROJECT, THEN, ANSWER, session=parent, fork=True)
    sessions = {session.listed.id: session for session in read(tool, row)}

    assert_worked_once(sessions.pop(parent))
    [fork] = sessions.values()
    assert prompts(fork) == [THEN]
    assert fork.all(FileEdit) == []


def read(tool: Tool, row: Row) -> list[Session]:
    product.settle(tool.box)
    sessions = recorded.sessions(tool.box)
    skipped = recorded.not_understood(tool.box)
    row.shown(f"{len(sessions)} sessions, {sum(len(session.events) for session in sessions)} events, {skipped} skipped")
    assert skipped == 0
    # Before a session of its own, Claude Code 2.0.65 starts sub-agents under an id that has no transcript.
    return [session for session in sessions if any(event.subagent_id is None for event in session.events)]


def prompts(session: Session) -> list[str]:
    return [prompt.text for prompt in session.all(UserPrompt)]


def texts(session: Session) -> list[str]:
    return [message.text for message in session.all(AssistantMessage)]


def assert_worked_once(session: Session) -> None:
    edits = sorted((edit.path, edit.change) for edit in session.all(FileEdit))
    new = "add" if tools()[session.listed.agent].RECORDS_NEW else "modify"
    assert edits == [(f"{PROJECT}/NOTES.md", new), (f"{PROJECT}/prices.py", "modify")]
    results = [result for result in session.all(ToolResult) if result.op in ("shell", "edit", "write")]
    shown = [f"{'edit' if result.op == 'write' else result.op} {result.status}" for result in results]
    assert shown == ["shell error", "edit error", "edit ok", "edit ok", "shell ok"]
    assert (results[0].exit_code, results[-1].exit_code or 0) == (1, 0)
    assert FAILING in results[0].output


BY_LIMIT: Final = "stopped at its usage limit"
BY_USER: Final = "interrupted by the user"
UNFINISHED: Final = "no answer recorded"
SILENT_ON_LIMITS: Final = {
    ("cline", "3.0.57"): UNFINISHED,
    ("codex", "0.125.0"): UNFINISHED,
    ("codex", "0.99.0"): UNFINISHED,
    "gemini-cli": LOOKING,
}
"""What the handoff says instead where a run without a terminal does not write down why a turn failed."""


@each_version(
    "cline",
    "codex",
    "copilot",
    "droid",
    "gemini-cli",
    "gptme",
    "hermes",
    "kilo",
    "kimi-code",
    "mistral-vibe",
    "opencode",
    "pi",
    "qwen-code",
    beside=newest_of("claude-code"),
)
def test_a_limit_is_named_as_what_stopped_the_work(tool: Tool, row: Row) -> None:
    shop.begin(tool)
    tool.turn(PROJECT, TASK, *shop.edited(tool), tool.LIMIT, code=None)

    said_instead = SILENT_ON_LIMITS.get(tool.id, SILENT_ON_LIMITS.get((tool.id, tool.version)))
    assert_left(tool, row, said_instead or BY_LIMIT)


@newest("claude-code", "cline", "codex", "gemini-cli", "gptme", "mistral-vibe", "pi", "qwen-code")
def test_a_limit_is_named_while_the_session_is_open(tool: Tool, row: Row) -> None:
    """In the terminal; Gemini CLI asks first whether to keep trying, and writes it down when the user stops."""
    shop.begin(tool)
    if tool.id == "gemini-cli":
        tool.reach_limit(PROJECT, TASK, *shop.edited(tool))
        return assert_left(tool, row, BY_LIMIT)
    with tool.terminal(PROJECT) as terminal:
        tool.script(*shop.edited(tool), tool.LIMIT)
        terminal.enter(TASK)
        wait_until(lambda: BY_LIMIT in handoffs.read(tool.box, PROJECT))
        return assert_left(tool, row, BY_LIMIT)


@each_version("claude-code", beside=newest_of("codex", "gemini-cli", "gptme", "mistral-vibe", "pi", "qwen-code"))
def test_an_interrupted_turn_leaves_what_was_asked(tool: Tool, row: Row) -> None:
    shop.begin(tool)
    replies = [*shop.edited(tool), {"unfinished": "Half of a thought"}]
    with tool.terminal(PROJECT) as terminal:
        tool.script(*replies)
        terminal.enter(TASK)
        wait_until(lambda: len(tool.requests()) == len(replies))
        terminal.wait("Half of a thought|esc to interrupt|…")
        tool.interrupt(terminal)
        wait_until(lambda: BY_USER in handoffs.read(tool.box, PROJECT))
        assert_left(tool, row, BY_USER)
    [session] = recorded.sessions(tool.box)
    assert [(prompt.actor, prompt.text) for prompt in session.all(UserPrompt)] == [("human", TASK)]


@each_version(
    "claude-code",
    "cline",
    "copilot",
    "droid",
    "gptme",
    "hermes",
    "kilo",
    "kimi-code",
    "mistral-vibe",
    "opencode",
    "pi",
    "qwen-code",
    beside=newest_of("codex", "gemini-cli"),
)
def test_kill_9_in_a_command_leaves_what_was_asked(tool: Tool, row: Row) -> None:
    """The transcript just stops; a client may write it a moment after it has acted."""
    shop.begin(tool)
    gate, known = Gate(tool.box, "never"), set(tool.transcripts())
    running = tool.start(PROJECT, TASK, *shop.edited(tool), tool.shell(gate.command))
    gate.wait_reached(tool.RUNS_S)
    session = tool.new_session(known)
    tool.wait_recorded(session, gate.command if tool.RECORDS_RUNNING else "NOTES.md")
    assert running.kill() == -9
    gate.open()

    assert_left(tool, row, UNFINISHED if tool.RECORDS_RUNNING else LOOKING)


def assert_left(tool: Tool, row: Row, ending: str) -> None:
    handoff = shop.left_by(tool)
    said, standing = handoffs.sections(handoff), handoffs.lines_of(handoff, "Where it stands", "Next action")
    row.shown(f"where it stands: {standing}")
    assert ending in standing
    assert TASK in said["Task"][0]
    assert "prices.py" in " ".join(said["Recent files"])
