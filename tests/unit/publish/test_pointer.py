"""The block comes once, goes without a trace, and nothing that looks like it is touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.publish.pointers import (
    NEW_FILE,
    State,
    block_state,
    imports_agents_md,
    says_nothing,
    with_block,
    without_block,
)
from support.texts import TEXTS

BLOCK = """\
<!--CARRYOVER:START-->
# Carryover handoff
If `.carryover/handoff.md` exists in this project, read it before starting
work — it contains a bounded handoff from the previous session.
If your file tool refuses it as ignored, use `cat .carryover/handoff.md`.
If that file does not exist, no recent session was captured.
<!--CARRYOVER:END-->
""".encode()
EDITED = BLOCK.replace(b"bounded", b"short")
BOM = b"\xef\xbb\xbf"


def test_the_text_of_the_block_never_changes() -> None:
    """If it did, every block in the field would count as edited."""
    assert NEW_FILE == BLOCK


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"# Rules\n\nBe brief.\n", b"# Rules\n\nBe brief.\n\n" + BLOCK),
        (b"Be brief.", b"Be brief.\n" + BLOCK),
        (BOM + b"Be\r\nbrief.\r\n", BOM + b"Be\r\nbrief.\r\n\r\n" + BLOCK.replace(b"\n", b"\r\n")),
        (b"\xe9 is not UTF-8\n", b"\xe9 is not UTF-8\n\n" + BLOCK),
        (b"```\n" + BLOCK + b"```\n", b"```\n" + BLOCK + b"```\n\n" + BLOCK),
        (b"- ```md\n" + BLOCK + b"  ```\n", b"- ```md\n" + BLOCK + b"  ```\n\n" + BLOCK),
        (b"never closed\n```\n", b"never closed\n```\n\n" + BLOCK),
        (b"see `<!--CARRYOVER:START-->`\n", b"see `<!--CARRYOVER:START-->`\n\n" + BLOCK),
        (b"    <!--CARRYOVER:START-->\n", b"    <!--CARRYOVER:START-->\n\n" + BLOCK),
        (b"", b"\n" + BLOCK),
    ],
)
def test_the_block_at_the_end(before: bytes, after: bytes) -> None:
    assert with_block(before, at_top=False) == after
    assert without_block(after) == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"# Rules\n", BLOCK + b"\n# Rules\n"),
        (BOM + b"# Rules", BOM + BLOCK + b"\n# Rules"),
        (b"a\r\nb\r\n", BLOCK.replace(b"\n", b"\r\n") + b"\r\na\r\nb\r\n"),
    ],
)
def test_the_block_at_the_top(before: bytes, after: bytes) -> None:
    assert with_block(before, at_top=True) == after
    assert without_block(after) == before


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "absent"),
        (b"```\n" + BLOCK + b"```\n", "absent"),
        (BLOCK, "intact"),
        (BLOCK.replace(b"\n", b"\r\n"), "intact"),
        (b"before\n\n" + BLOCK + b"\nafter\n", "intact"),
        (BOM + BLOCK, "intact"),
        (BLOCK.rstrip(), "intact"),
        (BLOCK + BLOCK, "intact"),
        (EDITED, "edited"),
        (BLOCK.replace(b"handoff\n", b"handoff\n\n"), "edited"),
        (BLOCK.replace(b"<!--CARRYOVER:END-->\n", b""), "broken"),
        (BLOCK.replace(b"<!--CARRYOVER:START-->\n", b""), "broken"),
        (b"<!--CARRYOVER:START-->\n" + EDITED, "broken"),
    ],
)
def test_what_is_there_already(data: bytes, expected: State) -> None:
    assert block_state(data) == expected


@pytest.mark.parametrize("data", [EDITED, BLOCK.replace(b"<!--CARRYOVER:END-->\n", b""), "utf-16".encode("utf-16")])
def test_what_is_not_ours_to_repair_stays_as_it_is(data: bytes) -> None:
    assert with_block(data, at_top=False) == data
    assert without_block(data) == data


def test_a_block_that_was_moved_stays_where_it_is() -> None:
    moved = b"first\n\n" + BLOCK + b"\nlast\n"

    assert with_block(moved, at_top=False) == moved
    assert without_block(moved) == b"first\n\nlast\n"


@pytest.mark.parametrize(
    ("text", "imports"),
    [
        ("@AGENTS.md", True),
        ("Rules are in @AGENTS.md and here.\n", True),
        ("- @./AGENTS.md\r\n", True),
        ("See AGENTS.md", False),
        ("me@AGENTS.md", False),
        ("@AGENTS.mdx", False),
        ("@docs/AGENTS.md", False),
        ("@../AGENTS.md", False),
        ("`@AGENTS.md`", False),
        ("```\n@AGENTS.md\n```\n", False),
        ("<!-- @AGENTS.md -->", False),
        ("<!--\n@AGENTS.md\n-->\n", False),
    ],
)
def test_an_import_of_agents_md_outside_code_and_comments(text: str, imports: bool) -> None:
    assert imports_agents_md(text.encode()) is imports


@pytest.mark.parametrize(
    ("data", "nothing"),
    [
        (b"", True),
        (BOM + b" \r\n\t\n", True),
        (b"<!-- to do -->\n\n<!--\nlater <!--\n-->\n", True),
        (b"\n" + BLOCK, True),
        (b"# Rules\n" + BLOCK, False),
        (EDITED, False),
        (b"```\nmake test\n```\n", False),
        (b"`make test`", False),
        (b"```\n<!-- an example -->\n```\n", False),
        (b"<!-- never closed", False),
        (b"<!-- closed --> <!-- never closed", False),
        (b"<!--" * 60_000, False),
    ],
)
def test_a_file_that_says_nothing_of_its_own(data: bytes, nothing: bool) -> None:
    assert says_nothing(data) is nothing


@given(data=TEXTS, at_top=st.booleans())
def test_for_every_text_the_block_comes_once_and_goes_without_a_trace(data: bytes, at_top: bool) -> None:
    once = with_block(data, at_top=at_top)

    assert with_block(once, at_top=not at_top) == once
    assert without_block(once) == without_block(data)
    if block_state(data) == "absent":
        assert without_block(once) == data
        assert once.startswith(data) or once.endswith(data.removeprefix(BOM))
        assert block_state(once) == ("absent" if b"\0" in data else "intact")
