"""The diff that people see is the one that is applied."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from carryover.edits.plan import Change, Edit, diff

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
