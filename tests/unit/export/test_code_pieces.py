from __future__ import annotations

from carryover.export.code_pieces import change_pieces, file_pieces, standing
from carryover.export.material import ChangedText, Material, TextFile

DAY_MS = 86_400_000
NOW_MS = 100 * DAY_MS


def file(path: str, *, days: float | None = None, references: int = 0, changed: bool = False) -> TextFile:
    edited_ms = 0 if days is None else NOW_MS - round(days * DAY_MS)
    return TextFile(path=path, text="x = 1\n", edited_ms=edited_ms, references=references, changed=changed)


def test_an_edit_counts_half_each_day_and_what_is_uncommitted_or_named_counts_more() -> None:
    assert standing(file("a", days=0), NOW_MS) == 1.0
    assert standing(file("a", days=2), NOW_MS) == 0.25
    assert standing(file("a", changed=True), NOW_MS) == 0.5
    assert standing(file("a", references=2), NOW_MS) == 0.2
    assert standing(file("a", references=50), NOW_MS) == 0.5
    assert standing(file("a"), NOW_MS) == 0.0
    assert standing(file("a", days=-9), NOW_MS) == 1.0


def test_files_and_diffs_are_ranked_by_that() -> None:
    files = (file("a.py", days=9), file("b.py", references=4), file("c.py", days=1, changed=True), file("d.py"))
    changes = tuple(ChangedText(path=path, insertions=1, deletions=0, diff="+x\n") for path in ("a.py", "c.py"))
    material = Material(name="x", now_ms=NOW_MS, files=files, changes=changes)

    assert [piece.label for piece in file_pieces(material)] == ["c.py", "b.py", "a.py", "d.py"]
    ranks = [piece.rank for piece in file_pieces(material)]
    assert ranks == sorted(set(ranks))
    assert [piece.label for piece in change_pieces(material)] == ["the diff of c.py", "the diff of a.py"]
