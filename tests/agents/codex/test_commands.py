"""Shell commands in the forms in which Codex writes them down."""

from __future__ import annotations

import msgspec
import pytest

from carryover.agents.codex.commands import local_path, process_of, script_of


@pytest.mark.parametrize(
    ("command", "script"),
    [
        (["/bin/bash", "-lc", "make test"], "make test"),
        (["powershell.exe", "-NoProfile", "-Command", "Get-Item a"], "Get-Item a"),
        (["git", "commit", "-m", "two words"], "git commit -m 'two words'"),
        (["python3", "-c", "print(1)"], "print(1)"),
        (["make"], "make"),
        ([], ""),
    ],
)
def test_scripts(command: list[str], script: str) -> None:
    assert script_of(command) == script


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("file:///home/dev/my%20shop", "/home/dev/my shop"),
        ("/home/dev/shop", "/home/dev/shop"),
        ("file:///C:/dev/shop", "C:/dev/shop"),
        ("file://", ""),
        (None, None),
    ],
)
def test_folders(place: str | None, path: str | None) -> None:
    assert local_path(place) == path


@pytest.mark.parametrize(
    ("raw", "process"), [(b"42", "42"), (b'"42"', "42"), (b"null", None), (b'""', None), (b"[]", None)]
)
def test_processes(raw: bytes, process: str | None) -> None:
    assert process_of(msgspec.Raw(raw)) == process
