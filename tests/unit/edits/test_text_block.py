"""Lines are added to a text so that they can be taken out again without a trace."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from carryover.edits.plan import Change, Edit, diff
from carryover.edits.user_text import find_lines, newline_of, with_lines, without_span
from support.texts import TEXTS

BLOCK = (b"# ours", b"rule")


def without(data: bytes) -> bytes:
    span = find_lines(data, BLOCK)
    assert span is not None
    return without_span(data, span)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"\n# ours\nrule\n"),
        (b"a\n", b"a\n\n# ours\nrule\n"),
        (b"a", b"a\n# ours\nrule\n"),
        (b"a\r\nb\r\n", b"a\r\nb\r\n\r\n# ours\r\nrule\r\n"),
        (b"a\r\nb", b"a\r\nb\r\n# ours\r\nrule\r\n"),
        (b"\xef\xbb\xbfa\n", b"\xef\xbb\xbfa\n\n# ours\nrule\n"),
    ],
)
def test_lines_at_the_end(before: bytes, after: bytes) -> None:
    assert (with_lines(before, BLOCK), without(after)) == (after, before)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"# ours\nrule\n\n"),
        (b"a\n", b"# ours\nrule\n\na\n"),
        (b"\xef\xbb\xbfa\r\nb\r\n", b"\xef\xbb\xbf# ours\r\nrule\r\n\r\na\r\nb\r\n"),
    ],
)
def test_lines_at_the_top(before: bytes, after: bytes) -> None:
    assert (with_lines(before, BLOCK, at_top=True), without(after)) == (after, before)


@pytest.mark.parametrize(
    ("with_more", "rest"),
    [
        (b"a\n# ours\nrule\nadded later\n", b"a\nadded later\n"),
        (b"a\n\n# ours\nrule\nadded later\n", b"a\nadded later\n"),
        (b"a\n\n# ours\nrule\n\nadded later", b"a\n\nadded later"),
        (b"# ours\nrule\nadded later\n", b"added later\n"),
        (b"a\n\n# ours\nrule", b"a\n"),
    ],
)
def test_text_that_came_later_keeps_its_lines(with_more: bytes, rest: bytes) -> None:
    assert without(with_more) == rest


@pytest.mark.parametrize("data", [b"x# ours\nrule\n", b"# ours\nrules\n", b"# ours\nrule\r\n", b"# ours\r\nrule\n"])
def test_only_whole_lines_with_one_line_end_are_found(data: bytes) -> None:
    assert find_lines(data, BLOCK) is None


@pytest.mark.parametrize(
    ("data", "eol"), [(b"", b"\n"), (b"a\r\nb\r\nc\n", b"\r\n"), (b"a\r\nb\n", b"\n"), (b"a\rb\r", b"\n")]
)
def test_the_line_end_of_most_lines_counts(data: bytes, eol: bytes) -> None:
    assert newline_of(data) == eol


@given(data=TEXTS, at_top=st.booleans())
def test_taking_out_what_was_added_gives_the_text_as_it_was(data: bytes, at_top: bool) -> None:
    assert without(with_lines(data, BLOCK, at_top=at_top)) == data


LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\r\n", b"\n"]), max_size=12).map(b"".join)


def edit(before: bytes | None, after: bytes | None, reason: str | None = None) -> Edit:
    change = Change(path=Path("/home/dev/s.json"), what="a test", edit=lambda _: after)
    return Edit(change, before, after, reason)


def test_a_changed_file() -> None:
    lines = [f"{number}\n" for number in range(1, 11)]
    before = "".join(lines).encode()

    assert diff(edit(before, before.replace(b"8\n", b"eight\n"))) == (
        "--- /home/dev/s.json\n+++ /home/dev/s.json\n@@ -5,6 +5,6 @@\n 5\n 6\n 7\n-8\n+eight\n 9\n 10\n"
    )


def test_a_new_file_and_one_that_goes() -> None:
    assert diff(edit(None, b"a\nb")) == (
        "--- /dev/null\n+++ /home/dev/s.json\n@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file\n"
    )
    assert diff(edit(b"a\n", None)) == "--- /home/dev/s.json\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"


def test_nothing_is_shown_of_an_edit_that_does_nothing() -> None:
    assert [diff(edit(b"a", b"a")), diff(edit(None, None)), diff(edit(b"a", b"b", "it is read-only"))] == ["", "", ""]


@example(before=b"b\n" * 4, after=b"a\n" + b"b\n" * 5, end=b"")
@given(before=LINES, after=LINES, end=st.sampled_from([b"", b"x"]))
@settings(max_examples=40, deadline=None)
def test_git_makes_the_new_file_of_the_old_one_with_it(before: bytes, after: bytes, end: bytes) -> None:
    shown = diff(edit(before, after + end)).replace("/home/dev/", "a/")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "s.json")
        file.write_bytes(before)
        if shown:
            subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], input=shown.encode(), cwd=folder, check=True)

        assert file.read_bytes() == after + end
