from __future__ import annotations

import stat
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from carryover.daemon.server import BODY_LIMIT_BYTES, Refusal, hook_secret, knows_secret, refusal

SECRET = "5e" * 32


def asked(*headers: tuple[str, str], port: int | None = 47823, hosts: tuple[str, ...] = ("localhost",)) -> object:
    every = CIMultiDict([*(("Host", host) for host in hosts), *headers])
    return refusal(make_mocked_request("POST", "/", every), port=port)


@pytest.mark.parametrize(
    "host",
    [
        "attacker.example",
        "attacker.example:47823",
        "localhost.attacker.example",
        "127.0.0.1.attacker.example",
        "127.0.0.2",
        "localhost:80",
        "localhost:",
        "localhost:47823:47823",
        "user@localhost",
        "::1",
        "0.0.0.0:47823",
        "",
    ],
)
def test_a_request_that_names_another_host_is_refused(host: str) -> None:
    """After DNS rebinding a page reaches us under the name of its own host."""
    assert asked(hosts=(host,)) == Refusal(403, "this host is not answered for")


@pytest.mark.parametrize("origin", ["https://attacker.example", "http://localhost:47823", "null", ""])
def test_whatever_comes_from_a_page_is_refused(origin: str) -> None:
    assert asked(("Origin", origin)) == Refusal(403, "web pages are not answered")


@pytest.mark.parametrize("length", [str(BODY_LIMIT_BYTES + 1), "9" * 5000, "-1", "+1", "1e3", "٣", "", "1, 1"])
def test_a_longer_body_or_one_of_odd_length_is_refused(length: str) -> None:
    assert asked(("Content-Length", length)) == Refusal(413, "more than 262144 bytes")


def test_a_body_that_would_grow_is_refused() -> None:
    assert asked(("Content-Encoding", "gzip")) == Refusal(415, "compressed bodies are not read")
    assert asked(("Content-Encoding", "identity")) is None


def test_only_the_secret_itself_is_the_secret() -> None:
    assert knows_secret([SECRET], SECRET)
    for given_ in ([], [SECRET, SECRET], [SECRET.upper()], [SECRET[:-1]], [f"{SECRET} "], [""], ["\udcff"], ["ü"]):
        assert not knows_secret(given_, SECRET)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hook.secret"


def test_a_secret_is_made_once_for_its_owner_alone(path: Path) -> None:
    secret = hook_secret(path)

    assert len(bytes.fromhex(secret)) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == f"{secret}\n"
    assert hook_secret(path) == secret


def test_one_that_others_could_have_read_is_replaced(path: Path) -> None:
    known = hook_secret(path)
    path.chmod(0o640)

    assert hook_secret(path) != known
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
