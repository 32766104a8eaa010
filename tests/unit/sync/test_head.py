"""Keys, heads and segments, addresses of remotes, and what a set-up of an earlier version comes to."""

from __future__ import annotations

import hashlib
import sys
import zlib
from pathlib import Path

import msgspec
import pytest

from carryover.actions.syncing import end_syncing, sync_once
from carryover.errors import UserError
from carryover.faces.cli.main import main
from carryover.paths import StateDir
from carryover.sync.address import usable_address, without_credentials
from carryover.sync.folder import SyncFolder
from carryover.sync.git_store import store_at
from carryover.sync.head import Head, Peer, Segment, accepted_head, opened_segment, sealed_head, sealed_segment, sha_of
from carryover.sync.payload import LARGEST_BODY, LARGEST_PAYLOAD, Payload, SyncedEvent, SyncedSession
from carryover.sync.sealing import (
    LARGEST_OBJECT,
    MachineKey,
    Unreadable,
    inflated,
    is_signed_by,
    make_key,
    seal_for,
)
from support.shared_file import ssh_key

ME, OTHER = "0" * 16, "1" * 16


@pytest.fixture
def key(tmp_path: Path) -> MachineKey:
    make_key(tmp_path / "key")
    return MachineKey(tmp_path / "key")


def test_an_ssh_key_can_be_a_machines_key(tmp_path: Path, key: MachineKey) -> None:
    ssh_key(tmp_path / "id")
    own = MachineKey(tmp_path / "id")

    assert "bob@work" not in own.public
    assert own.open(seal_for([own.public, key.public], b"content")) == b"content"
    with pytest.raises(Unreadable):
        key.open(seal_for([own.public], b"content"))
    signed = own.signature(b"message")
    assert is_signed_by(own.public, signed, b"message")
    for public, signature, message in ((key.public, signed, b"message"), (own.public, signed, b"other")):
        assert not is_signed_by(public, signature, message)
    for junk in (b"", b"\xff", signed[:-30], b"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n"):
        assert not is_signed_by(own.public, junk, b"message")


def test_an_ssh_key_that_cant_be_used_is_refused(tmp_path: Path) -> None:
    ssh_key(tmp_path / "rsa", "rsa")
    with pytest.raises(Unreadable, match="no public key of the kind ssh-ed25519"):
        MachineKey(tmp_path / "rsa")

    ssh_key(tmp_path / "id", "ed25519", "secret words")
    own = MachineKey(tmp_path / "id")
    with pytest.raises(Unreadable, match="no key of age or ssh that has no passphrase"):
        own.open(seal_for([own.public], b"content"))


def test_a_damaged_file_is_named_and_synchronising_can_be_ended() -> None:
    folder = SyncFolder(StateDir(Path.home() / ".carryover"))
    with pytest.raises(UserError, match="This machine does not synchronise"):
        sync_once()
    folder.path.mkdir(parents=True)
    for name, read, why in (("state.json", folder.state, "it is damaged"), ("key", folder.key, "No such file")):
        (folder.path / name).write_bytes(b'{"own":"\xff"}')
        with pytest.raises(UserError, match=rf"{name} can't be used \({why}"):
            read()
    end_syncing(delete=False)
    assert not folder.is_set_up


def test_a_set_up_of_another_version_is_refused_and_can_be_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = SyncFolder(StateDir(Path.home() / ".carryover"))
    folder.path.mkdir(parents=True, mode=0o700)
    (folder.path / "settings.json").write_text('{"remote":"/r","form":2}')
    (folder.path / "state.json").write_text('{"store":"0123456789abcdef","own":null,"membership":{}}')

    for command in ([], ["status"], ["add-machine", "1"], ["init", str(tmp_path)]):
        main(["sync", *command])
        assert "`carryover sync off`, then `carryover sync init" in " ".join("".join(capsys.readouterr()).split())
    assert main(["sync", "off", "--yes"]) == 0
    assert not folder.is_set_up


def test_without_pyrage_each_action_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyrage", None)
    monkeypatch.chdir(tmp_path)

    assert main(["sync", "init", str(tmp_path / "store")]) == 5

    err = " ".join(capsys.readouterr().err.split())
    assert "Encrypting needs a package that is not installed: 'pyrage>=1.4,<2'. Run `" in err
    assert "[all]'`, then run the command again." in err


def test_without_ssh_keygen_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "store").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))

    assert main(["sync", "init", str(tmp_path / "store")]) != 0

    assert "needs ssh-keygen of OpenSSH 8.1 or newer" in " ".join(capsys.readouterr().err.split())
    assert not list((tmp_path / "store").iterdir())


def test_a_folder_is_named_from_the_top_and_what_git_reaches_stays_as_it_is() -> None:
    for address in ("git@github.com:ann/shop", "https://github.com/ann/shop", "/srv/store"):
        assert usable_address(f" {address} ") == address
    assert usable_address("store") == str(Path.cwd() / "store")


@pytest.mark.parametrize(
    "address",
    ["ext::sh -c 'touch {}'", "-u", "--upload-pack=touch {}", "fd::3", "a\nb", "ssh://-oProxyCommand=touch {}/x"],
)
def test_an_address_that_would_run_something_runs_nothing(tmp_path: Path, address: str) -> None:
    made = tmp_path / "made"
    store = store_at(tmp_path / "store", usable_address(address.format(made)), ME)

    with pytest.raises(UserError):
        store.fetch()
    assert not made.exists()


def test_a_message_of_git_is_shown_without_passwords() -> None:
    # Git leaves it out of some messages itself, but not of every one.
    for login in ("ann:token", "ann:to@ken", "ann:to/ken"):
        assert without_credentials(f"fatal: https://{login}@host/x refuses") == "fatal: https://host/x refuses"
    for address in ("https://host:8080/@x/y", "https://host/@x"):
        assert without_credentials(address) == address


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x91" * 5_000,
        msgspec.msgpack.encode({"events": [{"session": 0, "key": b"k" * 16, "at_ms": 1, "body": b""}]}),
        msgspec.msgpack.encode({"sessions": [{"agent": "", "native_id": "x"}]}),
        msgspec.msgpack.encode({"sessions": [{"agent": "a", "native_id": "x" * 2_000}]}),
        msgspec.msgpack.encode({"replaced": [b"short"]}),
        b"\xdf\xff\xff\xff\xff",
        b"\x81\xa6events\xdd\xff\xff\xff\xff",
    ],
)
def test_what_is_not_exactly_a_payload_is_refused(key: MachineKey, data: bytes) -> None:
    with pytest.raises(Unreadable, match="damaged"):
        opened_segment(*sealed_bytes(zlib.compress(data), key))


def sealed_bytes(content: bytes, key: MachineKey) -> tuple[Segment, bytes, MachineKey]:
    data = seal_for([key.public], content)
    return Segment(len(data), sha_of(data)), data, key


def test_a_segment_that_inflates_to_more_than_it_may_is_refused(key: MachineKey) -> None:
    bomb = zlib.compress(bytes(LARGEST_PAYLOAD + 1), 1)

    with pytest.raises(Unreadable, match="larger than it may be"):
        opened_segment(*sealed_bytes(bomb, key))
    with pytest.raises(Unreadable, match="larger than it may be"):
        inflated(bomb + b"more", LARGEST_PAYLOAD + 1)


@pytest.mark.parametrize("data", [b"", b"\xc0", b"\x92\xc4\x00", msgspec.msgpack.encode([b"", b""])])
def test_what_is_no_head_is_refused(key: MachineKey, data: bytes) -> None:
    for known in (Peer(key=key.public, name="m"), Peer(key=key.public, name="m", sequence=1, sha=sha_of(data))):
        with pytest.raises(Unreadable):
            accepted_head(ME, data, known, key)


def test_a_head_serves_no_other_machine_and_opens_for_its_readers_alone(tmp_path: Path, key: MachineKey) -> None:
    make_key(tmp_path / "other")
    other = MachineKey(tmp_path / "other")
    head = Head(machine=ME, name="me", sequence=1)
    data = sealed_head(head, [key.public], key)

    assert accepted_head(ME, data, Peer(key=key.public, name="m"), key) == head
    for machine, public, reader in (
        (OTHER, key.public, key),
        (ME, other.public, key),
        (ME, key.public, other),
    ):
        with pytest.raises(Unreadable):
            accepted_head(machine, data, Peer(key=public, name="m"), reader)


def payload_with(body: bytes) -> Payload:
    return Payload(sessions=(SyncedSession("a", "s"),), events=(SyncedEvent(0, b"k" * 16, 1, body),))


def test_the_largest_prompt_is_sent_whole(key: MachineKey) -> None:
    payload = payload_with(hashlib.shake_256(b"a prompt").digest(LARGEST_BODY))

    segment, data = sealed_segment(payload, [key.public])

    assert len(data) < LARGEST_OBJECT
    assert opened_segment(segment, data, key) == payload


def test_a_segment_names_no_other_file() -> None:
    assert Segment(1, b"../" * 10 + b"xx").name == (b"../" * 10).hex()[:32]
    for sha in (b"", b"x" * 31, b"x" * 33):
        with pytest.raises(msgspec.ValidationError):
            msgspec.msgpack.decode(msgspec.msgpack.encode([1, sha]), type=Segment)
