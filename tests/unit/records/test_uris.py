"""URIs of files."""

from __future__ import annotations

import pytest

from carryover.records.uris import path_of


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///home/dev/my%20demo", "/home/dev/my demo"),
        ("file://localhost/home/dev", "/home/dev"),
        ("file:///c%3A/demo", "c:/demo"),
        ("/home/dev/a#b", "/home/dev/a#b"),
        ("src/a.py", "src/a.py"),
        ("vscode-remote://ssh-remote%2Bbox/home/dev", None),
        ("file://server/share", None),
        ("http://[", None),
        ("file://", ""),
        ("", ""),
    ],
)
def test_only_a_path_of_this_machine_is_one(uri: str, path: str | None) -> None:
    assert path_of(uri) == path
