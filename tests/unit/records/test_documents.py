"""The documents that a call read, and the boxes of one that it printed whole."""

from __future__ import annotations

import pytest

from carryover.facts import Boxes
from carryover.model import Op, ResultStatus, ToolResult
from carryover.records.documents import documents_read, paths_with_blanks

BOXES = Boxes(2, 1, ("bake",))


@pytest.mark.parametrize(
    ("op", "subject", "found"),
    [
        ("read", "plan.md", [("/repo/plan.md", BOXES)]),
        ("read", "my plan.md", [("/repo/my plan.md", BOXES)]),
        ("read", "cart.py", []),
        ("shell", "cat plan.md", [("/repo/plan.md", BOXES)]),
        ("shell", "head -3 plan.md", [("/repo/plan.md", None)]),
        ("shell", "cat plan.md | head", [("/repo/plan.md", None)]),
        ("shell", "cat a.md b.md", [("/repo/a.md", None), ("/repo/b.md", None)]),
        ("shell", 'cat "/repo/Auto Run/plan.md"', [("/repo/Auto Run/plan.md", BOXES)]),
        ("shell", "head -3 'my plan.md' \"a.md\"", [("/repo/my plan.md", None), ("/repo/a.md", None)]),
        ("shell", "find . -name '*.md' -path \"$HOME/plan.md\" -o -name 'pl?n.md'", []),
        ("shell", "git commit -m 'Mend plan.md' && echo \"See a.md\"", [("/repo/plan.md", None), ("/repo/a.md", None)]),
        ("shell", 'ssh oven "cd shop && cat plan.md"', [("/repo/plan.md", None)]),
        ("shell", "bash -lc 'cat plan.md'", [("/repo/plan.md", None)]),
        ("shell", "rg 'see it.' b.md 'c.md'", [("/repo/b.md", None), ("/repo/c.md", None)]),
        ("edit", "plan.md", []),
    ],
)
def test_documents_are_known_by_their_names_and_a_whole_one_by_its_boxes(
    op: Op, subject: str, found: list[tuple[str, Boxes | None]]
) -> None:
    def read(status: ResultStatus = "ok", dropped: int = 0) -> list[tuple[str, Boxes | None]]:
        output = "- [x] knead\n- [ ] bake\n"
        result = ToolResult(call_id="c", name="", op=op, status=status, subject=subject, output=output, dropped=dropped)
        return documents_read(result, "/repo")

    assert read() == found
    assert read(dropped=1) == [(path, None) for path, _ in found]
    assert read("error") == []


@pytest.mark.parametrize(
    ("op", "subject", "found"),
    [
        ("read", "/repo/Oven 2.docx", ["/repo/Oven 2.docx"]),
        ("edit", "plan.md", []),
        ("read", "a.md b.md", []),
        ("read", "/repo/Oven\n- 2.md", []),
        ("search", "oven in b.md", []),
        ("shell", "cat a.md 'Oven 2.md' | head", ["Oven 2.md"]),
        ("shell", "sed -n 1,9p 'rye/Oven 2.md' \"b.md\"", ["rye/Oven 2.md"]),
        ("shell", "gh issue create --title 'Mend Oven in b.md'", []),
        ("shell", "cat a.md b.md", []),
    ],
)
def test_a_path_with_blanks_is_a_subject_or_in_quotes(op: Op, subject: str, found: list[str]) -> None:
    assert paths_with_blanks(op, subject) == found
