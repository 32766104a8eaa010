from __future__ import annotations

import os
from pathlib import Path

import pytest

from carryover.facts import Boxes, FileFacts, FileQuery
from carryover.probe import files
from carryover.probe.files import LARGEST_BYTES, file_facts
from carryover.probe.source_code import Effort, symbol_at

CART = """class Cart:
    def total(self):
        return 1  # net

    def discount(self):
        return 1
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    project = tmp_path / "shop"
    project.mkdir()
    (project / "cart.py").write_text(CART)
    return project


def look(root: Path, path: str, line: int | None = None, anchor: str | None = None) -> FileFacts | None:
    return file_facts(root, [FileQuery(path=path, line=line, anchor=anchor)]).get(path)


def test_an_edit_is_found_again_where_its_text_stands_now_nearest_to_where_it_was(root: Path) -> None:
    """`return 1` stands in two methods; lines have moved down since the edit."""
    (root / "twice.py").write_text("\n" * 10 + CART.replace("  # net", ""))
    total, discount = (FileFacts(exists=True, symbol=f"Cart.{name}") for name in ("total", "discount"))

    assert look(root, "cart.py", line=6) == discount
    assert look(root, "twice.py", line=3, anchor="        return 1") == total
    assert look(root, "twice.py", line=15, anchor="return 1") == discount


@pytest.mark.parametrize(("name", "exists"), [("nul\0.py", False), ("surrogate\ud800.py", False), ("notes.md", True)])
def test_of_names_that_no_file_can_have_and_of_other_languages_only_existence_is_told(
    root: Path, name: str, exists: bool
) -> None:
    (root / "notes.md").write_text("# note\n")

    assert look(root, name) == FileFacts(exists=exists)


@pytest.mark.parametrize("path", ["../outside.py", "/etc/hostname", "sub/../../outside.py", ".", ""])
def test_a_path_that_leads_out_of_the_root_is_left_out(root: Path, path: str) -> None:
    (root.parent / "outside.py").write_text("x = 1\n")

    assert look(root, path) is None


def test_what_leads_out_of_the_root_or_is_no_regular_file_is_not_opened(root: Path) -> None:
    """Opening a FIFO would wait for a writer for ever; the test would hang."""
    (root.parent / "outside.py").write_text("# not ours\n")
    (root / "link.py").symlink_to(root.parent / "outside.py")
    (root / "folder").symlink_to(root.parent)
    os.mkfifo(root / "pipe.py")
    (root / "folder.py").mkdir()
    (root / "loop.py").symlink_to("loop.py")
    (root / "device.py").symlink_to("/dev/zero")

    for name in ("link.py", "folder/outside.py", "pipe.py", "folder.py", "loop.py", "device.py"):
        assert look(root, name) == FileFacts(exists=True)


def test_the_boxes_of_a_document_are_counted_inside_the_project_only(root: Path) -> None:
    plan = "# Plan\n- [x] cents\n- [ ] the receipt\n"
    (root / "PLAN.md").write_text(plan)
    (root / "latin.txt").write_bytes(b"- [ ] caf\xe9\n")
    (root / "large.md").write_text(plan + " " * LARGEST_BYTES)
    (root.parent / "outside.md").write_text(plan)
    (root / "link.md").symlink_to(root.parent / "outside.md")
    os.mkfifo(root / "pipe.md")

    assert look(root, "PLAN.md") == FileFacts(exists=True, boxes=Boxes(2, 1, ("the receipt",)))
    assert look(root, "latin.txt") == FileFacts(exists=True, boxes=Boxes(1, 0, ("caf\ufffd",)))
    for name in ("large.md", "link.md", "pipe.md"):
        assert look(root, name) == FileFacts(exists=True)
    assert look(root, "../outside.md") is None


def test_a_large_file_is_not_read(root: Path) -> None:
    (root / "large.py").write_text("def total():\n    return 1\n")
    query = FileQuery(path="large.py", line=2)

    assert file_facts(root, [query], limit_bytes=25) == {"large.py": FileFacts(exists=True)}
    assert file_facts(root, [query], limit_bytes=26) == {"large.py": FileFacts(exists=True, symbol="total")}


@pytest.mark.parametrize(("more", "symbol"), [(0, "f"), (1, None)])
def test_of_code_as_of_documents_no_more_is_read_than_of_any_text(root: Path, more: int, symbol: str | None) -> None:
    """In a file that is one syntax error, each byte costs as much as forty of code, each time the file changes."""
    begins = "def f():\n    return 1\n"
    (root / "large.py").write_text(begins + "\n" * (LARGEST_BYTES - len(begins) + more))

    assert look(root, "large.py", line=2) == FileFacts(exists=True, symbol=symbol)


def test_what_may_be_parsed_ends_at_the_same_file_also_if_some_are_known_from_before(root: Path) -> None:
    names = ("first.py", "long.py", "PLAN.md", "last.py")
    begins = "def f():\n    return [\n"
    for name in names:
        (root / name).write_text("- [x] done\n" if name == "PLAN.md" else begins + "1,\n" * 5000 + "]\n")
    (root / "long.py").write_text(begins + "1,\n" * 80_000 + "]\n")
    queries = [FileQuery(path=name, line=1) for name in names]
    known = FileFacts(exists=True, symbol="f")

    unread = file_facts(root, queries, most_steps=1000)
    assert unread == dict.fromkeys(names, FileFacts(exists=True)) | {
        "first.py": known,
        "PLAN.md": FileFacts(exists=True, boxes=Boxes(1, 1)),
    }
    whole = file_facts(root, queries, most_steps=1_000_000)
    assert whole == unread | {"long.py": known, "last.py": known}
    assert file_facts(root, queries, most_steps=1000) == unread, "though all of it is remembered"


def test_what_was_given_up_is_parsed_again_only_with_more_effort(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of nothing but backticks takes Ruby's grammar six seconds, which each handoff would wait for."""
    (root / "long.py").write_text("def f():\n    return [\n" + "1,\n" * 80_000 + "]\n")
    parsed: list[int] = []

    def counted(source: bytes, language: str, line: int, effort: Effort) -> str | None:
        parsed.append(effort.left)
        return symbol_at(source, language, line, effort)

    monkeypatch.setattr(files, "symbol_at", counted)
    for steps in (1000, 1000, 900, 1_000_000, 1_000_000, 1000):
        file_facts(root, [FileQuery(path="long.py", line=1)], most_steps=steps)

    assert parsed == [1000, 1_000_000]


def test_a_file_is_parsed_once_and_read_again_when_it_has_changed(root: Path) -> None:
    before = look(root, "cart.py", line=2)
    assert look(root, "cart.py", line=2) is before
    (root / "cart.py").write_text(CART.replace("total", "sum_up"))

    after = look(root, "cart.py", line=2)

    assert [found and found.symbol for found in (before, after)] == ["Cart.total", "Cart.sum_up"]
