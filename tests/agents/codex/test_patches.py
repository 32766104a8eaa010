"""What a patch changes, told by its text."""

from __future__ import annotations

from carryover.agents.codex.commands import in_account
from carryover.agents.codex.wire import ChangeDetail
from carryover.records.changes import Change
from carryover.records.patches import in_patch

SHOP = "/home/dev/shop"
PATCH = """*** Begin Patch
*** Add File: docs/new.md
+# New
+
+text
*** Update File: pricing.py
@@ def discount(price, percent):
-    return 1
+    return 2
+    # done
 rest
*** Update File: old.py
*** Move to: moved.py
@@
-a
+b
*** End of File
*** Delete File: /tmp/gone.py
*** End Patch"""


def test_a_patch_of_several_files() -> None:
    assert in_patch(PATCH, SHOP) == (
        Change(
            path=f"{SHOP}/docs/new.md",
            change="add",
            added=3,
            removed=0,
            line=1,
            anchor="# New",
            diff="+# New\n+\n+text",
        ),
        Change(
            path=f"{SHOP}/pricing.py",
            change="modify",
            added=2,
            removed=1,
            anchor="    return 2",
            diff="@@ def discount(price, percent):\n-    return 1\n+    return 2\n+    # done\n rest",
        ),
        Change(
            path=f"{SHOP}/moved.py",
            old_path=f"{SHOP}/old.py",
            change="rename",
            added=1,
            removed=1,
            anchor="b",
            diff="@@\n-a\n+b",
        ),
        Change(path="/tmp/gone.py", change="delete"),
    )


def test_paths_of_windows_are_resolved_whichever_way_they_are_written() -> None:
    """0.48 to 0.87 on Windows name files relative to the folder of the turn, with either slash."""
    patch = "*** Begin Patch\n*** Delete File: .config/a.md\n*** Delete File: src\\b.cs\n*** End Patch"

    assert [change.path for change in in_patch(patch, "C:\\dev\\shop")] == [
        "C:\\dev\\shop\\.config\\a.md",
        "C:\\dev\\shop\\src\\b.cs",
    ]


def test_names_nobody_can_place_are_left_out() -> None:
    assert in_patch("*** Delete File: a.py", None) == ()
    assert in_patch(f"*** Delete File: {'x' * 5000}", SHOP) == ()
    assert in_account({"": ChangeDetail("delete"), "/a": ChangeDetail("brand-new")}, SHOP) == ()
