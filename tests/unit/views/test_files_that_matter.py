from __future__ import annotations

from pathlib import Path

import pytest

from carryover.export.material import LeftOut, TextFile
from carryover.probe.project_tree import project_paths
from carryover.views.web_chat import files_that_matter
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
