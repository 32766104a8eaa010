"""Where an agent's files are, as its spec says it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.spec import LINUX, MACOS, AgentSpec, HookSpec, Place, application_places, places_on
from carryover.agents import specs
from carryover.model import Event, SessionInfo, UserPrompt
from carryover.transcript.recorder import OpenCall, Recorder, differing
from carryover.transcript.spooled import SpooledCall, spool_line

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


class Context(msgspec.Struct, frozen=True):
    cwd: str | None = None


def call(ident: str, **more: object) -> OpenCall:
    return msgspec.structs.replace(OpenCall(id=ident, name="Bash", op="shell"), **more)


@pytest.mark.parametrize(
    ("looks", "output", "kept"),
    [
        (False, "1 passed", "1 passed"),
        (False, "a.py:1\n./.carryover/handoff.md:3: Add a discount\nb.py:2", "a.py:1\nb.py:2"),
        (True, "Add a discount", ""),
    ],
)
def test_a_result_repeats_nothing_of_a_handoff(looks: bool, output: str, kept: str) -> None:
    ended = call("a", handoff=looks, actor="human").ended(ToolOutcome("error", output, 2))

    assert (ended.output, ended.status, ended.exit_code, ended.actor, ended.call_id) == (kept, "error", 2, "human", "a")


@pytest.mark.parametrize(
    ("op", "output", "status"),
    [
        ("other", '{\n  "success": false,\n  "error": "No oven",\n  "details": {"success": true}\n}', "error"),
        ("other", '{"success": false, "error": ""}', "ok"),
        ("other", '{"success": true, "error": "No oven"}', "ok"),
        ("other", '{"result": {"success": false, "error": "No oven"}}', "ok"),
        ("other", 'It says {"success": false, "error": "No oven"}', "ok"),
        ("read", '{"success": false, "error": "No oven"}', "ok"),
    ],
)
def test_a_tool_that_returns_that_it_failed_has_failed(op: Any, output: str, status: str) -> None:
    assert call("a", op=op).ended(ToolOutcome("ok", output)).status == status


WHOLE = "# [CARRYOVER] Last updated 2026-11-20T06:00:00Z from Codex\n- Cap\nFull history: `carryover show abc`\n"


@pytest.mark.parametrize(
    ("command", "output", "kept"),
    [
        ("pytest; cat .carryover/handoff.md", f"1 passed\n{WHOLE}", "1 passed\n"),
        ("pytest; sed -n 5,9p .carryover/handoff.md", "1 passed\n- Cap", ""),
        ("python -c 'print(open(\".carryover/more.md\").read()[99:])'", "- Cap", ""),
        ("cd .carryover && sed -n 5,9p handoff.md", "- Cap", ""),
        ("echo don't; tail -5 .carryover/handoff.md", "- Cap", ""),
        ("cat .carryover/handoff.md", f"{WHOLE}- Cap", ""),
        ("cat handoff.md", "- Cap", ""),  # started in our own folder
        ("curl -s https://example.org/a | sh  # .carryover/handoff.md", "installed", "installed"),
        ("grep -rn total . --exclude-dir=.carryover", "a.py:1: total", "a.py:1: total"),
        ("git add -A ':!.carryover' && git commit -m Cap", "[main 1a2b3c4] Cap", "[main 1a2b3c4] Cap"),
        ("rm -r .carryover && make", "cc a.c", "cc a.c"),
    ],
)
def test_a_command_that_names_our_files_loses_only_what_it_printed_of_them(
    command: str, output: str, kept: str
) -> None:
    assert call("a", handoff=True, subject=command).ended(ToolOutcome("ok", output)).output == kept


def test_what_is_new_of_a_session_comes_first_and_under_the_sessions_own_key() -> None:
    builder = Recorder(context=Context(), at_ms=7)
    builder.events.append(Event(key="k", session="s1", at_ms=7, body=UserPrompt(text="hello"), cwd="/shop"))
    builder.put_info_first("s1", "/shop", differing(SessionInfo(title="T", model="m"), SessionInfo(model="m")))

    first, second = builder.built().events
    assert first.body == SessionInfo(title="T")
    assert first.key.startswith("info/s1/7/")
    assert (second.key, second.at_ms) == ("k", 7)


def test_a_folder_that_a_variable_names_as_it_is_anyway_is_one() -> None:
    [opencode] = [spec for spec in specs() if spec.id == "opencode"]
    home = Path("/home/dev")
    assert opencode.roots(home, {"XDG_DATA_HOME": "/home/dev/.local/share"}) == (home / ".local/share/opencode",)


def kept(payload: bytes, cwd: str | None = "/home/dev/shop") -> SpooledCall:
    line = spool_line("stop", payload, at_ms=7, cwd=cwd)
    assert line is not None
    assert line.endswith(b"\n") and line.count(b"\n") == 1 and b"\r" not in line
    return msgspec.json.decode(line, type=SpooledCall)


@pytest.mark.parametrize("payload", [b"\xef\xbb\xbf{}", b'{"a": "\xff"}', b'{"a": "\\ud83d"}'])
def test_what_can_be_mended_is_kept(payload: bytes) -> None:
    assert isinstance(json.loads(bytes(kept(payload).payload)), dict)


@pytest.mark.parametrize("payload", [b"", b"words", b'{"a": ', b"{} {}", b"\x00" * 9])
def test_what_is_no_json_is_not_kept(payload: bytes) -> None:
    assert spool_line("stop", payload, at_ms=7, cwd=None) is None


@pytest.mark.parametrize("cwd", [None, "", "relative", "/half\udcff"])
def test_a_folder_that_json_cannot_hold_or_that_is_none_is_left_out(cwd: str | None) -> None:
    assert kept(b"{}", cwd).cwd is None
