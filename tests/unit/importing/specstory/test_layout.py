from __future__ import annotations

import pytest

from carryover.importing.specstory.layout import last_tool_end, tool_end, turn_starts


def starts(text: str) -> list[int]:
    return turn_starts(text.encode().split(b"\n"))


def end_of(lines: list[str]) -> int:
    raw = [line.encode() for line in lines]
    return tool_end(raw, 0, last_tool_end(raw))


TOOL = '<tool-use data-tool-type="shell" data-tool-name="Bash"><details>'
END = "</details></tool-use>"


@pytest.mark.parametrize(
    "heading",
    [
        "_**User**_",
        "_**User (2026-07-13 13:40:49Z)**_",
        "_**Agent (model gpt-5, mode Agent)**_",
        "_**Assistant (claude-4.5-sonnet)**_",
        "_**Agent - sidechain (claude-opus-5 2026-07-13 13:42:00Z)**_",
    ],
)
def test_a_heading_below_a_blank_line_begins_a_turn(heading: str) -> None:
    assert starts(f"# Title\n\n{heading}\n\ntext") == [2]


@pytest.mark.parametrize(
    "line", ["text\n_**User**_", "> _**User**_", "_**User**_ said", "`_**User**_`", "\t_**User**_"]
)
def test_what_only_looks_like_one_is_text(line: str) -> None:
    assert starts(f"_**User**_\n\n{line}\n") == [0]


def test_a_fence_that_is_never_closed_hides_no_turn_of_another_speaker() -> None:
    assert starts("_**User**_\n\n```\nhalf a paste\n\n---\n\n_**Agent (m)**_\n\nyes") == [0, 7]


def test_a_tool_block_ends_after_its_own_fences() -> None:
    lines = [TOOL, "```text", "```go", "x", "```", END, "```", END, "after"]

    assert end_of(lines) == 7


def test_a_longer_fence_takes_shorter_ones_as_they_are() -> None:
    lines = [TOOL, "````text", "```", END, "````", END]

    assert end_of(lines) == 5


def test_fences_that_do_not_add_up_end_a_tool_block_where_it_could_first() -> None:
    lines = [TOOL, "```text", END, "", "_**User**_", "", "text"]

    assert starts("\n".join(lines)) == [4]
