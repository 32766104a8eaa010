"""Which folders a window had open."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from carryover.readers.files import entries_of, read_small
from carryover.readers.workspaces import Folders, folders_of_window

REMOTE = "vscode-remote://ssh-remote%2Bbox"


def window(folder: Path, content: Any) -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "workspace.json").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("content", "folders"),
    [
        ({"folder": "file:///home/dev/a%20b"}, Folders(("/home/dev/a b",))),
        ({"folder": "file:///home/dev/a/../b/"}, Folders(("/home/dev/b",))),
        ({"folder": f"{REMOTE}/home/dev/demo"}, Folders(remote=True)),
        ({"workspace": f"{REMOTE}/home/dev/x.code-workspace"}, Folders(remote=True)),
        ({"folder": "file:////server/share"}, Folders(remote=True)),
        ({"workspace": "file:///missing.code-workspace"}, None),
        ({"folder": "relative"}, None),
        ({"folder": 5}, None),
        ({}, None),
        ("noise", None),
    ],
)
def test_a_window_names_its_folder(tmp_path: Path, content: Any, folders: Folders | None) -> None:
    assert folders_of_window(window(tmp_path, content)) == folders


def test_a_listing_may_have_comments_and_relative_folders(tmp_path: Path) -> None:
    listing = tmp_path / "x.code-workspace"
    listing.write_text('{"folders": [{"path": "one"}, /* and */ {"uri": "file:///two"}, {"x": 1},], // more\n}')

    assert folders_of_window(window(tmp_path, {"workspace": listing.as_uri()})) == Folders(
        (str(tmp_path / "one"), "/two")
    )


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    with pytest.raises(FileNotFoundError):
        read_small(tmp_path / "gone", limit=4)
    for path in (tmp_path, tmp_path / "fifo"):
        with pytest.raises(OSError, match=r"not a regular file|[Dd]irectory"):
            read_small(path, limit=4)


def test_what_is_no_folder_has_no_entries(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")

    assert [entry.name for entry in entries_of(tmp_path)] == ["a"]
    assert entries_of(tmp_path / "a") == entries_of(tmp_path / "gone") == []
