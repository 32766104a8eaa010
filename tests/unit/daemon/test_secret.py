from __future__ import annotations

import stat
from pathlib import Path

import pytest

from carryover.daemon.secret import hook_secret


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hook.secret"


def test_a_secret_is_made_once_for_its_owner_alone(path: Path) -> None:
    secret = hook_secret(path)

    assert len(bytes.fromhex(secret)) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == f"{secret}\n"
    assert hook_secret(path) == secret


def test_two_installations_have_two(tmp_path: Path) -> None:
    assert hook_secret(tmp_path / "one") != hook_secret(tmp_path / "other")


@pytest.mark.parametrize("content", ["", "too short", "0" * 65, "G" * 64, "0" * 4096])
def test_what_is_no_secret_is_replaced(path: Path, content: str) -> None:
    path.write_text(content)
    path.chmod(0o600)

    secret = hook_secret(path)

    assert path.read_text() == f"{secret}\n"
    assert len(bytes.fromhex(secret)) == 32


def test_one_that_others_could_have_read_is_replaced(path: Path) -> None:
    known = hook_secret(path)
    path.chmod(0o640)

    assert hook_secret(path) != known
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_to_a_secret_is_replaced_and_not_followed(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    known = hook_secret(target)
    path.symlink_to(target)

    assert hook_secret(path) != known
    assert not path.is_symlink()
    assert target.read_text() == f"{known}\n"


def test_where_it_cannot_be_written_that_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        hook_secret(tmp_path / "missing" / "hook.secret")
