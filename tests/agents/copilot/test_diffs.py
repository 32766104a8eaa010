"""What an edit changed."""

from __future__ import annotations

import json

import msgspec
import pytest

from carryover.agents.copilot.diffs import applied, is_own_file, patch_text, planned
from carryover.records.changes import Change
from carryover.records.lenient import fields_of

ROOT = "/home/dev/shop"
CREATED = (
    f"\ndiff --git a{ROOT}/n.py b{ROOT}/n.py\ncreate file mode 100644\nindex 0000000..0000000\n"
    f"--- a/dev/null\n+++ b{ROOT}/n.py\n@@ -1,0 +1,2 @@\n+n = 1\n+m = 2\n"
)
CHANGED = (
    f"\ndiff --git a{ROOT}/n.py b{ROOT}/n.py\n--- a{ROOT}/n.py\n+++ b{ROOT}/n.py\n"
    "@@ -4,2 +4,2 @@\n n = 1\n-m = 2\n+m = 3\n"
)


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def test_the_diff_of_a_new_file() -> None:
    before = planned("create", raw({"path": f"{ROOT}/n.py", "file_text": "n = 1\nm = 2\n"}), ROOT)

    assert applied(before, CREATED, ()) == (
        Change(
            path=f"{ROOT}/n.py",
            change="add",
            added=2,
            removed=0,
            line=1,
            anchor="n = 1",
            diff="@@ +1 @@\n+n = 1\n+m = 2",
        ),
    )


def test_the_client_says_what_was_done_to_which_file() -> None:
    done = {f"{ROOT}/n.py": "create", f"{ROOT}/o.py": "delete", "o.py": "edit"}
    edited = [fields_of(msgspec.json.encode({"path": path, "kind": kind})) for path, kind in done.items()]

    assert [(change.path, change.change) for change in applied((), CHANGED, edited)] == [
        (f"{ROOT}/n.py", "add"),
        (f"{ROOT}/o.py", "delete"),
    ]


@pytest.mark.parametrize("given", ["*** Begin Patch", {"input": "*** Begin Patch"}, {"patch": "*** Begin Patch"}])
def test_a_patch_is_the_argument_or_in_it(given: object) -> None:
    assert patch_text(raw(given)) == "*** Begin Patch"


@pytest.mark.parametrize("given", [{}, {"path": "n.py"}, {"path": 5, "file_text": "x"}, "n.py", None])
def test_an_edit_of_nobody_knows_what_is_none(given: object) -> None:
    assert planned("create", raw(given), None) == ()


def test_the_clients_own_notes_are_no_ones_work() -> None:
    path = "/home/dev/.copilot/session-state/5e00ef91-e550-4761-b8d8-862d3a68e5d8/plan.md"

    assert is_own_file(path)
    assert planned("create", raw({"path": path, "file_text": "x"}), ROOT) == ()
