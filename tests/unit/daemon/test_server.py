from __future__ import annotations

import stat
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from carryover.daemon.server import BODY_LIMIT_BYTES, check, hook_secret, knows_secret

SECRET = "5e" * 32
NOT_OURS = (403, "this host is not answered for")
FROM_A_PAGE = (403, "web pages are not answered")
TOO_LONG = (413, "more than 262144 bytes")


def refusal(
    method: str, path: str, headers: Mapping[str, str], page_hosts: Collection[str] | None = None
) -> tuple[int, str] | None:
    """With what a request is refused, None if it isn't."""
    try:
        check(make_mocked_request(method, path, CIMultiDict(headers)), port=47823, page_hosts=page_hosts)
    except web.HTTPException as refused:
        return refused.status, refused.reason
    return None


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        *(
            ({"Host": host}, NOT_OURS)  # after DNS rebinding a page reaches us under the name of its own host
            for host in (
                *("attacker.example", "attacker.example:47823", "localhost.attacker.example", "127.0.0.2", ""),
                *("localhost:80", "localhost:", "localhost:47823:47823", "user@localhost", "::1", "0.0.0.0:47823"),
            )
        ),
        *(
            ({"Origin": origin}, FROM_A_PAGE)
            for origin in ("https://attacker.example", "http://localhost:47823", "http://localhost", "null", "")
        ),
        *(
            ({"Content-Length": length}, TOO_LONG)
            for length in (str(BODY_LIMIT_BYTES + 1), "9" * 5000, "-1", "+1", "1e3", "٣", "", "1, 1")
        ),
        ({"Content-Encoding": "gzip"}, (415, "compressed bodies are not read")),
        ({"Content-Encoding": "identity", "Content-Length": str(BODY_LIMIT_BYTES)}, None),
    ],
)
def test_what_a_web_page_may_have_sent_or_is_too_long_is_refused(
    headers: dict[str, str], refused: tuple[int, str] | None
) -> None:
    assert refusal("POST", "/", {"Host": "localhost"} | headers) == refused


@pytest.mark.parametrize("hosts", [(), ("localhost", "localhost"), ("localhost", "attacker.example")])
def test_a_request_names_one_host(hosts: tuple[str, ...]) -> None:
    assert refusal("GET", "/health", CIMultiDict(("Host", host) for host in hosts)) == NOT_OURS


PAGE_HOST = f"{'5e' * 16}.localhost"
OWN = {"Host": f"{PAGE_HOST}:47823"}


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        (OWN, None),
        (OWN | {"Origin": f"http://{PAGE_HOST}:47823"}, None),
        *((OWN | {"Origin": origin}, FROM_A_PAGE) for origin in ("http://127.0.0.1:47823", f"http://{PAGE_HOST}:1")),
        *(
            ({"Host": host}, NOT_OURS)
            for host in (
                *("127.0.0.1:47823", "localhost:47823", "[::1]:47823", "127.0.0.1", "localhost"),
                *(f"{PAGE_HOST}:1", f"x.{PAGE_HOST}:47823", f"{'0' * 32}.localhost:47823", f"{PAGE_HOST}.:47823"),
            )
        ),
        (OWN | {"Service-Worker": "script"}, (403, "no worker is served, which would outlive the page")),
    ],
)
def test_the_page_is_asked_for_below_its_own_hosts_alone(
    headers: dict[str, str], refused: tuple[int, str] | None
) -> None:
    """Below others, another user's server may have left something in the browser that answers in our place."""
    assert refusal("GET", "/ui/", headers, page_hosts={PAGE_HOST}) == refused


def test_only_the_secret_itself_is_the_secret() -> None:
    assert knows_secret([SECRET], SECRET)
    for given in ([], [SECRET, SECRET], [SECRET.upper()], [SECRET[:-1]], [f"{SECRET} "], [""], ["\udcff"], ["ü"]):
        assert not knows_secret(given, SECRET)


def test_a_secret_is_made_once_for_its_owner_alone_and_replaced_once_others_could_have_read_it(tmp_path: Path) -> None:
    path = tmp_path / "hook.secret"
    secret = hook_secret(path)

    assert len(bytes.fromhex(secret)) == 32
    assert (stat.S_IMODE(path.stat().st_mode), path.read_text()) == (0o600, f"{secret}\n")
    assert hook_secret(path) == secret
    path.chmod(0o640)
    assert hook_secret(path) != secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
