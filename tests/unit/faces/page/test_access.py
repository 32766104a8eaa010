"""Who may see the page: a browser that brought a key, at the host that the key is for, of this user's processes."""

from __future__ import annotations

import os
import re
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from carryover.daemon.own_page import PageKey
from carryover.faces.page.access import COOKIE, KEY_S, Access, Visitor, may_ask
from carryover.platform.linux import Linux
from support.clock import Clock
from support.connected import connected
from support.platforms import on

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def bringing(new: PageKey, **headers: str) -> web.Request:
    """A request with a key, at the key's host."""
    return make_mocked_request("GET", f"/ui/?key={new.key}", {"Host": f"{new.host}:47823", **headers})


def shows(page: Access, host: str, visitor: Visitor) -> bool:
    """Whether the visitor's cookie is one at `host`."""
    headers = {"Host": f"{host}:47823", "Cookie": f"{COOKIE}={visitor.cookie}"}
    return page.visitor(make_mocked_request("GET", "/ui/", headers)) is visitor


def admitted(page: Access, new: PageKey) -> Visitor:
    visitor = page.admit(bringing(new))
    assert visitor is not None
    return visitor


def test_a_key_admits_one_browser_within_a_minute_which_its_cookie_stands_for() -> None:
    clock = Clock()
    page = Access(clock)
    early, late = page.new_key(), page.new_key()
    nobody = make_mocked_request("GET", "/ui/", {"Host": late.host, "Cookie": f"{COOKIE}="})

    clock.now += KEY_S
    assert page.visitor(nobody) is None, "nobody has brought that key yet"
    visitor = admitted(page, early)
    assert (shows(page, early.host, visitor), shows(Access(clock), early.host, visitor)) == (True, False)
    others = (early, *(PageKey(late.host, key) for key in ("", "none", early.key, "%D0%BA", "%ED%B2%80")))
    assert [page.admit(bringing(new)) for new in others] == [None] * 6
    assert page.hosts() == {early.host, late.host}
    clock.now += 0.1
    assert page.admit(bringing(late)) is None
    assert page.hosts() == {early.host}


def test_each_key_has_a_host_of_its_own_and_key_and_cookie_are_good_for_that_alone() -> None:
    page = Access(Clock())
    one, other = page.new_key(), page.new_key()

    assert one.host != other.host
    assert re.fullmatch(r"[0-9a-f]{32}\.localhost", one.host)
    for host in (other.host, "127.0.0.1", "localhost", "", f"x.{one.host}"):
        assert page.admit(bringing(PageKey(host, one.key))) is None, host
    visitor = admitted(page, one)
    assert shows(page, one.host.upper(), visitor)
    assert not any(shows(page, host, visitor) for host in (other.host, "127.0.0.1", "localhost", ""))


def test_nothing_is_left_once_the_port_is_given_up() -> None:
    page = Access(Clock())
    new, unused = page.new_key(), page.new_key()
    visitor = admitted(page, new)
    page.end()

    assert (page.hosts(), shows(page, new.host, visitor), page.admit(bringing(unused))) == (set(), False, None)


def test_keys_and_browsers_are_bounded_and_the_newest_count() -> None:
    page = Access(Clock())
    first_key = page.new_key()
    for _ in range(50):
        page.new_key()
    visitors: list[tuple[str, Visitor]] = []
    for _ in range(34):
        new = page.new_key()
        visitors.append((new.host, admitted(page, new)))

    assert page.admit(bringing(first_key)) is None
    assert [shows(page, host, visitor) for host, visitor in visitors] == [False] * 2 + [True] * 32
    assert len(page.hosts()) == 32


def over(transport: Mock) -> web.Request:
    return make_mocked_request("GET", "/ui/", transport=transport)


class Shared(Linux):
    """Where two other users have each connection."""

    def connection_owners(self, *_ends: object) -> set[int]:
        return {os.geteuid() + 1, os.geteuid() + 2}


@pytest.mark.linux("whose a connection is")
@on_linux
def test_a_process_of_another_user_may_not_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even with our cookie, which the browser also sends to what other users serve on other ports of the host."""
    uid = os.geteuid()
    with connected() as (_client, transport):
        asked = over(transport)
        assert may_ask(asked)

        monkeypatch.setattr(os, "geteuid", lambda: uid + 1)
        assert may_ask(asked) is (uid == 0)  # root may read everything anyway
        with on(Shared()):
            assert not may_ask(asked)
        with on(Linux(proc=Path("/proc/none"))):
            assert may_ask(asked), "where the system does not tell, the cookie is enough"


FORMS = {"127.0.0.1": "127.0.0.1", "::1": "::1", "::ffff:127.0.0.1": "127.0.0.1"}


@on_linux
@pytest.mark.parametrize("by", FORMS)
def test_a_process_is_known_by_whichever_address_it_connects(by: str) -> None:
    with connected(FORMS[by], by=by) as (_client, transport):
        assert may_ask(over(transport))


def cut_off(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.mark.linux("whose a connection is")
@on_linux
@pytest.mark.parametrize("leave", [socket.socket.close, cut_off])
def test_a_connection_that_its_process_has_closed_is_nobodys(leave: Callable[[socket.socket], None]) -> None:
    """The system says of it that it is root's, so another user could use up a key by closing it at once."""
    with connected() as (client, transport):
        leave(client)

        assert not may_ask(over(transport))


@pytest.mark.linux("whose a connection is")
@on_linux
def test_a_connection_of_ours_with_the_same_ports_does_not_stand_for_another() -> None:
    with connected() as (client, transport):
        port = client.getsockname()[1]
        other = {"peername": ("127.0.0.2", port), "sockname": transport.get_extra_info("sockname")}

        assert may_ask(over(transport))
        assert not may_ask(over(Mock(get_extra_info=other.get)))


def test_without_ends_a_connection_has_ended() -> None:
    assert not may_ask(over(Mock(get_extra_info=lambda _name: None)))
