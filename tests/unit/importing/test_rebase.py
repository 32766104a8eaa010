from __future__ import annotations

import pytest

from carryover.importing.rebase import located


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
