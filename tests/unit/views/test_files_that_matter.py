from __future__ import annotations

from pathlib import Path

import pytest

from carryover.export.material import LeftOut, TextFile
from carryover.probe.project_tree import project_paths
from carryover.views.files_that_matter import files_that_matter, is_generated
from support.conversation import Conversation, project
from support.repository import repository

FILES = {
    "cart.py": "total = 0\n",
    "till/oven.py": "heat = 1\n",
    "bread/oven.py": "heat = 2\n",
    "other.py": "x = 1\n",
    ".gitignore": "local.py\n",
    "package-lock.json": "{}\n",
    "prod.env": "KEY=1\n",
    "logo.py": "binary",
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = repository(tmp_path / "shop", FILES)
    (root / "local.py").write_text("mine = 1\n")
    (root / "logo.py").write_bytes(b"\0\1")
    return root


def matter(
    root: Path, *edited: str, changed: tuple[str, ...] = (), texts: tuple[str, ...] = (), but: tuple[str, ...] = ()
) -> tuple[tuple[TextFile, ...], list[LeftOut]]:
    talk = Conversation().user("Mend the oven")
    for path in edited:
        talk.edited(path, line=1)
    view = project(talk, root="/home/dev/shop")
    return files_that_matter(root, project_paths(root).all, view, changed, texts, set(but), talk.at_ms)


def test_what_was_edited_last_comes_first_then_what_is_only_named(shop: Path) -> None:
    files, left_out = matter(shop, "cart.py", "till/oven.py", texts=("see `other.py`", "and other.py", "cart.py too"))

    assert [(file.path, file.references, file.line) for file in files] == [
        ("cart.py", 1, 1),
        ("till/oven.py", 0, 1),
        ("other.py", 2, None),
    ]
    assert left_out == []


def test_a_name_that_two_files_have_names_neither_and_a_path_its_own(shop: Path) -> None:
    assert matter(shop, texts=("look at oven.py",))[0] == ()
    assert [file.path for file in matter(shop, texts=("look at bread/oven.py",))[0]] == ["bread/oven.py"]


@pytest.mark.parametrize(
    "text",
    [
        "`other.py`",
        "see ./other.py.",
        "(other.py)",
        "C:\\shop\\other.py",
        "other.pyを直す",
        "Mend **other.py**: now",
        "OTHER.PY",
    ],
)
def test_however_it_is_written_a_file_is_named(shop: Path, text: str) -> None:
    assert [file.path for file in matter(shop, texts=(text,))[0]] == ["other.py"]


def test_a_plain_word_names_no_file(shop: Path) -> None:
    (shop / "other").write_text("x\n")

    assert matter(shop, texts=("the other one, or...",))[0] == ()


def test_what_is_ignored_secret_generated_or_no_text_is_named_and_not_read(shop: Path) -> None:
    files, left_out = matter(shop, "local.py", "prod.env", "package-lock.json", "logo.py", "gone.py")

    assert files == ()
    assert sorted(left_out) == [
        LeftOut("local.py", "git ignores it"),
        LeftOut("logo.py", "not text"),
        LeftOut("package-lock.json", "generated, or data"),
        LeftOut("prod.env", "its name says that it holds secrets"),
    ]


def test_uncommitted_work_counts_and_what_is_shown_elsewhere_does_not_come_twice(shop: Path) -> None:
    files, _ = matter(shop, "cart.py", changed=("other.py", "cart.py"), but=("cart.py",))

    assert [(file.path, file.changed) for file in files] == [("other.py", True)]


def test_of_many_files_those_that_matter_least_are_named_and_not_read(tmp_path: Path) -> None:
    root = repository(tmp_path / "many", {f"f{number:02}.py": "x\n" for number in range(42)})

    files, left_out = matter(root, changed=tuple(f"f{number:02}.py" for number in range(42)))

    assert len(files) == 40
    assert [left.what for left in left_out] == ["f40.py", "f41.py"]


@pytest.mark.parametrize(
    ("path", "generated"),
    [("a/uv.lock", True), ("pnpm-lock.yaml", True), ("x.min.js", True), ("lock.py", False), ("data.json", False)],
)
def test_generated_files_are_known_by_their_names(path: str, generated: bool) -> None:
    assert is_generated(path) == generated
