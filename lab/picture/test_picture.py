"""The picture and the handoff in the README are what the product does now."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from picture.__main__ import PICTURE, documents
from picture.story import COMMAND, WIDTH, Scene
from picture.svg import drawn, wrapped


def test_the_pictures_and_the_handoff_are_those_of_a_run(tmp_path: Path) -> None:
    for path, text in documents(tmp_path).items():
        assert path.read_text("utf-8") == text, "run `make picture`"


def test_the_picture_shows_the_limit_one_command_and_the_next_agents_words_and_nothing_twice() -> None:
    rows = [row.text or "" for row in ElementTree.parse(PICTURE).iter() if row.tag.endswith("}text")]

    whole = " ".join(row.strip() for row in rows)
    order = [whole.index(words) for words in ("hit your session limit", f"$ {COMMAND}", "● Claude Code was stopped")]
    assert order == sorted(order)
    assert [row for row in rows if rows.count(row) > 1] == []


def test_what_is_drawn_is_text_and_nothing_else() -> None:
    scene = Scene("a & b", ("> <script>x</script>", "$ ls", "plain " * 40))

    root = ElementTree.fromstring(drawn("a < b", [scene, scene]))

    tags = {element.tag.partition("}")[2] for element in root.iter()}
    assert tags == {"svg", "title", "style", "rect", "text"}
    rows = [element for element in root.iter() if element.tag.endswith("}text")]
    assert [(row.text, row.get("class")) for row in rows[:3]] == [
        ("a & b", "title"),
        ("> <script>x</script>", "typed"),
        ("$ ls", "typed"),
    ]
    assert all(len(row.text or "") <= WIDTH for row in rows)
    bottom = max(float(row.get("y", "0")) for row in rows)
    assert bottom < float(root.get("height", "0"))
    assert " ".join(wrapped("word " * 60)).split() == ["word"] * 60
