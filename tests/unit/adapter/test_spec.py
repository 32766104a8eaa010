"""Where an agent's files are, as its spec says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.adapter.spec import LINUX, MACOS, AgentSpec, HookSpec, Place, application_places, places_on
from carryover.agents import specs

HOME = Path("/home/dev")
MOVABLE = Place(path="~/.tool/settings.json", env="TOOL_HOME", below="settings.json")


@pytest.mark.parametrize(
    ("env", "path"),
    [
        ({}, "/home/dev/.tool/settings.json"),
        ({"TOOL_HOME": " "}, "/home/dev/.tool/settings.json"),
        ({"TOOL_HOME": "/srv/tool"}, "/srv/tool/settings.json"),
        ({"TOOL_HOME": "~/conf"}, "/home/dev/conf/settings.json"),
        ({"TOOL_HOME": "~"}, "/home/dev/settings.json"),
        ({"TOOL_HOME": "conf"}, "/home/dev/conf/settings.json"),
        ({"TOOL_HOME": "~other/conf"}, "/home/dev/~other/conf/settings.json"),
    ],
)
def test_a_variable_moves_a_place(env: dict[str, str], path: str) -> None:
    assert MOVABLE.at(HOME, env) == Path(path)


def test_an_application_keeps_its_data_where_its_system_has_that() -> None:
    places = application_places("Editor/User")
    linux, mac = (
        [place.at(HOME, {"XDG_CONFIG_HOME": "/srv/conf"}) for place in places_on(places, platform)]
        for platform in (LINUX, MACOS)
    )

    assert linux == [Path("/srv/conf/Editor/User")]
    assert mac == [HOME / "Library/Application Support/Editor/User"]
    assert [place.at(HOME, {}) for place in places_on(places, LINUX)] == [HOME / ".config/Editor/User"]


def test_a_spec_names_each_variable_once() -> None:
    spec = AgentSpec(
        id="tool",
        name="Tool",
        binaries=("tool",),
        folders=(Place(path="~/.tool", env="TOOL_HOME"),),
        hooks=HookSpec(config_files=(MOVABLE,)),
        transcripts=(Place(path="~/.data", env="TOOL_DATA"), Place(path="~/.old")),
    )

    assert spec.variables == ("TOOL_HOME", "TOOL_DATA")


@pytest.mark.parametrize("spec", [spec for spec in specs() if spec.start is not None], ids=lambda spec: spec.id)
def test_only_a_plain_id_is_put_on_an_agents_command_line(spec: AgentSpec) -> None:
    assert spec.start is not None
    plain = ("3f2a0000-0000-4000-8000-000000000000", "ses_1a.B:2")
    assert all(spec.start.resuming(ident) is not None for ident in plain)
    for ident in ("", "-c", "--yolo", "a b", "a\n", "a/../b", "$(a)", "ü", "a=b", "a@b"):
        assert spec.start.resuming(ident) is None
