from __future__ import annotations

import pytest

from carryover.importing.rebase import Locator, former_root, moved


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


def test_a_whole_path_that_ends_in_a_relative_one_shows_where_the_document_was_written() -> None:
    locator = Locator("/home/dev/store")

    assert locator.path("./src/cart.py") == "/home/dev/store/src/cart.py"
    assert locator.path("/Users/ann/shop/src/cart.py") == "/home/dev/store/src/cart.py"
    assert locator.former == "/Users/ann/shop"
    assert locator.path("/Users/ann/shop/new.py") == "/home/dev/store/new.py"
    assert locator.path("/etc/hosts") == "/etc/hosts"


def test_without_a_project_only_whole_paths_are_known() -> None:
    locator = Locator(None)

    assert (locator.path("a.py"), locator.path("/x/../a.py")) == (None, "/a.py")
