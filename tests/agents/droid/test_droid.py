"""Sessions of real clients of Droid: what is read of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.droid.contract_case import message, record, recording, text
from carryover import model
from carryover.adapter.contract import Source
from carryover.adapter.spec import OnMachine
from carryover.agents.droid.adapter import AGENT
from carryover.importing.candidate import Candidate
from carryover.importing.document import open_document
from carryover.model import conversation_of
from contract.case import Reading, Transcript, answers, edits, of, prompts, read_on, results, source_at

SHOP = "/home/dev/work/shop"


def read(name: str, holds: str = "", version: str = "0.225.2") -> Reading:
    return read_on(AGENT, source_at(AGENT, recording(name, holds, version)))


@pytest.mark.parametrize(
    ("settings", "off"),
    [({"hooks": {"hooksDisabled": True}}, ["hooks.hooksDisabled"]), ({"hooksDisabled": True, "hooks": {}}, [])],
)
def test_its_switch_for_hooks_is_among_them(settings: dict[str, object], off: list[str]) -> None:
    seen = OnMachine(located=lambda _: Path("settings.json"), values=lambda _: settings)

    assert AGENT.spec.user_settings is not None
    assert [setting.by for setting in AGENT.spec.user_settings(seen)] == off


@pytest.mark.parametrize(("version", "holds"), [("0.215.0", ""), ("0.225.2", '"isSessionTitleManuallySet":false}')])
def test_a_session_with_failed_calls(version: str, holds: str) -> None:
    found = read("work", holds, version)

    assert prompts(found) == ["Make a pear cost as much as an apple"]
    assert answers(found)[-1] == "A pear costs two coins now. Should a plum cost two coins as well?"
    assert results(found) == [
        ("Execute", "error", 1),
        ("Read", "ok", None),
        ("Edit", "error", None),
        ("Read", "ok", None),
        ("Edit", "ok", None),
        ("Create", "ok", None),
        ("Execute", "ok", 0),
        ("Execute", "ok", 0),
        ("Execute", "ok", 0),
        ("Grep", "ok", None),
        ("LS", "ok", None),
        ("Glob", "ok", None),
        ("NoSuchTool", "error", None),
        ("Read", "error", None),
        ("TodoWrite", "error", None),
    ]
    ended = of(found.events, model.ToolResult)
    assert {call.name: (call.op, call.subject) for call in of(found.events, model.ToolCall)} == {
        "Execute": ("shell", "python3 -m unittest test_prices"),
        "Read": ("read", f"{SHOP}/none.py"),
        "Edit": ("edit", f"{SHOP}/prices.py"),
        "Create": ("write", f"{SHOP}/NOTES.md"),
        "Grep": ("search", "pear"),
        "LS": ("search", SHOP),
        "Glob": ("search", "Glob"),
        "NoSuchTool": ("other", "NoSuchTool"),
        "TodoWrite": ("plan", "TodoWrite"),
    }
    said = of(found.events, model.AssistantMessage)
    assert (said[0].final, said[-1].final) == (False, True)
    told = [(about.title, about.model) for about in of(found.events, model.SessionInfo)]
    assert told == [("Make a pear cost as much as an apple", None), (None, "custom:Fake-0")]
    assert ended[0].output.startswith("F\n=====") and ended[0].output.endswith("FAILED (failures=1)")
    assert ended[2].output.startswith("The text to replace was not found")
    assert [ended[number].output for number in (4, 5, 6, 7)] == ["", "", "", "one line"]
    assert [edit[:2] for edit in edits(found)] == [(f"{SHOP}/prices.py", "modify"), (f"{SHOP}/NOTES.md", "modify")]
    assert {event.cwd for event in found.events} == {SHOP}


def test_a_fork_goes_on_below_a_new_title_and_from_an_earlier_message() -> None:
    """Synthetic, from what is known of the records."""

    def said(ident: str, parent: str, words: str) -> bytes:
        return record("message", id=ident, parentId=parent, message={"role": "user", "content": [text(words)]})

    header = {"id": "fork", "parent": "first", "forkedAtMessageId": "m2", "cwd": SHOP}
    begun = json.dumps({"type": "session_start", "title": "Pears", **header}).encode()
    titled = json.dumps({"type": "session_start", "title": "Plums", **header}).encode()
    found = folded(begun, said("m1", "", "One"), said("m2", "m1", "Two"), titled, said("m3", "m1", "Three"))

    prompts = [(event.body.text, event.copied) for event in found.events if isinstance(event.body, model.UserPrompt)]
    assert prompts == [("One", True), ("Two", True), ("Three", False)]


def test_a_copy_is_the_same_session_by_whatever_name(tmp_path: Path) -> None:
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(recording("limit").path.read_bytes())
    document = open_document(Candidate(copy))

    assert read_on(document.agent, document.source).events == read("limit").events


def test_a_sub_agents_task_comes_without_the_clients_frame() -> None:
    [task] = of(read("subagent", "callingSessionId").events, model.UserPrompt)
    assert task.text == "Find the price of a pear"


def test_interruptions_and_the_users_own_commands() -> None:
    found = read("terminal", '"owner":"dev","version"')

    assert prompts(found) == ["Hello there", "Tell me more", "Now wait", "Go on then"]
    assert results(found) == [("Execute", "interrupted", None), ("Execute", "ok", 0)]
    assert [end.reason for end in of(found.events, model.TurnEnd)] == ["interrupted", "interrupted"]
    [_, typed] = of(found.events, model.ToolCall)
    assert (typed.subject, typed.actor) == ("echo typed", "human")


def test_what_the_project_puts_in_place_of_a_command_was_typed_by_nobody() -> None:
    """What a Stop hook says comes as a prompt too; the files hold the client's own closing tag."""
    found = of(read("commands").events, model.UserPrompt)

    assert [(prompt.command, prompt.text) for prompt in found if not prompt.stored] == [
        (None, "Hello there"),
        ("/count", ""),
        ("/deploy", "Please it tonight"),
    ]
    [stored] = [prompt for prompt in found if prompt.stored]
    assert stored.text.startswith("Look for mistakes in prices.py.") and stored.text.endswith("The user said so.")


def test_a_session_that_was_moved_goes_on_as_one_of_the_other_folder() -> None:
    """The client writes its header again. What was read before keeps its keys, and with them its folder."""
    here = folded(record("session_start", cwd="/home/dev/shop"), message("user", text("Hello"))).events
    header = record("session_start", cwd="/home/dev/shop", lastCwd="/home/dev/other")
    there = folded(header, message("user", text("Hello"))).events

    assert [(here[-1].cwd, here[-1].session), there[-1].cwd] == [("/home/dev/shop", "a"), "/home/dev/other"]
    assert (conversation_of(there[-1].session), there[-1].session == "a", there[-1].key) == ("a", False, here[-1].key)


@pytest.mark.parametrize("result", [{"stderr": "Test it"}, {"stdout": "{}", "stderr": ""}])
def test_a_hook_that_fails_speaks_for_nobody(result: dict[str, str]) -> None:
    said = result["stderr"] or "Stop hook requested continuation"
    hook = message("user", visibility="user_only", hookEventName="Stop", hookResults=[{"exitCode": 2, **result}])
    found = folded(hook, message("user", text(said)), message("user", text(said))).all(model.UserPrompt)

    assert [prompt.text for prompt in found] == [said]  # the second time a person may have typed it


def test_a_compaction_begins_a_session_that_names_the_one_before() -> None:
    found = read("terminal", '"parent"')

    assert [summary.source for summary in of(found.events, model.AgentSummary)] == ["compaction"]
    assert prompts(found) == ["And after that"]
    [about, *_] = of(found.events, model.SessionInfo)
    assert about.parent is not None


def test_a_refused_call_was_not_made() -> None:
    [refused] = of(read("denied").events, model.ToolResult)
    assert (refused.status, refused.never_ran) == ("denied", True)


def test_a_killed_session_goes_on() -> None:
    found = read("killed")
    assert (results(found), answers(found)) == ([], ["On it goes."])


def test_a_limit_is_named() -> None:
    [end] = of(read("limit").events, model.TurnEnd)
    assert end.reason == "limit"
    assert end.message.startswith("BYOK Error: 402 You have reached your usage limit")


def folded(*records: bytes) -> Transcript:
    read = Transcript(AGENT, Source(agent="droid", path="/home/dev/a.jsonl"))
    for each in records:
        read.fold(each)
    return read


def test_a_request_that_failed_is_a_limit_by_its_reason_alone() -> None:
    why = "Unable to reach http://127.0.0.1:8787."
    said = message("user", text(why), visibility="user_only")
    hook = message("user", visibility="user_only", hookEventName="Stop", hookResults=[{"exitCode": 0}])
    reasons = ("model_provider_unreachable", "model_usage_exhausted", "model_rate_limited")
    ends = [record("agent_turn_outcome", turnId=reason, reason=reason) for reason in reasons]
    found = folded(said, hook, *ends, message("user", text("Go on")), ends[0]).all(model.TurnEnd)
    assert [(end.reason, end.message) for end in found] == [
        ("error", why),
        ("limit", why),
        ("limit", why),
        ("error", "model_provider_unreachable"),
    ]


def test_images_count_with_the_prompt() -> None:
    [prompt] = folded(message("user", {"type": "image"}, {"type": "image"}, text("Look"))).all(model.UserPrompt)
    assert (prompt.text, prompt.attachments) == ("Look", 2)


def test_a_command_of_the_users_own_may_fail() -> None:
    ran = '{"type":"bash_result","command":"make test","stdout":"","stderr":"1 failed","exitCode":1}'
    [result] = folded(message("user", text(ran))).all(model.ToolResult)
    assert (result.status, result.exit_code, result.output) == ("error", 1, "1 failed")


def called(name: str, output: str, *, failed: bool = False) -> Transcript:
    result = {"type": "tool_result", "tool_use_id": "c1", "content": output, "is_error": failed}
    call = {"type": "tool_use", "id": "c1", "name": name, "input": {}}
    return folded(message("assistant", call), message("user", result))


@pytest.mark.parametrize(
    ("name", "output", "failed", "said"),
    [
        (
            "ExitSpecMode",
            '{"approved":true,"message":"Approved.","filePath":"","userComment":"In cents."}',
            False,
            "In cents.",
        ),
        ("ExitSpecMode", '{"approved":true,"message":"Approved.","filePath":""}', False, None),
        (
            "ExitMissionPlanning",
            "The user requested changes to the Mission plan.\n\nUser feedback:\nIn cents.",
            True,
            "In cents.",
        ),
    ],
)
def test_what_is_typed_about_a_plan_is_a_prompt(name: str, output: str, failed: bool, said: str | None) -> None:
    """0.225.2; of a mission's plan: source."""
    typed = called(name, output, failed=failed).all(model.UserPrompt)
    assert [prompt.text for prompt in typed] == [said] * bool(said)


def test_a_plan_waits_until_the_user_decides() -> None:
    """As runs of 0.225.2 wrote it: refused is also a plan with which a new session begins."""
    offered = {"type": "tool_use", "id": "c1", "name": "ExitSpecMode", "input": {"plan": "# Price\n\n- The pear"}}
    approved = '{"approved":true,"message":"Approved.","filePath":"/home/dev/.factory/specs/price.md","isEdited":false}'
    refused = "Plan not approved - remaining in Spec Mode. Provide feedback to refine the spec."

    assert [one.text for one in folded(message("assistant", offered)).all(model.PlanProposal)] == [
        "# Price\n\n- The pear"
    ]
    for output, failed, status, ruling in (
        (approved, False, "ok", [True]),
        (refused, True, "denied", [False]),
        ("ExitSpecMode was called without a plan. A specification body is required.", True, "error", []),
    ):
        found = called("ExitSpecMode", output, failed=failed)
        [result] = found.all(model.ToolResult)
        assert (result.op, result.status, result.never_ran) == ("plan", status, status == "denied")
        assert [plan.accepted for plan in found.all(model.PlanProposal)[1:]] == ruling


def test_answers_to_questions_are_in_one_text() -> None:
    output = "1. [question] Round?\n[answer] Half up\n\n2. [question] Unit?\n[answer] Cents,\nas whole numbers"
    found = called("AskUser", output).all(model.Answer)
    assert [(answer.question, answer.text) for answer in found] == [
        ("Round?", "Half up"),
        ("Unit?", "Cents,\nas whole numbers"),
    ]


@pytest.mark.parametrize(("typed", "answers"), [("[answer] No", ["No"]), ("[answer]", [])])
def test_an_agent_answers_no_question_of_its_own(typed: str, answers: list[str]) -> None:
    found = called("AskUser", f"1. [question] Drop it?\n[answer] Yes\n{typed}").all(model.Answer)
    assert [answer.text for answer in found] == answers


@pytest.mark.parametrize("note", ["", "In cents."])
def test_a_plan_that_begins_a_session_was_not_typed_but_the_note_above_it(note: str) -> None:
    """0.225.2: source."""
    above = f"User note: {note}\n\n" if note else ""
    hint = "If you need specific details from the planning session, read the full spec at: /p.md"
    [plan, *typed] = folded(
        message("user", text(f"Implement the following plan:\n\n{above}# Price\n\n- The pear\n\n{hint}"))
    ).all(model.UserPrompt)
    assert (plan.text, plan.accepts_plan) == ("Implement the following plan:\n\n# Price\n\n- The pear", True)
    assert [prompt.text for prompt in typed] == [note] * bool(note)


@pytest.mark.parametrize("typed", ["Look at the till\n\n---\n\nand no further", "Review the current code changes"])
def test_the_text_of_a_review_was_not_typed_but_what_is_below_it(typed: str) -> None:
    """A run of 0.225.2, in which the text has 16,000 characters more."""
    template = "You are a senior staff software engineer and expert code reviewer.\n\n---\n\n## Language\n\nThe user's."
    sent = f"<system-notification>\n{template}\n\n---\n\n{typed}\n</system-notification>"

    [prompt] = folded(message("user", text(sent))).all(model.UserPrompt)
    assert (prompt.command, prompt.text, prompt.stored) == ("/review", typed, False)

    shown = message("user", text("/fix is running"), visibility="user_only")  # a file of the project's may say the same
    [stored] = folded(shown, message("user", text(sent))).all(model.UserPrompt)
    assert stored.stored and stored.text.startswith("You are a senior staff software engineer")

    [other] = folded(message("user", text(sent.replace("## Language", "## Tone")))).all(model.UserPrompt)
    assert other.stored and typed in other.text  # as another version may word it


def test_a_patch_changes_files() -> None:
    patch = "*** Begin Patch\n*** Add File: /home/dev/a.py\n+x = 1\n*** End Patch"
    call = {"type": "tool_use", "id": "c1", "name": "ApplyPatch", "input": {"input": patch}}
    result = {"type": "tool_result", "tool_use_id": "c1", "is_error": False, "content": "{}"}
    made = folded(message("assistant", call), message("user", result)).all(model.FileEdit)
    assert [(edit.path, edit.change) for edit in made] == [("/home/dev/a.py", "add")]
