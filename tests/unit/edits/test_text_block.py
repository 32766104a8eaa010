"""Lines are added to a text so that they can be taken out again without a trace."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from carryover.outside.apply import Edit, Text
from carryover.text.user_text import find_lines, newline_of, with_lines, without_span
from support.settings_texts import TEXTS

BLOCK = (b"# ours", b"rule")


def without(data: bytes) -> bytes:
    span = find_lines(data, BLOCK)
    assert span is not None
    return without_span(data, span)


@pytest.mark.parametrize(
    ("before", "after", "at_top"),
    [
        (b"", b"\n# ours\nrule\n", False),
        (b"a\n", b"a\n\n# ours\nrule\n", False),
        (b"a\r\nb", b"a\r\nb\r\n# ours\r\nrule\r\n", False),
        (b"\xef\xbb\xbfa\n", b"\xef\xbb\xbfa\n\n# ours\nrule\n", False),
        (b"", b"# ours\nrule\n\n", True),
        (b"\xef\xbb\xbfa\r\nb\r\n", b"\xef\xbb\xbf# ours\r\nrule\r\n\r\na\r\nb\r\n", True),
    ],
)
def test_lines_at_the_end_or_at_the_top(before: bytes, after: bytes, at_top: bool) -> None:
    assert (with_lines(before, BLOCK, at_top=at_top), without(after)) == (after, before)


@pytest.mark.parametrize(
    ("with_more", "rest"),
    [
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
    return Edit(Text(path=Path("/s.json"), what="a test"), before, after, reason)


@pytest.mark.parametrize(
    ("before", "after", "reason", "shown"),
    [
        (None, b"a\nb", None, "--- /dev/null\n+++ /s.json\n@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file\n"),
        (b"a\n", None, None, "--- /s.json\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"),
        (None, None, None, ""),
        (b"a", b"b", "it is read-only", ""),
    ],
)
def test_a_diff_says_what_is_made_or_goes(
    before: bytes | None, after: bytes | None, reason: str | None, shown: str
) -> None:
    assert edit(before, after, reason).diff == shown


@example(before=b"b\n" * 4, after=b"a\n" + b"b\n" * 5, end=b"")
@given(before=LINES, after=LINES, end=st.sampled_from([b"", b"x"]))
def test_git_makes_the_new_file_of_the_old_one_with_it(before: bytes, after: bytes, end: bytes) -> None:
    shown = edit(before, after + end).diff.replace("/s.json", "a/s.json")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "s.json")
        file.write_bytes(before)
        if shown:
            subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], input=shown.encode(), cwd=folder, check=True)

        assert file.read_bytes() == after + end
