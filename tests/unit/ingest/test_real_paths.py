from __future__ import annotations

from pathlib import Path

import pytest

from carryover.ingest.real_paths import RealPaths
from carryover.model import AnyBody, Event, FileEdit, ToolCall, ToolResult, UserPrompt


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = tmp_path / "disk" / "shop"
    (root / "src").mkdir(parents=True)
    (tmp_path / "link").symlink_to(root)
    return root


@pytest.fixture
def paths(shop: Path) -> RealPaths:
    return RealPaths([str(shop)])


def test_a_file_reached_over_a_link_to_the_project_has_its_real_path(
    tmp_path: Path, shop: Path, paths: RealPaths
) -> None:
    assert paths.of(f"{tmp_path}/link/src/cart.py") == f"{shop}/src/cart.py"
    assert paths.of(f"{tmp_path}/link/gone/cart.py") == f"{shop}/gone/cart.py"


def test_a_link_into_the_project_leads_to_the_folder_there(tmp_path: Path, shop: Path, paths: RealPaths) -> None:
    (tmp_path / "src").symlink_to(shop / "src")

    assert paths.of(f"{tmp_path}/src/cart.py") == f"{shop}/src/cart.py"


def test_a_path_below_the_project_stays_as_it_is_recorded(tmp_path: Path, shop: Path, paths: RealPaths) -> None:
    """Also where a link there leads out of the project, or to another place in it."""
    (tmp_path / "elsewhere").mkdir()
    (shop / "out").symlink_to(tmp_path / "elsewhere")
    (shop / "alias").symlink_to(shop / "src")

    for path in (f"{shop}/cart.py", f"{shop}/out/a.py", f"{shop}/alias/a.py"):
        assert paths.of(path) == path


def test_a_file_that_is_a_link_keeps_its_own_name(tmp_path: Path, shop: Path, paths: RealPaths) -> None:
    (tmp_path / "shared.md").write_text("rules\n")
    (shop / "AGENTS.md").symlink_to(tmp_path / "shared.md")

    assert paths.of(f"{tmp_path}/link/AGENTS.md") == f"{shop}/AGENTS.md"
    assert paths.of(f"{tmp_path}/shared.md") == f"{tmp_path}/shared.md"


@pytest.mark.parametrize("path", ["src/cart.py", "", "C:\\shop\\cart.py", "/nul\0here/cart.py", "/other/shop/cart.py"])
def test_what_is_not_in_the_project_stays_as_it_is_recorded(paths: RealPaths, path: str) -> None:
    assert paths.of(path) == path


def test_a_project_named_by_a_path_of_another_system_changes_nothing(shop: Path, tmp_path: Path) -> None:
    assert RealPaths(["C:\\shop"]).of(f"{tmp_path}/link/cart.py") == f"{tmp_path}/link/cart.py"


def test_edits_and_the_calls_that_make_them_are_renamed_and_nothing_else(
    tmp_path: Path, shop: Path, paths: RealPaths
) -> None:
    linked, real = f"{tmp_path}/link/a.py", f"{shop}/a.py"

    def renamed(body: AnyBody) -> AnyBody:
        return paths.of_event(Event(key="k", session="s", at_ms=1, body=body)).body

    assert renamed(FileEdit(path=linked, change="modify")) == FileEdit(path=real, change="modify")
    moved = FileEdit(path=linked, change="rename", old_path=f"{tmp_path}/link/b.py")
    assert renamed(moved) == FileEdit(path=real, change="rename", old_path=f"{shop}/b.py")
    call = ToolCall(call_id="c", name="Edit", op="edit", subject=linked)
    assert renamed(call) == ToolCall(call_id="c", name="Edit", op="edit", subject=real)
    result = ToolResult(call_id="c", name="Write", op="write", status="ok", subject=linked)
    assert renamed(result) == ToolResult(call_id="c", name="Write", op="write", status="ok", subject=real)
    for body in (
        ToolCall(call_id="c", name="Bash", op="shell", subject=linked),
        UserPrompt(text=linked),
    ):
        assert renamed(body) is body
