from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from carryover.daemon.hooks.http_app import listen
from carryover.page import access
from carryover.page.access import COOKIE, KEY_S, Access, Visitor, has_token, may_ask
from support.clock import Clock


def shows(page: Access, visitor: Visitor) -> bool:
    return page.visitor(make_mocked_request("GET", "/ui/", {"Cookie": f"{COOKIE}={visitor.cookie}"})) is visitor


def test_a_key_admits_one_browser_which_its_cookie_stands_for() -> None:
    page = Access(Clock())
    key = page.new_key({"PATH": "/bin"})
    visitor = page.admit(key)

    assert visitor is not None and visitor.env == {"PATH": "/bin"}
    assert page.admit(key) is None
    assert shows(page, visitor)


def test_a_key_is_good_for_a_minute() -> None:
    clock = Clock()
    page = Access(clock)
    early, late = page.new_key({}), page.new_key({})

    clock.now += KEY_S
    assert page.admit(early) is not None
    clock.now += 0.1
    assert page.admit(late) is None


@pytest.mark.parametrize("key", ["", "none", "ключ", "\udc80"])
def test_no_other_key_is_good(key: str) -> None:
    page = Access(Clock())
    page.new_key({})

    assert page.admit(key) is None


def test_keys_and_browsers_are_bounded_and_the_newest_count() -> None:
    page = Access(Clock())
    first_key = page.new_key({})
    for _ in range(50):
        page.new_key({})
    visitors = [page.admit(page.new_key({})) for _ in range(50)]

    assert page.admit(first_key) is None
    assert [visitor is not None and shows(page, visitor) for visitor in visitors] == [False] * 18 + [True] * 32


def test_another_daemon_knows_no_cookie_of_this_one() -> None:
    page = Access(Clock())
    visitor = page.admit(page.new_key({}))
    assert visitor is not None

    assert not shows(Access(Clock()), visitor)


def test_a_token_belongs_to_one_browser() -> None:
    one, other = Visitor({}), Visitor({})
    asked = make_mocked_request("POST", "/ui/api/command", {"X-Carryover-Token": one.token})

    assert (has_token(asked, one), has_token(asked, other)) == (True, False)
    assert not has_token(make_mocked_request("POST", "/ui/api/command"), one)


class Connected:
    """A connection between two ends, as a server sees it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self._connection.getpeername() if name == "peername" else self._connection.getsockname()


@pytest.fixture
def asked() -> Iterator[web.Request]:
    """A request over a real connection from this process."""
    with closing(listen(0)) as listener, closing(socket.create_connection(listener.getsockname())):
        listener.setblocking(True)
        connection, _ = listener.accept()
        with closing(connection):
            transport = Mock(get_extra_info=Connected(connection).get_extra_info)
            yield make_mocked_request("GET", "/ui/", transport=transport)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_process_of_another_user_may_not_ask(asked: web.Request, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even with our cookie, which the browser also sends to what other users serve on 127.0.0.1."""
    uid = os.geteuid()
    assert may_ask(asked)

    monkeypatch.setattr(os, "geteuid", lambda: uid + 1)
    assert may_ask(asked) is (uid == 0)  # root may read everything anyway
    monkeypatch.setattr(access, "_owners", lambda *_ports: iter([uid + 2]))
    assert not may_ask(asked)


def test_where_the_system_does_not_tell_the_cookie_is_enough(
    asked: web.Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "_TABLES", ("/proc/none",))

    assert may_ask(asked)
