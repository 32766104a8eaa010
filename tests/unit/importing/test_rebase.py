from __future__ import annotations

import pytest

from carryover.importing.rebase import former_root, located, moved


@pytest.mark.parametrize(
    ("recorded", "former"),
    [
        ("/Users/ann/shop", "/Users/ann/shop"),
        ("/Users/ann/shop/packages/web", "/Users/ann/shop"),
        ("/srv/shop/old/shop/src", "/srv/shop/old/shop"),
        ("C:\\Users\\ann\\shop\\src", "C:/Users/ann/shop"),
        ("/Users/ann/other", None),
    ],
)
def test_a_project_was_where_a_folder_has_its_name(recorded: str, former: str | None) -> None:
    assert former_root(recorded, "/home/dev/shop") == former


def test_only_what_is_below_the_former_folder_moves() -> None:
    assert moved("/a/shop/x.py", "/a/shop", "/b") == "/b/x.py"
    assert moved("/a/shop", "/a/shop", "/b") == "/b"
    assert moved("/a/shopping/x.py", "/a/shop", "/b") == "/a/shopping/x.py"
    assert moved("C:\\a\\shop\\src\\x.py", "C:\\a\\shop", "/b") == "/b/src/x.py"
    assert moved("C:\\other\\x.py", "C:\\a\\shop", "/b") == "C:\\other\\x.py"


@pytest.mark.parametrize(
    ("path", "folder", "place"),
    [
        ("./src/cart.py", "/home/dev/shop", "/home/dev/shop/src/cart.py"),
        ("/Users/ann/shop/src/cart.py", "/home/dev/shop", "/home/dev/shop/src/cart.py"),
        ("/etc/hosts", "/home/dev/shop", "/etc/hosts"),
        ("/x/../a.py", None, "/a.py"),
        ("a.py", None, None),
    ],
)
def test_a_path_of_a_document_is_one_in_its_project(path: str, folder: str | None, place: str | None) -> None:
    assert located(path, folder) == place
