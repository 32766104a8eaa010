"""Sessions of real clients of Kimi Code: what is read of them."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from agents.kimi_code.contract_case import AT, record, recording
from carryover import model
from carryover.adapter.contract import Record, Source
from carryover.agents.kimi_code.adapter import AGENT
from carryover.model import Event, Retracted
from contract.case import Reading, of, read_on, results, source_at

SHOP = "/home/dev/shop"


def read(name: str, part: str = "main") -> Reading:
    return read_on(AGENT, source_at(AGENT, recording(name, part)))


def logged(folder: Path, *records: bytes) -> list[Event]:
    """What comes of a log that is made up."""
    path = folder / "wire.jsonl"
    path.write_bytes(b"".join(each + b"\n" for each in records))
    return read_on(AGENT, Source(agent="kimi-code", path=str(path), session="one")).events


def loop(of: str, call: str = "c1", **fields: object) -> bytes:
    return record("context.append_loop_event", event={"type": of, "toolCallId": call, **fields})


def test_a_session_with_failed_calls_a_todo_list_and_its_continuation() -> None:
    found = read("story")

    assert [prompt.text for prompt in of(found.events, model.UserPrompt)] == ["Fix add() please", "yes"]
    assert results(found) == [
        ("Read", "ok", None),
        ("TodoList", "ok", None),
        ("Edit", "ok", None),
        ("Edit", "error", None),
        ("Write", "ok", None),
        ("Write", "ok", None),
        ("Bash", "error", 3),
        ("Bash", "ok", 0),
        ("nosuch", "error", None),
        ("Bash", "error", None),
        ("Agent", "ok", None),
    ]
    edits = [edit.path for edit in of(found.events, model.FileEdit)]
    assert edits == [f"{SHOP}/calc.py", f"{SHOP}/test_calc.py", f"{SHOP}/test_calc.py"]
    [plan] = of(found.events, model.PlanUpdate)
    assert [(item.text, item.state) for item in plan.items] == [("fix add", "active"), ("test it", "pending")]
    assert {event.cwd for event in found.events} == {SHOP}


def test_a_sub_agents_task_comes_without_the_clients_frame() -> None:
    [task] = of(read("story", "agent-0").events, model.UserPrompt)
    assert task.text == "Find callers of add"


def test_what_was_typed_with_a_skill_is_the_users_and_the_skill_is_not() -> None:
    found = read("skills")

    prompts = [(prompt.command, prompt.text, prompt.actor) for prompt in of(found.events, model.UserPrompt)]
    assert prompts == [
        ("/tidy", "the pears only", "human"),
        (None, "ask me something", "human"),
        (None, "Please round them /skill:tidy today", "human"),
    ]
    [answer] = of(found.events, model.Answer)
    assert (answer.question, answer.text) == ("Which fruit?", "Pear")


def test_a_command_of_a_plugin_is_a_prompt_and_a_skill_that_the_model_loads_is_none(tmp_path: Path) -> None:
    given = [{"type": "text", "text": "Do all that the file says."}, {"type": "image_url"}]
    origins = (
        {"kind": "skill_activation", "skillName": "tidy", "skillArgs": "pears", "trigger": "model-tool"},
        {"kind": "plugin_command", "commandName": "ship", "commandArgs": "the pears", "trigger": "user-slash"},
    )
    events = logged(tmp_path, *(record("turn.prompt", input=given, origin=origin) for origin in origins))

    [typed] = of(events, model.UserPrompt)
    assert (typed.command, typed.text, typed.attachments) == ("/ship", "the pears", 1)


def test_what_was_typed_while_it_worked_belongs_to_the_running_turn(tmp_path: Path) -> None:
    """Its record has no `promptId`; going back takes it away with the turn's prompt."""

    def log(of: str, number: int, **origin: object) -> bytes:
        ident = {"promptId" if of == "turn.prompt" else "messageId": f"msg_{number}"}
        given = [{"type": "text", "text": f"words {number}"}]
        return record(of, input=given, origin={"kind": "user", **origin}, **ident)

    steers = [log("turn.steer", number, inTurn=True) for number in (2, 3)]
    events = logged(tmp_path, log("turn.prompt", 1), *steers, record("context.undone", turns=1))

    assert [(prompt.text, prompt.in_turn) for prompt in of(events, model.UserPrompt)] == [
        ("words 1", False),
        ("words 2", True),
        ("words 3", True),
    ]
    [undone] = of(events, Retracted)
    assert undone.keys == ("msg_1/prompt", "msg_2/prompt", "msg_3/prompt")


def test_prompts_without_ids_are_told_apart_by_their_times(tmp_path: Path) -> None:
    """Protocol 1.4 (0.31.1); the session's folder had another name, too."""
    logged = [
        {
            "type": "turn.prompt",
            "input": [{"type": "text", "text": text}],
            "origin": {"kind": "user"},
            "time": AT + number,
        }
        for number, text in enumerate(("Fix add().", "Test it."))
    ]
    path = tmp_path / "one" / "agents" / "main" / "wire.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in logged), "utf-8")
    (tmp_path / "one" / "state.json").write_text(json.dumps({"workDir": SHOP, "createdAt": "2026-08-02T18:32:32Z"}))

    found = read_on(AGENT, Source(agent="kimi-code", path=str(path), session="one"))
    keys = [event.key for event in found.events if isinstance(event.body, model.UserPrompt)]
    assert keys == [f"{AT}/prompt", f"{AT + 1}/prompt"]
    assert {event.cwd for event in found.events} == {SHOP}


def test_a_limit_is_named() -> None:
    [end] = of(read("limit").events, model.TurnEnd)
    assert end == model.TurnEnd(reason="limit", message="402 You have reached your usage limit")


@pytest.mark.parametrize(
    ("decision", "feedback", "said", "status"),
    [
        ("rejected", "Only whole cents.", ["Only whole cents."], "denied"),
        ("approved", "Only whole cents.", ["Only whole cents."], "ok"),
        ("rejected", "", [], "denied"),
        ("approved", "", [], "ok"),
        ("cancelled", "Approval handler failed.", [], "ok"),
    ],
)
def test_what_was_typed_on_deciding_about_a_call_is_a_prompt(
    tmp_path: Path, decision: str, feedback: str, said: list[str], status: str
) -> None:
    """The call's result has the client's words, and is no error for a plan (2.1.0: source)."""
    decided = {"decision": decision, "feedback": feedback}
    events = logged(
        tmp_path,
        loop("tool.call", name="ExitPlanMode", args={}),
        record("permission.record_approval_result", toolCallId="c1", result=decided),
        loop("tool.result", result={"output": "User rejected the plan."}),
    )

    assert [prompt.text for prompt in of(events, model.UserPrompt)] == said
    assert [(result.status, result.user_words) for result in of(events, model.ToolResult)] == [
        (status, feedback if status == "denied" else "")
    ]


def test_calls_that_were_rejected_before_the_first_has_its_result_are_all_refused(tmp_path: Path) -> None:
    def refused(ident: str) -> tuple[bytes, bytes, bytes]:
        decided = {"decision": "rejected", "feedback": f"Not {ident}."}
        return (
            loop("tool.call", ident, name="Bash", args={"command": "make"}),
            record("permission.record_approval_result", toolCallId=ident, result=decided),
            loop("tool.result", ident, result={"output": "It was not run.", "isError": True}),
        )

    steps = zip(refused("a"), refused("b"), strict=True)
    results = of(logged(tmp_path, *(each for step in steps for each in step)), model.ToolResult)

    assert [(one.status, one.user_words) for one in results] == [("denied", "Not a."), ("denied", "Not b.")]


def test_of_calls_that_were_rejected_the_newest_are_remembered() -> None:
    source, context, sizes = Source(agent="kimi-code", path="/t/wire.jsonl", session="one"), AGENT.context_type(), []
    for number in range(1_000):
        decided = {"decision": "rejected", "feedback": "Not so."}
        data = record("permission.record_approval_result", toolCallId=f"call_{number:04}", result=decided)
        context, _ = AGENT.parse(source, context, Record(number, data))
        sizes.append(len(msgspec.json.encode(context)))

    assert max(sizes) == sizes[100]


def test_what_was_taken_back_no_longer_counts() -> None:
    found = read("undone")

    [undone] = of(found.events, Retracted)
    gone = [event.body for event in found.events if event.key in undone.keys]
    assert gone == [model.UserPrompt(text="second prompt"), model.AssistantMessage(text="second answer")]


def test_interruptions_a_typed_command_and_a_compaction() -> None:
    found = read("undone")

    assert [end.reason for end in of(found.events, model.TurnEnd)] == ["interrupted", "interrupted"]
    typed = [call.subject for call in of(found.events, model.ToolCall) if call.actor == "human"]
    assert typed == ["ls -la calc.py; exit 4"]
    assert results(found) == [("Bash", "interrupted", None), ("Bash", "error", None)]
    assert [summary.text for summary in of(found.events, model.AgentSummary)] == ["The work so far was summed up."]


def test_a_call_that_was_killed_with_the_client_stays_open() -> None:
    found = read("killed")

    [call] = of(found.events, model.ToolCall)
    assert call.subject == "echo started; sleep 60"
    assert results(found) == []


def test_each_request_of_a_fork_is_counted_once_for_the_session_that_made_it() -> None:
    first, fork = (list(read("forked", part).tokens) for part in ("session_4de537e0", "session_f87f07b0"))

    assert [(used.key, used.session) for used in fork[: len(first)]] == [(used.key, used.session) for used in first]
    assert fork[-1].session != first[0].session
    assert {(used.model, used.input, used.output) for used in fork} == {("fake-model", 900, 40)}


def test_a_copied_log_belongs_to_the_agent_that_its_first_record_names() -> None:
    head = b'{"type":"metadata","protocol_version":"1.5"}\n{"agentId":"%b"}\n{"agentId":"agent-7"}\n'
    assert AGENT.exported is not None
    copies = [AGENT.exported(Path("/tmp/copy.jsonl"), head % agent) for agent in (b"main", b"agent-0")]

    assert [copy and copy.subagent_id for copy in copies] == [None, "agent-0"]


def test_calls_that_have_the_same_id_in_two_sessions_are_two(tmp_path: Path) -> None:
    def keys(session: str) -> set[str]:
        rejected = {"decision": "rejected", "feedback": "Not there"}
        records = (
            loop("tool.call", "Bash:0", uuid=f"{session}-1", name="Bash", args={"command": "ls"}),
            loop("tool.result", "Bash:0", parentUuid=f"{session}-1", result={"output": "a.py"}),
            loop("tool.call", "Write:1", uuid=f"{session}-2", name="Write", args={"path": "a.py", "content": "x"}),
            record("permission.record_approval_result", toolCallId="Write:1", result=rejected),
            loop("tool.result", "Write:1", parentUuid=f"{session}-2", result={"output": "No.", "isError": True}),
        )
        path = tmp_path / f"{session}.jsonl"
        path.write_bytes(b"\n".join((*records, b"")))
        found = read_on(AGENT, Source(agent="kimi-code", path=str(path), session=session))
        assert results(found) == [("Bash", "ok", 0), ("Write", "denied", None)]
        return {event.key for event in found.events}

    assert not keys("one") & keys("two")
