"""Which files are transcripts, and which folder they belong to."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from carryover.agents.gemini_cli.locate import start_folder

NAME = "session-2026-11-20T06-00-0a1b2c3d"
HASH = hashlib.sha256(b"/home/dev/shop").hexdigest()


def chat(root: Path, slug: str, name: str = f"{NAME}.jsonl") -> Path:
    path = root / "tmp" / slug / "chats" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_the_start_folder_is_noted_beside_the_transcript(tmp_path: Path) -> None:
    main, sub = chat(tmp_path, "shop"), chat(tmp_path, "shop", "s1/a1.jsonl")
    (tmp_path / "tmp" / "shop" / ".project_root").write_text("/home/dev/shop")

    assert start_folder(main) == start_folder(sub) == "/home/dev/shop"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("trustedFolders.json", {"/home/dev/other": "TRUST_FOLDER", "/home/dev/shop": "TRUST_FOLDER"}),
        ("projects.json", {"projects": {"/home/dev/shop": "shop"}}),
    ],
)
def test_a_folder_of_that_hash_is_the_start_folder(tmp_path: Path, name: str, content: object) -> None:
    """Clients before `.project_root` name their folders by it (0.26.0)."""
    (tmp_path / name).write_text(json.dumps(content))

    assert start_folder(chat(tmp_path, HASH, f"{NAME}.json")) == "/home/dev/shop"
