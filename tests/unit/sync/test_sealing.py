"""Keys of machines, codes to compare, addresses of remotes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from carryover.cli.main import main
from carryover.errors import UserError
from carryover.sync.sealing import MachineKey, Unreadable, code_of, new_identity, seal_to
from carryover.sync.store import normalised, usable_address, without_credentials
from support.shared_file import ssh_key


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_an_ssh_key_can_be_a_machines_key(tmp_path: Path, kind: str) -> None:
    ssh_key(tmp_path / "id", kind)
    key = MachineKey(new_identity(), ssh_key=str(tmp_path / "id"))

    assert "bob@work" not in key.recipient
    assert key.open(seal_to(key.recipient, b"content")) == b"content"
    with pytest.raises(Unreadable):
        MachineKey(new_identity()).open(seal_to(key.recipient, b"content"))


def test_an_ssh_key_with_a_passphrase_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ssh_key(tmp_path / "id", "ed25519", "secret words")
    store = tmp_path / "store.git"
    subprocess.run(["git", "init", "-q", "--bare", str(store)], check=True)

    assert main(["sync", "init", str(store), "--ssh-key", str(tmp_path / "id")]) == 5

    assert "without a passphrase" in capsys.readouterr().err
    assert not (Path.home() / ".carryover" / "sync").exists()


def test_without_pyrage_each_action_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyrage", None)
    monkeypatch.chdir(tmp_path)

    assert main(["sync", "init", str(tmp_path / "store.git")]) == 5

    assert "pip install 'carryoverd[sync]'" in capsys.readouterr().err


def test_a_code_has_twenty_digits_and_depends_on_all_parts() -> None:
    codes = {code_of("a", "b", "c"), code_of("a", "b", "d"), code_of("a", "bb", "c")}

    assert len(codes) == 3
    assert {len(code.replace(" ", "")) for code in codes} == {20}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("git@github.com:ann/shop.git", "https://ann:token@GitHub.com/ann/shop"),
        ("ssh://git@github.com:22/ann/shop.git/", "git@github.com:ann/shop"),
        ("file:///srv/store.git", "/srv/store"),
    ],
)
def test_ways_to_write_one_remote_are_the_same(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("git@github.com:ann/shop", "git@github.com:bob/shop"), ("ssh://host:2222/shop", "ssh://host/shop")],
)
def test_other_remotes_are_not(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def test_a_password_in_an_address_is_not_shown() -> None:
    assert without_credentials("fatal: https://ann:token@host/x refuses") == "fatal: https://host/x refuses"


@pytest.mark.parametrize("address", ["ext::sh -c id", "-u", "", "--upload-pack=id", "fd::3", "a\nb"])
def test_an_address_that_would_run_something_is_refused(address: str) -> None:
    with pytest.raises(UserError, match="not the address of a git remote"):
        usable_address(address)
