"""The text of an `apply_patch` call."""

from __future__ import annotations

from carryover.agents.cursor.terms.patches import MAX_FILES, patch_changes, patched_files
from carryover.records.changes import Change

PATCH = """*** Begin Patch
*** Add File: src/new.py
+def new():
+    pass
*** Delete File: src/old.py
*** Update File: src/a.py
@@ def f():
-    return 1
+    return 2
+    # done
*** Update File: src/b.py
*** Move to: lib/b.py
@@
-x
+y
*** End Patch
"""


def test_each_file_of_a_patch_is_a_change() -> None:
    assert patch_changes(PATCH, "/p") == (
        Change(path="/p/src/new.py", change="add", added=2, removed=0, anchor="def new():"),
        Change(path="/p/src/old.py", change="delete"),
        Change(path="/p/src/a.py", change="modify", added=2, removed=1, anchor="    return 2"),
        Change(path="/p/lib/b.py", change="rename", old_path="/p/src/b.py", added=1, removed=1, anchor="y"),
    )


def test_files_are_named_as_the_patch_names_them() -> None:
    assert patched_files(PATCH) == ["src/new.py", "src/old.py", "src/a.py", "src/b.py"]


def test_what_lies_in_an_unknown_folder_is_left_out() -> None:
    assert patch_changes("*** Update File: a.py\n*** Delete File: /p/b.py\r\n", None) == (
        Change(path="/p/b.py", change="delete"),
    )


def test_a_text_that_is_no_patch_changes_nothing() -> None:
    assert patch_changes("", "/p") == ()
    assert patch_changes("*** Update File: \n+x", "/p") == ()
    assert patch_changes("+ *** Update File: a.py", "/p") == ()


def test_a_patch_of_very_many_files_is_bounded() -> None:
    patch = "".join(f"*** Delete File: f{number}\n" for number in range(1000))

    assert len(patch_changes(patch, "/p")) <= MAX_FILES
    assert len(patched_files(patch)) == MAX_FILES
