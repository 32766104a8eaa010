"""What calls ask to change, by a patch or by their arguments."""

from __future__ import annotations

import msgspec
import pytest

from carryover.model import FileEdit
from carryover.records.patches import by_arguments, files_in_patch, in_patch, with_place

PATCH = """\
*** Begin Patch
*** Add File: total.py
+def total():
+    return 0
*** Update File: cart.py
*** Move to: lib/cart.py
@@
-old
+new
*** Update File: plain.py
+one
*** Delete File: /tmp/gone.py
*** End Patch
"""


def given(**fields: object) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}


def test_a_file_that_a_patch_deletes_and_adds_is_modified_to_what_was_added() -> None:
    patch = "*** Begin Patch\n*** Delete File: a.py\n*** Add File: a.py\n+x = 1\n+y = 2\n*** End Patch\n"

    assert [(one.path, one.change, one.added) for one in in_patch(patch, "/repo")] == [("/repo/a.py", "modify", 2)]


def test_a_patch_adds_moves_changes_and_deletes_files() -> None:
    added, moved, changed, deleted = in_patch(PATCH, "/repo")

    assert (added.path, added.change, added.added, added.anchor) == ("/repo/total.py", "add", 2, "def total():")
    assert (moved.path, moved.change, moved.old_path) == ("/repo/lib/cart.py", "rename", "/repo/cart.py")
    assert (moved.added, moved.removed, moved.line, moved.diff) == (1, 1, None, "@@\n-old\n+new")
    assert (changed.path, changed.change, changed.added) == ("/repo/plain.py", "modify", 1)
    assert deleted == FileEdit(path="/tmp/gone.py", change="delete")
    assert files_in_patch(PATCH) == ["total.py", "cart.py", "plain.py", "/tmp/gone.py"]
    assert [change.path for change in in_patch(PATCH, None)] == ["/tmp/gone.py"]


@pytest.mark.parametrize("name", ["path", "file_path", "filepath"])
def test_a_file_is_named_by_one_of_several_arguments(name: str) -> None:
    arguments = given(**{name: "cart.py", "content": "a\nb\n"})
    [change] = by_arguments("write", arguments, "/repo")

    assert (change.path, change.added, change.diff) == ("/repo/cart.py", 2, "+a\n+b")
    assert by_arguments("read", arguments, "/repo") == by_arguments("write", arguments, None) == ()
    assert by_arguments("edit", given(content="a", **{name: f"/{'d' * 5_000}"}), None) == ()


def test_the_place_of_a_call_comes_before_its_other_arguments() -> None:
    placed = with_place(given(old_str="a", path="cart.py"), "/repo")

    assert [(name, bytes(field)) for name, field in placed.items()] == [
        ("path", b'"/repo/cart.py"'),
        ("old_str", b'"a"'),
    ]
    assert with_place(unknown := given(path="cart.py"), None) is unknown
