"""Edits in answers, in each form that models are asked for (0.82.3, 0.86.2)."""

from __future__ import annotations

import pytest

from carryover.agents.aider.answers import Answer, read_answer


def read(text: str, *, whole_files: bool = False) -> Answer:
    return read_answer(text, lambda name: f"/p/{name}", whole_files=whole_files)


def block(old: str, *new: str, fence: tuple[str, str] = ("```python", "```")) -> str:
    lines = [fence[0], "<<<<<<< SEARCH", old, "=======", *new, ">>>>>>> REPLACE", fence[1]]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "name", ["src/cart.py", "`src/cart.py`", "**src/cart.py**", "### src/cart.py", "src/cart.py:", "Makefile"]
)
def test_a_block_names_its_file_in_the_line_above(name: str) -> None:
    found = read("\n".join(["I change it.", "", name, block("a", "b", "c"), "", "Done."]))

    [change] = found.changes
    assert change.path == f"/p/{name.strip('`*#: ')}"
    assert (change.added, change.removed, change.anchor, change.line) == (2, 1, "b", None)
    assert found.prose == "I change it.\n\nDone."


def test_blocks_of_one_file_are_one_change_and_a_later_block_needs_no_name() -> None:
    found = read("\n".join(["cart.py", block("a", "b"), "", block("c", "d")]))

    [change] = found.changes
    assert (change.path, change.added, change.removed) == ("/p/cart.py", 2, 2)
    assert found.prose == ""


def test_a_name_inside_the_fence_and_other_fences() -> None:
    inside = read("```src/cart.py\n<<<<<<< SEARCH\n=======\nnew\n>>>>>>> REPLACE\n```")
    other = read("\n".join(["cart.py", block("a", "b", fence=("<source>", "</source>")), "End."]))

    assert [change.path for change in (*inside.changes, *other.changes)] == ["/p/src/cart.py", "/p/cart.py"]
    assert other.prose == "End."


def test_whole_files_only_where_the_model_writes_its_edits_so() -> None:
    text = "I write it.\n\ncart.py\n```python\n\ndef total():\n    return 1\n```\n"

    whole, shown = read(text, whole_files=True), read(text)

    [change] = whole.changes
    assert (change.path, change.added, change.line, change.anchor) == ("/p/cart.py", 3, 2, "def total():")
    assert whole.prose == "I write it."
    assert (shown.changes, shown.prose) == ((), text.strip())


@pytest.mark.parametrize(
    "text",
    [
        "<<<<<<< SEARCH\na\n=======\nb\n",
        "<<<<<<< SEARCH\n",
        "*** Begin Patch\n*** Update File: x\n",
        "```diff\nno names\n```",
        "```python\nprint(1)\n```",
        ">>>>>>> REPLACE",
        "",
    ],
)
def test_what_is_no_edit_stays_in_the_words(text: str) -> None:
    assert read(text, whole_files=True) == Answer(text.strip(), ())
