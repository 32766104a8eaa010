"""What a session that starts, continues, was compacted or cleared gets, and what it does not get."""

import html
from typing import Final

from real_agents.lab import handoffs, product, shop
from real_agents.lab.box import wait_until
from real_agents.lab.handoffs import GATES, POINTER, hook_lines
from real_agents.lab.rows import Row, each_version, newest, newest_of
from real_agents.lab.shop import DECOY_WORDS, LAST_WORDS, OTHER_TASK, PROJECT, QUESTION, TASK
from real_agents.lab.tool import Tool

COMPACTED: Final = "Your context was just compacted in the middle of this work: go on with it"


AGENTS: Final = (
    "claude-code",
    "cline",
    "codex",
    "copilot",
    "droid",
    "gemini-cli",
    "kilo",
    "opencode",
    "pi",
    "qwen-code",
)


@each_version(*AGENTS, without=("0.99.0",))
def test_a_new_session_gets_the_handoff_once_and_nothing_of_another_project(tool: Tool, row: Row) -> None:
    shop.begin_worked(tool)
    shop.do_decoy_work(tool)
    left = shop.left_by(tool)
    turn = tool.turn(PROJECT, "Hello")
    found = handoffs.injected(turn.requests[0])
    below = shop.first_told(tool, cwd=PROJECT / "sub")
    decoys = [word for word in DECOY_WORDS if word in turn.requests[0]]

    row.shown(f"{len(found)} handoff(s), {len(found[0].splitlines()) if found else 0} lines in the first request")
    row.shown(f"words of the other project: {', '.join(decoys) or 'none'}; of hooks: {hook_lines(turn.seen) or 'none'}")
    if tool.ARRIVES == "hook":
        assert [handoffs.lasting(text) for text in found] == [handoffs.lasting(left)]
        assert QUESTION in found[0]
        assert GATES["ask"] in handoffs.protocol(found[0])
        assert [handoffs.sections(text)["Task"] for text in below] == [handoffs.sections(left)["Task"]]
    else:  # the file stayed as it was while the agent worked, perhaps in mid-turn, and names the one that may be newer
        assert ["read `.carryover/handoff.md` first" in text for text in (*found, *below)] == [True, True]
    for text in (found[0], *below):
        assert TASK in "".join(handoffs.sections(text)["Task"])
    assert len(below) == 1
    assert decoys == []
    if tool.HOOK_LINES is not None:
        assert hook_lines(turn.seen) == list(tool.HOOK_LINES)


@newest("claude-code", "cline", "codex", "droid", "pi", "qwen-code")
def test_the_first_session_of_a_project_gets_nothing(tool: Tool, row: Row) -> None:
    """There is nothing to hand over."""
    shop.begin_installed(tool)
    [request] = tool.turn(PROJECT, TASK, "OK.").requests

    row.shown(f"handoffs {len(handoffs.injected(request))}, pointer {request.count(POINTER)} times in the request")
    assert handoffs.injected(request) == []


@newest("claude-code", "cline", "codex", "droid", "pi", "qwen-code")
def test_a_session_that_starts_the_moment_another_reached_its_limit_gets_all_of_it(tool: Tool, row: Row) -> None:
    shop.begin_installed(tool)
    tool.script(*shop.edited(tool), tool.LIMIT)
    commands = [tool.command_line(prompt) for prompt in (TASK, "Hello")]
    assert tool.box.run("sh", "-c", "; ".join(commands), cwd=PROJECT, env=tool.environment).code == 0
    [handoff] = handoffs.injected(tool.requests()[-1])
    said = handoffs.sections(handoff)

    row.shown(f"where it stands: {' / '.join(said['Where it stands'])}")
    assert "stopped at its usage limit" in " ".join(said["Where it stands"])
    assert TASK in said["Task"][0] and "prices.py" in " ".join(said["Recent files"])


@each_version("claude-code", "copilot", beside=newest_of("cline", "codex", "droid", "gemini-cli", "pi", "qwen-code"))
def test_a_resumed_conversation_gets_only_what_another_session_moved(tool: Tool, row: Row) -> None:
    """It has its context, so nothing is added where the client kept that; the work of another session is, and once."""
    assert_continues(tool, row, fork=False)


@each_version("claude-code", beside=newest_of("cline", "codex", "pi", "qwen-code"))
def test_a_forked_conversation_gets_only_what_another_session_moved(tool: Tool, row: Row) -> None:
    assert_continues(tool, row, fork=True)


def assert_continues(tool: Tool, row: Row, *, fork: bool) -> None:
    own = shop.begin_worked(tool)
    unmoved = shop.first_told(tool, "Go on", session=own, fork=fork)
    # A fork has a new id, and Claude Code says only how long its parent was idle: what came within 5 s is its own.
    shop.do_other_work(tool, tool.shell(f"{product.PYTHON} -c 'import time; time.sleep(6)'"))
    [*before, moved] = shop.first_told(tool, "And now?", session=own, fork=fork)

    row.shown(f"nobody worked: {' / '.join(map(handoffs.said_first, unmoved)) or 'none'}")
    row.shown(f"another session worked: {handoffs.said_first(moved)}")
    assert_ungated(moved, "Another session has moved this project on since your last turn here")
    assert OTHER_TASK in moved and "paint.py" in moved
    assert before == []
    if tool.KEEPS_INJECTED:
        assert unmoved == []
    else:
        [again] = unmoved
        assert "This session was resumed" in handoffs.protocol(again) and TASK in again


@each_version("claude-code", beside=newest_of("codex", "copilot", "pi", "qwen-code"))
def test_after_compact_the_work_comes_back_without_a_gate(tool: Tool, row: Row) -> None:
    """`/compact` in the terminal: the next request has the session's own work again; the user sees nothing of it."""
    shop.begin_installed(tool)
    known = set(tool.transcripts())
    tool.script(*shop.steps(tool), *tool.SUMMARY, "So be it.", "That is all.")
    with tool.terminal(PROJECT) as terminal:
        terminal.enter(TASK)
        terminal.wait_text("the test passes")
        session = tool.new_session(known)
        if tool.id == "qwen-code":  # flushes each record before the next one, so a busy disk holds up the last (0.24.4)
            tool.wait_recorded(session, QUESTION)
        tool.compact(terminal)
        tool.wait_recorded(session, tool.COMPACTED_RECORD)
        late = product.hook_calls(tool.box)["late"]
        terminal.enter("Go on")
        terminal.wait(r"So be it\.")
        # Copilot calls no start then but its prompt's hook, which waits for 0.5 s; the next brings what one lacked.
        if is_late := product.hook_calls(tool.box)["late"] > late:
            terminal.enter("And then")
            terminal.wait(r"That is all\.")
        screen = terminal.screen()
    [handoff] = handoffs.injected(tool.requests()[-1])

    row.shown(f"{handoffs.said_first(handoff)}; lines about hooks on the screen: {hook_lines(screen) or 'none'}")
    row.shown(f"with the {'second' if is_late else 'first'} prompt after it")
    assert_ungated(handoff, COMPACTED)
    assert TASK in handoffs.sections(handoff)["Task"][0]
    assert is_late or any(QUESTION in line for line in handoffs.sections(handoff)["Open questions"])
    # Claude Code lists each hook of a compaction with its result (2.1.329), whatever it printed.
    said = [line for line in hook_lines(screen) if line not in tool.LISTED]
    assert [line for line in said if not line.startswith("PreCompact [")] == []


@each_version("claude-code", beside=newest_of("codex"))
def test_a_compaction_in_mid_turn_brings_the_work_back_at_once(tool: Tool, row: Row) -> None:
    """The client compacts by itself between two calls of one turn; the next request of that turn has the handoff."""
    shop.begin_installed(tool)
    *before, last, words = shop.steps(tool)
    replies = [*before, {"full_context": last}, *tool.SUMMARY, words]
    found = handoffs.injected(tool.turn(PROJECT, TASK, *replies).requests[-1])

    row.shown(f"{len(found)} handoff(s): {' / '.join(map(handoffs.said_first, found))}")
    [handoff] = found
    assert_ungated(handoff, COMPACTED)
    assert TASK in handoffs.sections(handoff)["Task"][0]
    assert "prices.py" in handoff


@each_version("claude-code", "gemini-cli", beside=newest_of("cline", "codex", "pi", "qwen-code"))
def test_a_cleared_conversation_gets_the_protocol(tool: Tool, row: Row) -> None:
    """`/clear` begins a conversation of its own. Gemini CLI drops what the hook of its start says, and gets it with the
    first prompt."""
    shop.begin_installed(tool)
    with tool.terminal(PROJECT) as terminal:
        tool.script(*shop.steps(tool), "Anew it is.", "That is all.")
        terminal.enter(TASK)
        terminal.wait_text("the test passes")
        terminal.wait(tool.READY)
        terminal.enter(tool.CLEAR)
        wait_until(lambda: "the test passes" not in terminal.screen())
        terminal.wait(tool.READY)
        terminal.enter("Hello")
        terminal.wait(r"Anew it is\.", 60)
        terminal.wait(tool.READY)
        terminal.enter("And then")
        terminal.wait(r"That is all\.", 60)
    first, second = map(handoffs.injected, tool.requests()[-2:])

    row.shown(f"{len(first)} handoff(s): {' / '.join(map(handoffs.said_first, first))}; then {len(second)}")
    [handoff] = first
    assert LAST_WORDS not in html.unescape(tool.requests()[-2]).replace(handoff, "")
    assert GATES["ask"] in handoffs.protocol(handoff)
    assert TASK in handoffs.sections(handoff)["Task"][0]
    assert len(second) == 1


@each_version("codex")
def test_without_hooks_the_pointer_leads_to_the_handoff(tool: Tool, row: Row) -> None:
    shop.make_project(tool.box, files={**shop.FILES, "AGENTS.md": "# Rules\nAGENTS-OF-ROOT\n"})
    product.start_daemon(tool.box)
    shop.do_the_work(tool)
    left = shop.left_by(tool)
    first, second = tool.turn(PROJECT, "Hello", tool.read(handoffs.path_in(PROJECT)), "OK.").requests
    found = handoffs.injected(tool.without_line_prefixes(second))

    row.shown(f"pointer {first.count(POINTER)} times; handoffs in the next request: {len(found)}")
    assert (first.count("AGENTS-OF-ROOT"), first.count(POINTER), handoffs.injected(first)) == (1, 1, [])
    assert [handoffs.sections(text) for text in found] == [handoffs.sections(left)]


def assert_ungated(handoff: str, because: str) -> None:
    head = handoffs.protocol(handoff)
    assert because in head
    assert "# RESUME PROTOCOL: silent" in head
    assert GATES["ask"] not in head and GATES["brief"] not in head
