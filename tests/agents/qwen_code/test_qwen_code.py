"""Transcripts of real clients of Qwen Code: what is read of them."""

from __future__ import annotations

from typing import TypeVar

import pytest

from agents.qwen_code.contract_case import model as answered
from agents.qwen_code.contract_case import record, recording, recordings, system, user
from carryover import model
from carryover.adapter.contract import Record
from carryover.agents.qwen_code.adapter import AGENT
from contract.case import Reading, Transcript, edits, prompts, read_on, results, source_at, standing

B = TypeVar("B", bound=model.Body)


def read(name: str, ident: str = "") -> Reading:
    return read_on(AGENT, source_at(AGENT, recording(name, ident)))


def test_a_session_with_a_failed_edit_tests_and_a_new_file() -> None:
    found = read("oneshot")

    assert results(found) == [
        ("read_file", "ok", None),
        ("todo_write", "error", None),
        ("edit", "error", None),
        ("edit", "ok", None),
        ("run_shell_command", "error", 1),
        ("edit", "ok", None),
        ("write_file", "ok", None),
        ("run_shell_command", "ok", 0),
    ]
    assert edits(found) == [
        ("/home/dev/shop/cart.py", "modify", 4),
        ("/home/dev/shop/cart.py", "modify", 5),
        ("/home/dev/shop/NOTES.md", "add", 1),
    ]
    assert standing(found, model.PlanUpdate) == []
    assert standing(found, model.AssistantMessage)[-2].text.endswith("Should total() use it too?")


def test_what_was_typed_and_what_the_user_did_in_a_terminal() -> None:
    found = read("interactive")

    assert prompts(found) == [
        "Add discount to cart.py",
        "Explain rounding",
        "Explain roundingSlow question",
        "queued follow-up",
        "Write x.txt",
        "go on",
    ]
    [answer] = standing(found, model.Answer)
    assert (answer.question, answer.text) == ("Round half up or banker's?", "Half up")
    assert [end.reason for end in standing(found, model.TurnEnd)] == ["interrupted"]
    assert [message.aborted for message in standing(found, model.AssistantMessage)].count(True) == 1
    assert standing(found, model.ToolResult)[-1].status == "denied"
    [plan] = standing(found, model.PlanUpdate)
    assert [item.text for item in plan.items] == ["Add discount()"]


def test_a_text_typed_while_it_works_belongs_to_the_turn() -> None:
    typed = [body for body in standing(read("interactive"), model.UserPrompt) if body.in_turn]

    assert [body.text for body in typed] == ["queued follow-up"]


def test_a_call_that_escape_stopped_ends_the_turn() -> None:
    """Nothing else tells of it: the last of the calls of an answer has no other record behind it (0.24.4)."""
    stopped = "[Operation Cancelled] Reason: The tool had already completed; its output was discarded."
    refused = "[Operation Cancelled] Reason: User did not allow tool call"
    for texts, ends in (((stopped, stopped), ["interrupted"]), ((stopped, refused), []), ((refused,), [])):
        calls = [{"functionCall": {"id": f"c{at}", "name": "glob", "args": {}}} for at in range(len(texts))]
        lines = [answered(*calls), *(cancelled(f"c{at}", text) for at, text in enumerate(texts))]
        assert [end.reason for end in bodies(lines, model.TurnEnd)] == ends


@pytest.mark.parametrize(
    ("sent", "at", "expected"),
    [
        (True, "16:52:19", model.UserPrompt(text="whole cents", command="/fix")),
        (True, "16:53:19", model.UserPrompt(text="Fix what is named below.")),  # a hook stopped the command
        (False, "16:52:19", model.UserPrompt(text="Fix what is named below.")),
    ],
)
def test_a_command_is_what_was_typed_and_not_its_text(sent: bool, at: str, expected: model.UserPrompt) -> None:
    ran = {"phase": "invocation", "rawCommand": "/fix whole cents", "sentToModel": sent}
    lines = [
        system("slash_command", **ran),
        system("slash_command", phase="result", rawCommand="/fix whole cents"),
        user("Fix what is named below.", timestamp=f"2026-11-22T{at}.000Z"),
        user("Thanks", timestamp=f"2026-11-22T{at}.500Z"),
    ]

    assert told(lines) == [expected, model.UserPrompt(text="Thanks")]


def goal(cause: str, objective: str) -> bytes:
    return system("goal_state", v=2, cause=cause, snapshot={"v": 2, "goal": {"goalId": "g1", "objective": objective}})


def test_a_goal_that_the_user_sets_is_a_prompt() -> None:
    """Runs of 0.24.4, in a terminal and with `-p`."""
    lines = [
        goal("create", "All prices are whole"),
        user("Continue working on the active Goal.", subtype="goal_runtime", provenance="goal_runtime"),
        answered({"text": "They are."}),
        *(goal(cause, "All prices are whole") for cause in ("turn_finished", "pause", "resume", "complete", "clear")),
        goal("edit", "All prices are whole cents"),
        goal("replace", "All tests pass"),
    ]

    typed = ("All prices are whole", "All prices are whole cents", "All tests pass")
    assert told(lines) == [model.UserPrompt(text=text, command="/goal") for text in typed]


def test_a_goal_that_the_model_proposed_is_not_the_users_words() -> None:
    """Source of 0.24.4."""
    call = {"functionCall": {"id": "c1", "name": "propose_goal", "args": {"objective": "All prices are whole"}}}

    assert told([answered(call), goal("create", "All prices are whole"), goal("edit", "Half of them")]) == [
        model.UserPrompt(text="Half of them", command="/goal")
    ]


def test_what_was_said_in_a_live_conversation_is_a_prompt() -> None:
    assert told([user("Price the pear", subtype="realtime_message")]) == [model.UserPrompt(text="Price the pear")]


@pytest.mark.parametrize(
    ("name", "argument", "said", "accepted"),
    [
        ("propose_goal", "objective", {"output": '{"approved":true,"objective":"Whole cents"}'}, [True]),
        ("exit_plan_mode", "plan", {"output": "User approved. You can now start coding."}, [True]),
        ("exit_plan_mode", "plan", {"output": "User has approved your plan. You can now start coding."}, [True]),
        ("exit_plan_mode", "plan", {"output": "User approved. The user chose to run this plan as a Goal."}, [True]),
        ("exit_plan_mode", "plan", {"output": "Gate approved. You can now start coding."}, [True]),
        ("exit_plan_mode", "plan", {"output": "Plan execution was not approved. Remaining in plan mode."}, []),
        ("exit_plan_mode", "plan", {"error": "[Operation Cancelled] Reason: User did not allow tool call"}, [False]),
    ],
)
def test_what_the_user_says_to_a_plan_or_a_goal_of_the_model(
    name: str, argument: str, said: dict[str, str], accepted: list[bool]
) -> None:
    """Runs of 0.24.4; of 2025, approved by the client, and not approved without being refused: source."""
    call = {"id": "c1", "name": name, "args": {argument: "Whole cents"}}
    message = {"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": name, "response": said}}]}
    ended = {"callId": "c1", "status": "cancelled" if "error" in said else "success"}
    lines = [
        answered({"functionCall": call}),
        record("tool_result", uuid="r1", message=message, toolCallResult=ended),
        goal("create", "Whole cents"),
    ]
    verdicts = [model.PlanProposal(call_id="c1", text="", accepted=each) for each in accepted]

    assert bodies(lines, model.PlanProposal) == [model.PlanProposal(call_id="c1", text="Whole cents"), *verdicts]
    assert [result.op for result in bodies(lines, model.ToolResult)] == ["plan"]
    assert told(lines) == []


def told(lines: list[bytes]) -> list[model.UserPrompt]:
    return bodies(lines, model.UserPrompt)


def bodies(lines: list[bytes], kind: type[B]) -> list[B]:
    made = Transcript(AGENT, source_at(AGENT, recording("oneshot")))
    for line in lines:
        made.fold(line)
    return made.all(kind)


def cancelled(ident: str, text: str) -> bytes:
    response = {"id": ident, "name": "glob", "response": {"error": text}}
    message = {"role": "user", "parts": [{"functionResponse": response}]}
    return record("tool_result", uuid=ident, message=message, toolCallResult={"callId": ident, "status": "cancelled"})


def test_a_command_whose_timeout_is_refused_never_ran() -> None:
    call = {"id": "c1", "name": "run_shell_command", "args": {"command": "make"}}
    refused = {"id": "c1", "name": call["name"], "response": {"error": "Timeout cannot exceed 600000ms (10 minutes)."}}
    ended = {"callId": "c1", "status": "error", "error": {}}
    message = {"role": "user", "parts": [{"functionResponse": refused}]}
    lines = [answered({"functionCall": call}), record("tool_result", uuid="r1", message=message, toolCallResult=ended)]

    assert [(each.status, each.never_ran) for each in bodies(lines, model.ToolResult)] == [("error", True)]


@pytest.mark.parametrize(("tool", "answers"), [("ask_user_question", ["Ship it."]), ("mcp__notes__find", [])])
def test_a_servers_result_that_looks_like_an_answer_is_none(tool: str, answers: list[str]) -> None:
    call = {"id": "c1", "name": tool, "args": {}}
    message = {"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": tool, "response": {}}}]}
    shown = {"answers": [{"question": "Which one?", "answer": "Ship it."}], "todos": [{"content": "Ship"}]}
    ended = {"callId": "c1", "status": "success", "resultDisplay": shown}
    lines = [answered({"functionCall": call}), record("tool_result", uuid="r1", message=message, toolCallResult=ended)]

    assert [answer.text for answer in bodies(lines, model.Answer)] == answers
    assert bodies(lines, model.PlanUpdate) == []


def test_a_rewound_turn_is_taken_back_and_its_files_stay() -> None:
    found = read("rewind")

    assert prompts(found) == ["Question ONE", "Question TWO", "Question THREE changed", "Question in branch"]
    assert "Answer-THREE." not in [message.text for message in standing(found, model.AssistantMessage)]
    assert [edit.path[-6:] for edit in standing(found, model.FileEdit)] == ["f0.txt", "f1.txt", "f2.txt"]


def test_a_fork_does_not_take_back_what_its_parent_said() -> None:
    fork = recording("fork", "e454")
    found = read("fork", "e454")
    first = record("user", uuid="new", message={"role": "user", "parts": [{"text": "Other"}]})

    _, parsed = AGENT.parse(source_at(AGENT, fork), found.context, Record(number=99, data=first))

    [taken_back] = [event.body for event in parsed.events if isinstance(event.body, model.Retracted)]
    own = [event for event in found.events if isinstance(event.body, model.UserPrompt | model.AssistantMessage)][4:]
    assert taken_back.keys == tuple(event.key for event in own)
    assert standing(found, model.SessionInfo)[0].parent == recording("fork", "1111").path.stem


def test_a_limit_ends_a_turn_once_until_an_answer_comes() -> None:
    again = read("limit-429-headless")
    assert [end.reason for end in standing(again, model.TurnEnd)] == ["limit"]
    answer = record(
        "assistant",
        uuid="new",
        parentUuid=again.context.tree[-1].id,
        message={"role": "model", "parts": [{"text": "Done."}]},
        usageMetadata={},
    )

    _, parsed = AGENT.parse(
        source_at(AGENT, recording("limit-429-headless")), again.context, Record(number=99, data=answer)
    )

    [key] = [event.key for event in again.events if isinstance(event.body, model.TurnEnd)]
    assert [event.body.keys for event in parsed.events if isinstance(event.body, model.Retracted)] == [(key,)]
    later = read("limit-402-tui")
    assert [end.reason for end in standing(later, model.TurnEnd)] == ["limit"]
    assert prompts(later) == ["Add discount please", "try again"]


def test_an_error_of_2025_is_in_another_field_and_has_no_number() -> None:
    failed = {"event.name": "qwen-code.api_error", "error": "RequestTimeOut", "status_code": "RequestTimeOut"}
    line = record("system", uuid="e1", subtype="ui_telemetry", systemPayload={"uiEvent": {**failed, "prompt_id": "p4"}})

    assert bodies([line], model.TurnEnd) == [model.TurnEnd(reason="error", message="RequestTimeOut")]


@pytest.mark.parametrize("prompt", ["prompt_suggestion", "0fec#reviewer-n0f5zv#7"])
def test_a_failed_request_beside_the_turn_does_not_end_it(prompt: str) -> None:
    failed = {"event.name": "qwen-code.api_error", "error_message": "400 bad request", "status_code": 400}
    note = {"uiEvent": {**failed, "prompt_id": prompt}}
    line = record("system", uuid="e1", subtype="ui_telemetry", systemPayload=note)

    _, parsed = AGENT.parse(source_at(AGENT, recording("limit-429-headless")), AGENT.context_type(), Record(1, line))

    assert (parsed.events, parsed.skipped) == ((), ())
    [own] = (each for each in recordings() if "subagents" in each.path.parts)
    _, parsed = AGENT.parse(source_at(AGENT, own), AGENT.context_type(), Record(1, line))
    assert len(parsed.events) == 1


def test_a_title_a_compaction_and_a_job_are_read() -> None:
    found = read("compress-rename-clear", "69cc")
    assert standing(found, model.SessionInfo)[-1].title == "My cart title"
    [summary] = standing(found, model.AgentSummary)
    assert summary.text == "SNAP default"
    [job] = standing(read("subagent", "a145"), model.BackgroundTask)
    assert (job.state, job.report) == ("done", "SUBREPORT: one test.")


def test_the_older_version_marks_a_failed_command_as_success() -> None:
    found = read("failing-test-and-limit", "0fec")

    [ran] = [result for result in standing(found, model.ToolResult) if result.op == "shell"]
    assert (ran.status, ran.exit_code) == ("error", 1)


def test_a_file_that_is_named_is_not_part_of_the_prompt() -> None:
    data = user("Look at @cart.py", "\n--- Content from referenced files ---\n\nContent from @cart.py:\nx = 1")

    assert [prompt.text for prompt in told([data])] == ["Look at @cart.py"]


def test_a_command_that_the_user_ran_is_a_call_and_no_prompt() -> None:
    ran = "I ran the following shell command:\n```sh\nmake\n```\n\nThis produced the following result:\n```\nDone.\n```"

    assert told([user(ran)]) == []
    [result] = bodies([user(ran)], model.ToolResult)
    assert (result.actor, result.subject, result.output) == ("human", "make", "Done.")


@pytest.mark.parametrize("came_in", [True, False])
def test_an_answer_is_whole_if_the_client_notes_that_it_came_in(came_in: bool) -> None:
    noted = system("ui_telemetry", uiEvent={"event.name": "qwen-code.api_response", "prompt_id": "p"})
    answer = record("assistant", message={"role": "model", "parts": [{"text": "Done."}]})

    [said] = bodies([noted, answer] if came_in else [answer], model.AssistantMessage)
    assert (said.final, said.aborted) == (came_in, not came_in)


PICTURE = "@C:\\Users\\dev\\.qwen\\tmp\\clipboard\\clipboard-1774963871961-6158136c-b670-4425-a726-d07c7615225e.png"


@pytest.mark.parametrize(
    ("sent", "typed", "attachments"),
    [
        ("c:\\Users\\dev\\my shop\\.env\n\n\nFix it.\n\nPlease.", "@.env Fix it.\n\nPlease.", 1),
        ("/home/dev/shop/cart.py#3-9\nUntitled-1\n\nFix it.", "@cart.py#3-9 @Untitled-1 Fix it.", 2),
        (f"Untitled-1\n\nFix it.\n\n{PICTURE} {PICTURE}", "@Untitled-1 Fix it.", 3),
        ("/etc/hosts is wrong\n\nFix it.", "/etc/hosts is wrong\n\nFix it.", 0),
        ("/review\n\nFix it.", "/review\n\nFix it.", 0),
        ("/home/dev/shop/cart.py\nFix it.\n\n@cart.py", "/home/dev/shop/cart.py\nFix it.\n\n@cart.py", 0),
    ],
)
def test_files_that_the_extension_for_vs_code_names_are_attached(sent: str, typed: str, attachments: int) -> None:
    [prompt] = told([user(sent)])

    assert (prompt.text, prompt.attachments) == (typed, attachments)


def test_the_tokens_of_an_answer_have_the_same_key_in_a_fork() -> None:
    first, fork = ({used.key: used for used in read("fork", part).tokens} for part in ("1111", "e454"))

    assert [(used.model, used.input, used.output) for used in first.values()] == [
        ("fake-model", 120816, 2),
        ("fake-model", 19844, 2),
    ]
    assert first.keys() < fork.keys()
    assert len(fork) == 4
