from __future__ import annotations

import pytest

from carryover.records.fields import resolved


@pytest.mark.parametrize(
    ("path", "cwd", "place"),
    [
        ("a.py", "/home/dev/shop", "/home/dev/shop/a.py"),
        ("../a.py", "/home/dev/shop", "/home/dev/a.py"),
        ("/a/./b", None, "/a/b"),
        ("a.py", None, None),
        ("a.py", "shop", None),
        ("lib/a.cs", "C:\\dev\\shop", "C:\\dev\\shop\\lib\\a.cs"),
        (".cfg\\a.md", "C:/dev/shop", "C:\\dev\\shop\\.cfg\\a.md"),
        ("..\\a.cs", "C:\\dev\\shop", "C:\\dev\\a.cs"),
        ("C:\\dev\\shop\\.cfg/a.md", "C:\\dev\\shop", "C:\\dev\\shop\\.cfg\\a.md"),
        ("D:\\x", "/home/dev", "D:\\x"),
        ("\\\\server\\share\\a", None, "\\\\server\\share\\a"),
    ],
)
def test_a_path_is_resolved_as_on_the_machine_that_wrote_it(path: str, cwd: str | None, place: str | None) -> None:
    assert resolved(path, cwd) == place
