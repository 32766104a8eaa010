from __future__ import annotations

import msgspec
import pytest

from carryover.adapter.contract import ToolOutcome
from carryover.decoders import decoder_of
from carryover.model import FileEdit, SessionInfo
from carryover.redact import redact
from carryover.transcript.open_calls import MOST_OPEN, OpenCall, matters_where, with_open_call
from carryover.transcript.recorder import SessionContext, Tools


def test_a_context_of_an_earlier_version_is_read_though_its_parts_name_no_kind() -> None:
    changes = '[{"path": "/home/dev/shop/cart.py", "change": "modify", "added": 2}]'
    call = f'{{"id": "c1", "name": "Edit", "op": "edit", "changes": {changes}}}'

    context = decoder_of(SessionContext).decode(f'{{"facts": {{"title": "Add a cart"}}, "calls": [{call}]}}')

    assert context.facts == SessionInfo(title="Add a cart")
    assert context.calls[0].changes == (FileEdit(path="/home/dev/shop/cart.py", change="modify", added=2),)


def test_where_a_command_was_started_is_decided_by_what_is_recorded_of_it() -> None:
    script = "cat > run.sh <<'END'\n" + "echo done\n" * 200 + "END\n"
    steps = ["npm test", script, "echo all; " * 50]

    assert matters_where("\n".join(steps))
    assert matters_where("\n".join(steps[::-1]))
    assert not matters_where("\n".join((steps[1], steps[0], steps[2])))
    assert [matters_where(f"less {name}") for name in ("docs/plan.md", "~/plan.md", "cart.py")] == [True, False, False]


def test_what_a_sub_agent_reports_stays_though_it_was_to_read_the_handoff() -> None:
    printed = "I added tax.\nI read .carryover/handoff.md first.\n"
    call = OpenCall("c1", "spawn_agent", "agent", "Read .carryover/handoff.md, then add tax.", handoff=True)

    assert call.ended(ToolOutcome("ok", printed)).output == "I added tax.\n"


def test_what_is_open_takes_a_bounded_space_however_many_files_it_changes() -> None:
    diff = "+x\n" * 1_000
    many = tuple(FileEdit(path=f"/home/dev/shop/{number}.py", change="modify", diff=diff) for number in range(2_000))
    few = many[:3]
    calls: tuple[OpenCall, ...] = ()

    for number in range(MOST_OPEN):
        calls = with_open_call(calls, OpenCall(f"c{number}", "apply_patch", "edit", changes=few))
    assert [len(call.changes) for call in calls[-3:]] == [3, 3, 3]
    calls = with_open_call(calls, OpenCall("all", "apply_patch", "edit", changes=many))

    assert len(msgspec.json.encode(calls)) < 1 << 20
    assert len(calls) == MOST_OPEN
    assert len(calls[-1].changes) > 100
    assert calls[-1].changes == many[: len(calls[-1].changes)]
    assert not any(call.changes for call in calls[:-1])


@pytest.mark.parametrize("tools", [Tools({}), Tools({}, about=("path",))])
@pytest.mark.parametrize(
    "name",
    [
        *("apiKey", "api_key", "password", "authToken", "DB_PASS", "clientSecret"),
        *("DB_PW", "gh_pat", "API_KEY_PROD", "apikey2", "kennwort", "contraseña"),
    ],
)
def test_a_secret_among_the_arguments_of_an_unknown_tool_is_recognised_by_its_name(tools: Tools, name: str) -> None:
    value = 'zQqm"OBZZW6m4nyoL6uniiFw1'
    given = {name: msgspec.Raw(msgspec.json.encode(value)), "query": msgspec.Raw(b'"pears"')}

    subject, hidden = redact(tools.call("c1", "mcp__shop__find", given, None).subject)

    assert hidden and not any(part in subject for part in value.split('"'))
