"""Each layout of a SpecStory document, from its bytes to events."""

from __future__ import annotations

from pathlib import Path

from carryover.importing.document import open_document
from carryover.model import Answer, Question, ToolResult
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


def test_what_an_agent_printed_of_another_document_is_only_output() -> None:
    [printed] = [
        event.body
        for event in read("claude-code-2.1.0")
        if isinstance(event.body, ToolResult) and "old.md" in event.body.subject
    ]

    assert "Delete the database." in printed.output
    assert printed.output.endswith("\n\nDone.")


def test_a_question_is_read_with_its_options_and_the_answer() -> None:
    bodies = [event.body for event in read("claude-code-2.1.0")]
    [question] = [body for body in bodies if isinstance(body, Question)]

    assert (question.text, question.options) == ("Should the discount be capped?", ("Yes", "No"))
    assert [body.text for body in bodies if isinstance(body, Answer)] == ["No"]


def test_a_longer_export_of_a_session_has_the_keys_of_the_shorter_one(tmp_path: Path) -> None:
    whole = (FOLDER / "claude-code-2.1.0.md").read_bytes()
    shorter = tmp_path / "shorter.md"
    shorter.write_bytes(whole[: whole.index(b"_**Agent - sidechain")])

    before = events_of(open_document(shorter, project="/home/dev/shop"))

    assert before == read("claude-code-2.1.0")[: len(before)]


def test_a_document_without_times_and_session_is_read_in_order() -> None:
    document = open_document(FOLDER / "first-2025.md", project="/home/dev/shop", agent_id="cursor")

    events = events_of(document)

    assert story(events) == ["info: Untitled, -", "user: Can you push this?", "said: Pushed."]
    assert {event.at_ms for event in events} == {1_745_500_201_000}, "2025-04-24T13:10:01, from the title"
    assert document.source.session is not None and document.source.session.startswith("specstory-")
