from __future__ import annotations

import pytest

import carryover.daemon.page_door
from carryover.config import Config, ServerConfig
from carryover.daemon.context import DaemonContext
from carryover.daemon.page_door import PageDoor, PageKey


async def test_a_key_is_given_only_where_there_is_a_page(context: DaemonContext) -> None:
    door = PageDoor(context)
    context.use(Config(server=ServerConfig(page=False)))
    refused = await door.key({})
    context.use(Config())
    key = await door.key({})
    door.close()

    assert "[server] page is false" in refused.refusal
    assert (len(key.key) > 40, key.refusal) == (True, "")


async def test_the_page_of_another_version_is_not_loaded(
    context: DaemonContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade has replaced the files under the running daemon."""
    monkeypatch.setattr(carryover.daemon.page_door, "__version__", "0.0.1")

    assert (await PageDoor(context).key({})).refusal.startswith("Carryover was upgraded while")
    assert await PageDoor(context).key({}) != PageKey()


@pytest.mark.parametrize(
    ("path", "is_its"),
    [("/ui", True), ("/ui/", True), ("/ui/api/me", True), ("/uix", False), ("/", False), ("/hook/ui/x", False)],
)
async def test_its_addresses_are_below_ui(context: DaemonContext, path: str, is_its: bool) -> None:
    door = PageDoor(context)
    assert door.is_at(path) is is_its

    context.use(Config(server=ServerConfig(page=False)))
    assert not door.is_at(path)
