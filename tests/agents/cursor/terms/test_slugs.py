"""Which folder a transcript belongs to."""

from __future__ import annotations

import json

import msgspec
import pytest

from carryover.agents.cursor.terms.slugs import folder_with, paths_in, slug_of


def test_the_slug_is_the_folder_above_the_transcripts() -> None:
    assert slug_of("/h/.cursor/projects/home-dev-demo/agent-transcripts/x/x.jsonl") == "home-dev-demo"
    assert slug_of("C:\\h\\.cursor\\projects\\c-demo\\agent-transcripts\\x.txt") == "c-demo"
    assert slug_of("/h/.cursor/chats/a/b/store.db") is None
    assert slug_of("agent-transcripts/x.jsonl") is None


@pytest.mark.parametrize(
    ("slug", "path", "folder"),
    [
        ("home-dev-demo", "/home/dev/demo/src/a.py", "/home/dev/demo"),
        ("home-dev-demo", "/home/dev/demo", "/home/dev/demo"),
        ("home-dev-demo-v1-2", "/home/dev/demo.v1.2/a.py", "/home/dev/demo.v1.2"),
        ("home-dev-my_demo", "/home/dev/my_demo/a.py", "/home/dev/my_demo"),
        ("home-dev-my-demo", "/home/dev/my_demo/a.py", "/home/dev/my_demo"),
        ("home-dev--x", "/home/dev/.x/a.py", "/home/dev/.x"),
        ("c-Users-dev-demo", "c:\\Users\\dev\\demo\\a.py", "c:\\Users\\dev\\demo"),
        ("home-dev-demo", "/home/dev/other/a.py", None),
        ("home-dev-demo", "/home/dev/demo2/a.py", None),
        ("home-dev-demo", "home/dev/demo/a.py", None),
        ("home-dev-demo", "/home/dev/x/../demo/a.py", None),
        ("empty-window", "/home/dev/demo/a.py", None),
        ("", "/a.py", None),
        (None, "/a.py", None),
        ("home", "/" + "x/" * 5000, None),
    ],
)
def test_only_a_folder_that_was_mentioned_is_believed(slug: str | None, path: str, folder: str | None) -> None:
    assert folder_with(slug, path) == folder


def test_a_call_mentions_paths_in_its_fields_and_its_command() -> None:
    args = {"path": "/p/a.py", "command": "cd /home/dev/demo && ls ~/x ./y a/b >/tmp/z", "old_string": "/no"}

    assert list(paths_in(msgspec.Raw(json.dumps(args).encode()))) == ["/p/a.py", "/home/dev/demo", "/tmp/z"]
    assert list(paths_in(msgspec.Raw(b"[]"))) == []
