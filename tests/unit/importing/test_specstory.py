"""Each layout of a SpecStory document, from its bytes to events."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.adapter.contract import ToolOutcome
from carryover.agents import specs
from carryover.importing import specstory_blocks
from carryover.importing.calls import PLAIN
from carryover.importing.candidate import Candidate, plain_text
from carryover.importing.document import open_document
from carryover.importing.specstory import named_folder, parse_beginning, spec_named
from carryover.importing.specstory_tools import read_tool
from carryover.model import AgentSummary, Answer, FileEdit, Question, ToolResult, UserPrompt
from carryover.records.fields import utc_ms
from carryover.transcript.recorder import OpenCall
from support.costs import costing_little
from support.specstory import FOLDER, events_of, read, story


def test_a_session_of_claude_code() -> None:
    """Markdown v2.1.0 of the command line tool: one heading per record, times to the second."""
    assert story(read("claude-code-2.1.0")) == [
        "user: Add a discount function to cart.py and test it.",
        "info: -, claude-opus-5",
        "said: I'll look at the cart first.",
        "read ok: /home/dev/shop/src/cart.py",
        "edit ok: /home/dev/shop/src/cart.py",
        "modify: /home/dev/shop/src/cart.py",
        "shell error 1: pytest -q tests/test_cart.py",
        "shell ok: cat .specstory/history/old.md",
        "write ok: /home/dev/shop/tests/test_discount.py",
        "add: /home/dev/shop/tests/test_discount.py",
        "plan: done Write discount; active Test it; pending Wire it into checkout",
        "plan unknown",
        "said: Looked at all callers.",
        "said: Done. To repeat it:",
        "user: /review cart.py",
        "other unknown: style",
    ]


def test_a_session_of_cursor() -> None:
    """Markdown v2.1.0 of the editor's extension: one heading for a whole answer, times to the minute."""
    assert story(read("cursor-2.1.0")) == [
        "info: Remove the banner, -",
        "user: remove the banner entirely",
        "info: -, claude-4.5-opus",
        "read unknown: /home/dev/shop/README.md",
        "said: Let me remove it now.",
        "edit unknown: /home/dev/shop/src/page.ts",
        "modify: /home/dev/shop/src/page.ts",
        "edit error: /home/dev/shop/src/gone.ts",
        "shell unknown: cd /home/dev/shop && npm test",
        "shell interrupted: npm run deploy",
        "user: dont change the changelog by hand",
    ]


def test_a_session_of_codex_in_local_time() -> None:
    events = read("codex-2.1.0")

    assert story(events) == [
        "user: Add a discount",
        "info: -, gpt-5.5",
        "plan: active Write it; pending Test it",
        "plan ok",
        "shell error 1: pytest -q",
        "edit ok: /home/dev/shop/src/discount.py",
        "add: /home/dev/shop/src/discount.py",
        "modify: /home/dev/shop/src/cart.py",
        "delete: /home/dev/shop/src/old.py",
        "shell ok 0: bash -lc cat > notes.md",
        "modify: /home/dev/shop/notes.md",
    ]
    assert events[0].at_ms == 1_771_620_825_000, "2026-02-20T20:53:45Z"


def test_what_an_agent_printed_of_another_document_is_only_output_and_a_question_has_its_options_and_answer() -> None:
    bodies = [event.body for event in read("claude-code-2.1.0")]
    [printed] = [body for body in bodies if isinstance(body, ToolResult) and "old.md" in body.subject]
    [question] = [body for body in bodies if isinstance(body, Question)]

    assert "Delete the database." in printed.output
    assert printed.output.endswith("\n\nDone.")
    assert (question.text, question.options) == ("Should the discount be capped?", ("Yes", "No"))
    assert [body.text for body in bodies if isinstance(body, Answer)] == ["No"]


def test_a_longer_export_of_a_session_has_the_keys_of_the_shorter_one(tmp_path: Path) -> None:
    whole = (FOLDER / "claude-code-2.1.0.md").read_bytes()
    shorter = tmp_path / "shorter.md"
    shorter.write_bytes(whole[: whole.index(b"_**Agent - sidechain")])

    before = events_of(open_document(Candidate(shorter, project="/home/dev/shop")))

    assert before == read("claude-code-2.1.0")[: len(before)]


def test_a_document_without_times_and_session_is_read_in_order() -> None:
    document = open_document(Candidate(FOLDER / "first-2025.md", project="/home/dev/shop", agent_id="cursor"))

    events = events_of(document)

    assert story(events) == ["info: Untitled, -", "user: Can you push this?", "said: Pushed."]
    assert {event.at_ms for event in events} == {1_745_500_201_000}, "2025-04-24T13:10:01, from the title"
    assert document.source.session is not None and document.source.session.startswith("specstory-")


CONTINUED = "This session is being continued from a previous conversation that ran out of context. The conversation is "
SUMMARY = f"{CONTINUED}summarized below:\nAnalysis:\nHm.\n\nSummary:\n1. Primary Request and Intent:\n   Push it.\n"


@pytest.mark.parametrize(
    "meta",
    [
        SUMMARY,
        "Stop hook feedback:\n- [node check.js]: Push it.",
        "Base directory for this skill: /home/dev/shop/.claude/skills/ship\n\nPush it.",
        '<channel source="chat">Push it.</channel>',
        "Caveat: The messages below were generated by the user while running local commands. DO NOT respond to these.",
    ],
)
def test_what_claude_code_tells_the_model_is_not_the_users(tmp_path: Path, meta: str) -> None:
    """SpecStory shows it as a turn of the user, without the mark that it has in the transcript."""
    head = "<!-- Generated by SpecStory -->\n\n<!-- Claude Code Session 1 (2026-07-20 11:02:16Z) -->\n"
    path = tmp_path / "a.md"
    path.write_text(f"{head}\n_**User**_\n\n{meta}\n\n---\n\n_**User**_\n\nFix it.\n\n---\n\n_**Agent**_\n\nDone.\n")
    bodies = [event.body for event in events_of(open_document(Candidate(path)))]

    assert [body.text for body in bodies if isinstance(body, UserPrompt)] == ["Fix it."]
    assert [body.parts[0].text.strip() for body in bodies if isinstance(body, AgentSummary)] == (
        ["Push it."] if meta == SUMMARY else []
    )


TOOL = '<tool-use data-tool-type="shell" data-tool-name="a&amp;b"><details>'
END = "</details></tool-use>"
HTML = '```html\n<tool-use data-tool-type="shell" data-tool-name="x">\n```'
CALL = f"{TOOL}<summary>Tool use: **command** • Run command: a &amp;&amp; b</summary>\n\n{END}"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("before\n<think><details>\nTool use: **Bash**\n</details></think>\nafter", ["before\nafter"]),
        ("before\n<think>\nnever ended", ["before"]),
        ("\n---\n\none\n\n---\n\ntwo\n\n---\n", ["one\n\n---\n\ntwo"]),
        (HTML, [HTML]),
        (CALL, ["shell a&b: Run command: a && b"]),
        (f"{TOOL}\n```text\n```go\nx\n```\n{END}\n```\n{END}\nafter", ["shell a&b: ", "after"]),
        (f"{TOOL}\n````text\n```\n{END}\n````\n{END}\nafter", ["shell a&b: ", "after"]),
    ],
    ids=[
        "thoughts",
        "thoughts without an end",
        "rules between speakers, and within",
        "a tag in a fence",
        "entities",
        "its own fences",
        "a longer fence",
    ],
)
def test_the_parts_of_an_agents_turn(text: str, parts: list[str]) -> None:
    found = [part for part in specstory_blocks.blocks(text) if part]

    assert [part if isinstance(part, str) else f"{part.kind} {part.name}: {part.summary}" for part in found] == parts


def older(tool: str, *lines: str) -> str:
    return "\n".join((f"Tool use: **{tool}**", "", *lines, "", "---", "", "Next."))


MANUAL = (
    "<details>",
    "<summary>MCP tool call</summary>",
    "",
    "*Called tool*: think.",
    "",
    "---",
    "",
    "More.",
    "</details>",
)
DIFF = (
    "",
    "<details><summary>Edit file: src/cart.py</summary>",
    "",
    "```diff",
    "@@ -1 +1 @@",
    "-a",
    "+b",
    "```",
    "",
    "</details>",
)


@pytest.mark.parametrize(
    ("text", "call"),
    [
        (older("read_file", "Read file: src/cart.py"), "read: /shop/src/cart.py"),
        (older("search_replace", *DIFF), "edit: /shop/src/cart.py"),
        (older("run_terminal_cmd", "```bash", "pytest -q", "```", "", "```", "---", "ok", "```"), "shell: pytest -q"),
        (older("mcp_think", *MANUAL), "other: MCP tool call"),
    ],
)
def test_a_tool_of_the_older_layout_is_a_call_and_not_the_agents_words(text: str, call: str) -> None:
    block, said = (part for part in specstory_blocks.blocks(text) if part)

    assert not isinstance(block, str)
    made, _, _ = read_tool(block, "1", PLAIN, "/shop")
    assert f"{made.op}: {made.subject}" == call
    assert said == "Next."


@pytest.mark.parametrize(
    ("head", "made"),
    [
        (b"<!-- Generated by SpecStory -->\n", (None, None)),
        (
            b"\xef\xbb\xbf<!-- Generated by SpecStory, Markdown v2.1.0 -->\n\n<!-- Codex CLI Session 0199 (t) -->\n",
            ("Codex CLI", "0199"),
        ),
        (b"## 2025-10-26\n\n<!-- cursor Session ab-1 -->\n\n_**User**_\n", ("cursor", "ab-1")),
        (b"## SpecStory\n\n## Empty titles (26/02/2025, 23:13:17)\n\n_**User**_\n", (None, None)),
        (b"## SpecStory\n\nIt saves chats.\n", None),
        (b"<!-- cursor Session ab-1 -->\n\nno turn\n", None),
        (b"# Notes\n\n_**User**_\n", None),
        (b"_**User**_\n\n<!-- Generated by SpecStory -->\n", None),
        (b'{"sessionId":"a"}\n', None),
    ],
)
def test_a_document_is_known_by_the_lines_above_its_first_turn(
    head: bytes, made: tuple[str | None, str | None] | None
) -> None:
    assert parse_beginning(plain_text(head)) == made


def test_the_first_documents_have_a_title_below_that_of_specstory_and_a_time_in_their_name(
    tmp_path: Path,
) -> None:
    path = tmp_path / "2025-02-26_23-13-empty-titles.md"
    path.write_text("## SpecStory\n\n## Empty titles (26/02/2025, 23:13:17)\n\n_**User**_\n\nFix it.\n")

    events = events_of(open_document(Candidate(path, agent_id="cursor")))
    assert story(events) == ["info: Empty titles (26/02/2025, 23:13:17), -", "user: Fix it."]
    assert [event.at_ms for event in events] == [utc_ms("2025-02-26 23:13")] * 2


def test_the_first_title_of_a_document_is_its_title(tmp_path: Path) -> None:
    path = tmp_path / "chat.md"
    path.write_text("## SpecStory\n\n## Empty titles\n\n# of carts\n\n_**User**_\n\nFix it.\n")

    assert story(events_of(open_document(Candidate(path, agent_id="cursor"))))[0].startswith("info: Empty titles,")


@pytest.mark.parametrize(
    ("name", "agent"),
    [
        ("Claude Code", "claude-code"),
        ("Codex CLI", "codex"),
        ("Cursor IDE", "cursor"),
        ("cursor", "cursor"),
        ("cursoride", "cursor"),
        ("geminicli", "gemini-cli"),
        ("Gemini CLI", "gemini-cli"),
        ("VS Code Copilot IDE", "copilot"),
        ("vscode", "copilot"),
        ("Factory Droid CLI", "droid"),
        ("DeepSeek TUI", None),
        ("CLI", None),
    ],
)
def test_an_agent_is_known_by_its_everyday_name(name: str, agent: str | None) -> None:
    found = spec_named(name, specs())

    assert (found and found.id) == agent


def test_the_project_is_the_folder_above_specstorys_own() -> None:
    assert [named_folder(Path(f"/shop/{at}history/a.md")) for at in (".specstory/", "")] == ["/shop", None]


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("# Title\n\n_**User**_\n\ntext", [2]),
        ("# Title\n\n_**User (2026-07-13 13:40:49Z)**_\n\ntext", [2]),
        ("# Title\n\n_**Agent (model gpt-5, mode Agent)**_\n\ntext", [2]),
        ("# Title\n\n_**Assistant (claude-4.5-sonnet)**_\n\ntext", [2]),
        ("# Title\n\n_**Agent - sidechain (claude-opus-5 2026-07-13 13:42:00Z)**_\n\ntext", [2]),
        ("_**User**_\n\ntext\n_**User**_\n", [0]),
        ("_**User**_\n\n> _**User**_\n", [0]),
        ("_**User**_\n\n_**User**_ said\n", [0]),
        ("_**User**_\n\n`_**User**_`\n", [0]),
        ("_**User**_\n\n\t_**User**_\n", [0]),
        ("_**User**_\n\n```\nhalf a paste\n\n---\n\n_**Agent (m)**_\n\nyes", [0, 7]),  # the fence is never closed
        (f"{TOOL}\n```text\n{END}\n\n_**User**_\n\ntext", [4]),  # fences that do not add up
        ("<think>\n```ts\na()\n```</think>\n\n_**Agent (m)**_\n\ntext", [5]),  # nor those of a thought
        ("<think>\n\n_**Agent (m)**_\n\ntext", [2]),
    ],
)
def test_a_turn_begins_at_a_heading_below_a_blank_line(text: str, starts: list[int]) -> None:
    assert specstory_blocks.turn_lines(text.split("\n")) == starts


def tool(name: str, *body: str, summary: str = "") -> tuple[OpenCall, ToolOutcome | None]:
    block = specstory_blocks.ToolBlock("generic", name, summary, body)
    return read_tool(block, "1", PLAIN, "/p")[:2]


@pytest.mark.parametrize(
    ("body", "summary"),
    [
        (("List", "", "`ls -a`", "", "```text", "x", "```"), ""),
        (("```bash", "ls -a", "```", "", "```", "x", "```"), ""),
        (("```", "x", "```"), "`ls -a`"),
        (("```", "x", "```"), "Run command: ls -a"),
        (("**Input:**", "", "- command: `ls -a`", "", "**Result:**", "```", "x", "```"), ""),
    ],
)
def test_a_command_is_found_where_each_agent_shows_it(body: tuple[str, ...], summary: str) -> None:
    call, outcome = tool("Bash", *body, summary=summary)

    assert (call.op, call.subject, outcome) == ("shell", "ls -a", ToolOutcome("unknown", "x"))


def test_what_a_command_printed_is_below_the_label_and_gemini_says_there_how_it_ended(tmp_path: Path) -> None:
    shown = ["```bash", "npm test", "```", "", "Result:", "```text", "Command: npm test", "Directory: (root)"]
    shown += ["Output: 1 failed", "Error: (none)", "Exit Code: 1", "Signal: 0", "```"]
    path = tmp_path / "story.md"
    head = "<!-- Generated by SpecStory, Markdown v2.0.0 -->\n<!-- Gemini CLI Session ab-1 (2025-12-02 23:39:04Z) -->"
    ran = "\n".join(('<tool-use data-tool-type="shell" data-tool-name="run_shell_command"><details>', *shown))
    end = "</details></tool-use>"
    path.write_text(f"{head}\n\n_**User**_\n\nTest it.\n\n_**Agent (gemini-3)**_\n\n{ran}\n{end}\n")

    [ended] = [event.body for event in events_of(open_document(Candidate(path))) if isinstance(event.body, ToolResult)]
    assert (ended.status, ended.exit_code, ended.output) == ("error", 1, "1 failed")


def test_a_tool_whose_name_is_not_known_ran_a_command_if_its_arguments_have_one() -> None:
    ran, _ = tool("run_in_terminal", "**Input:**", "", "- command: `npm test -- cart`", "- isBackground: `false`")
    seen, _ = tool("read_file", "**Input:**", "", "- endLine: `400`", "- filePath: `/p/cart.py`", "- startLine: `1`")

    assert (ran.op, ran.subject) == ("shell", "npm test -- cart")
    assert (seen.op, seen.subject) == ("read", "/p/cart.py")


@pytest.mark.parametrize("query", ["cart 2.1 sum prices", "sum prices in cart 2.1", "CI/CD of a cart"])
def test_a_search_for_words_with_a_version_or_a_slash_is_not_a_file(query: str) -> None:
    searched, _ = tool("WebSearch", f" `{query}`", "", "```text", "1. The cart", "```")

    assert searched.subject == query


def test_a_command_in_a_bullet_may_have_several_lines() -> None:
    call, _ = tool("shell", "- command: `[bash -lc cat <<EOF", "a", "EOF]`", "- timeout_ms: `1`")

    assert call.subject == "bash -lc cat <<EOF\na\nEOF"


@pytest.mark.parametrize(
    ("name", "body", "path"),
    [
        ("Edit", ("```text", "The file /p/a b/c.py has been updated successfully.", "```"), "/p/a b/c.py"),
        ("Edit", ("```text", "File created successfully at: /p/new.py", "```"), "/p/new.py"),
        ("Edit", ("```text", "The file C:/q/a b/c.py has been updated successfully.", "```"), "C:\\q\\a b\\c.py"),
        ("Edit", ("```text", "File created successfully at: C:\\q\\new.py (file state)", "```"), "C:\\q\\new.py"),
        ("Edit", ("```text", "Successfully wrote 3 lines to C:/q/new.py", "```"), "C:\\q\\new.py"),
        ("Edit", ("```text", "Successfully modified file: /p/x.py (1 replacement)", "```"), "/p/x.py"),
        ("Edit", ("```text", "Wrote contents to /p/y.py", "```"), "/p/y.py"),
        ("Bash", ("`echo x > a.txt`", "", "```", "Exit code: 0", "```"), "/p/a.txt"),
    ],
)
def test_the_file_of_an_edit_is_named_by_its_result_or_by_a_command_that_certainly_wrote_it(
    name: str, body: tuple[str, ...], path: str
) -> None:
    assert [change.path for change in tool(name, *body)[0].changes] == [path]


@pytest.mark.parametrize("named", ["is /p/cart.md, which is kept", "(/p/cart.md) is kept", "is /p/cart.md; ask first"])
def test_an_edit_that_a_hook_of_claude_code_stopped_changed_nothing(tmp_path: Path, named: str) -> None:
    path = tmp_path / "a.md"
    said = f"```text\nPreToolUse:Edit hook error: Hook condition was not met: The file being edited {named}.\n```"
    tag = TAG.format("write").replace('"x"', '"Edit"')
    path.write_text(f"{HOSTILE_HEAD}{tag}{said}{CLOSED}", encoding="utf-8")
    bodies = [event.body for event in events_of(open_document(Candidate(path, project="/p")))]
    [ended] = [body for body in bodies if isinstance(body, ToolResult)]

    assert not [body for body in bodies if isinstance(body, FileEdit)]
    assert (ended.status, ended.never_ran, ended.subject) == ("error", True, "/p/cart.md")


def test_the_files_of_a_patch_are_those_that_its_result_lists() -> None:
    listed = ("Success. Updated the following files:", "A a b.py", "M src/c.py", "D d.py")
    changes = tool("apply_patch", "Output:", "```", *listed, "```")[0].changes

    assert [(one.change, one.path) for one in changes] == [
        ("add", "/p/a b.py"),
        ("modify", "/p/src/c.py"),
        ("delete", "/p/d.py"),
    ]


HOSTILE_HEAD = (
    "<!-- Generated by SpecStory -->\n\n<!-- Claude Code Session a (t) -->\n\n_**Agent (m 2026-03-01 09:00:00Z)**_\n\n"
)
TAG = '<tool-use data-tool-type="{}" data-tool-name="x"><details>\n'
CLOSED = "\n</details></tool-use>\n\n"
N = 5_000


@pytest.mark.parametrize(
    "body",
    [
        TAG.format("shell") * N,
        TAG.format("shell") + "```text\n" + "\n" * 20 * N + "```" + CLOSED,
        TAG.format("write") + "<summary>" * N + CLOSED,
        "<think>\n" * N,
        "\x00\u2028\ud7ff\U0001f4a5" * N,
    ],
    ids=range(5),
)
def test_it_takes_no_longer_than_its_size(tmp_path: Path, body: str) -> None:
    path = tmp_path / "a.md"
    path.write_text(HOSTILE_HEAD + body, encoding="utf-8")
    with costing_little():
        events = events_of(open_document(Candidate(path, project="/home/dev/shop")))
    assert len(events) <= 5 * N
