"""The hunks of a unified diff."""

from __future__ import annotations

from carryover.records.changes import Change, Hunk, hunks_in, patched

DIFF = """\
Index: pricing.py
--- pricing.py\tCurrent
+++ pricing.py\tProposed
@@ -3,3 +3,4 @@
 def discount(price):
-    return price
+    cents = round(price)
+    return cents
@@ -20 +21 @@
-old
+new
\\ No newline at end of file
"""


def test_the_change_counts_lines_and_names_the_first_one_added() -> None:
    assert patched(Change(path="/a/pricing.py", change="modify"), hunks_in(DIFF)) == Change(
        path="/a/pricing.py", change="modify", added=3, removed=2, line=4, anchor="    cents = round(price)"
    )


def test_a_text_without_hunks_has_none() -> None:
    assert hunks_in("Index: pricing.py\n+++ pricing.py\n") == []
    assert hunks_in("@@ -0,0 +1,2 @@\n+a\n") == [Hunk(new_start=1, lines=["+a"])]
