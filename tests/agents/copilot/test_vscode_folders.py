"""Which folder a chat of VS Code belongs to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.copilot.chat_reading import ChatReading
from agents.copilot.chats import (
    Window,
    chat,
    edits,
    markdown,
    request,
)


def folders_in(path: Path) -> list[str | None]:
    return list(dict.fromkeys(event.cwd for event in ChatReading(path).read()))


@pytest.mark.parametrize(
    ("given", "cwd"),
    [
        ("/home/dev/my demo%", "/home/dev/my demo%"),
        ({"folder": "file:///home/dev/a%20b/"}, "/home/dev/a b"),
        ({"folder": "file://host/share"}, "remote"),
        ({"folder": "vscode-remote://ssh-remote%2Bbox/home/dev/demo"}, "remote"),
        ({"workspace": "vscode-remote://wsl%2Bubuntu/home/dev/x.code-workspace"}, "remote"),
        ({"folder": 5}, None),
        (None, None),
    ],
)
def test_the_folder_is_that_of_the_window(tmp_path: Path, given: Any, cwd: str | None) -> None:
    window = Window(tmp_path / "User", given)
    reading = ChatReading(window.store(chat("any", request("Go."))))

    found = {event.cwd for event in reading.read()}

    if cwd == "remote":
        assert found == set()
        assert [(skipped.record_type, skipped.reason) for skipped in reading.skipped] == [("chat", "remote workspace")]
        assert reading.read() == []
        assert len(reading.skipped) == 1
    else:
        assert found == {cwd}


def test_of_several_folders_the_first_that_a_file_or_command_names_is_it(tmp_path: Path) -> None:
    listing = tmp_path / "both.code-workspace"
    listing.write_text('{"folders": [{"path": "/home/dev/one"}, {"path": "/home/dev/two"},] // both\n}')
    window = Window(tmp_path / "User", {"workspace": listing.as_uri()})
    edited = request("Go.", edits("/home/dev/two/a.py", "b\n"))

    assert folders_in(window.store(chat("edited", edited))) == ["/home/dev/two"]
    assert folders_in(window.store(chat("asked", request("Go.", markdown("Yes."))))) == ["/home/dev/one"]


def test_a_chat_may_name_its_folder_itself(window: Window) -> None:
    assert folders_in(window.store(chat("any", request("Go."), workingDirectory="file:///home/dev/tree"))) == [
        "/home/dev/tree"
    ]
