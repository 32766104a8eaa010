"""Ann, who shares the recorded shop, and Bob, who has a checkout and keys of his own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from carryover.sync.sealing import new_identity
from support.recorded_shop import Run
from support.repository import repository
from support.shared_file import ssh_key


@pytest.fixture
def bob(tmp_path: Path) -> Path:
    """Bob's home folder, with a checkout of his own in which no agent has worked."""
    repository(tmp_path / "bob" / "src" / "shop", {"a.py": "1\n"})
    return tmp_path / "bob"


@pytest.fixture
def be_bob(bob: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    def switch() -> Path:
        monkeypatch.setenv("HOME", str(bob))
        monkeypatch.setenv("CARRYOVER_HOME", str(bob / ".carryover"))
        monkeypatch.chdir(bob / "src" / "shop")
        return bob / "src" / "shop"

    return switch


@pytest.fixture
def as_bob(be_bob: Callable[[], Path]) -> Path:
    """From now on Bob calls the commands; his checkout. Named after `shared`, he does after Ann has shared it."""
    return be_bob()


@pytest.fixture
def shared(recorded: Path, bob: Path, run: Run, tmp_path: Path) -> Path:
    """What Ann has encrypted to Bob's ssh key."""
    pytest.importorskip("pyrage")
    public = ssh_key(bob / ".ssh" / "id_ed25519")
    file = tmp_path / "mail" / "shop.age"
    file.parent.mkdir()
    code, _, err = run("share", str(recorded), "--to", public, "--from", "Ann", "-o", str(file), "--yes")
    assert code == ExitCode.OK, err
    return file


@pytest.fixture
def key(bob: Path) -> str:
    """An age key of Bob's, in bob/key."""
    pytest.importorskip("pyrage")
    secret = new_identity()
    (bob / "key").write_text(f"# created: today\n# public key: of Bob\n{secret}\n")
    return secret


@pytest.fixture
def own(bob: Path, key: str) -> tuple[str, ...]:
    """The options of `import` by which Bob opens with that key what he is not asked about."""
    return ("--identity", str(bob / "key"), "--yes")
