"""Sessions of real clients of pi: what is read of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.pi.contract_case import PLACE, assistant, entry, message, recording, user
from carryover import model
from carryover.adapter.contract import Source
from carryover.agents.pi.adapter import AGENT
from carryover.agents.pi.relayed import answers_in
from carryover.records.lenient import fields_of
from carryover.transcript.sources import sources_of
from contract.case import (
    Reading,
    Transcript,
    answers,
    edits,
    fold_one,
    of,
    prompts,
    read_export,
    read_on,
    results,
    source_at,
    standing,
)
from support.costs import costing_little


def read(name: str, part: str = "") -> Reading:
    return read_on(AGENT, source_at(AGENT, recording(name, part)))


def test_a_session_with_failing_tests_a_failed_edit_and_a_question() -> None:
    found = read("story")

    assert results(found) == [
        ("read", "ok", None),
        ("edit", "ok", None),
        ("bash", "error", 1),
        ("edit", "error", None),
        ("edit", "ok", None),
        ("write", "ok", None),
        ("bash", "ok", 0),
        ("read", "ok", None),
        ("bash", "error", None),
    ]
    assert edits(found) == [
        ("/home/dev/shop/cart.py", "modify", 8),
        ("/home/dev/shop/cart.py", "modify", 9),
        ("/home/dev/shop/CHANGES.md", "modify", 1),
    ]
    assert prompts(found)[1:] == ["Per item, please"]
    assert answers(found)[-1].startswith("Then total() stays per item.")


@pytest.mark.parametrize(
    ("name", "given", "op", "subject"),
    [
        ("read", {"offset": 3, "path": "cart.py"}, "read", "cart.py"),
        ("edit", {"edits": [], "file_path": "cart.py"}, "edit", "cart.py"),
        ("glob", {"limit": "9", "pattern": "*.py"}, "search", "*.py"),
        ("grep", {"limit": "9", "query": "cap"}, "search", "cap"),
        ("web", {"mode": "text", "url": "https://shop.example"}, "other", "https://shop.example"),
        ("sessions_spawn", {"mode": "run", "task": "Count the pears"}, "agent", "Count the pears"),
        ("ask", {"questions": [{"question": "Up?"}]}, "ask", "Up?"),
        ("ask_user", {"questions": [{"question": "Up?"}]}, "ask", "Up?"),
        ("tool_call", {"id": "read", "args": {"path": "cart.py"}}, "read", "cart.py"),
        ("bash", {"id": "read", "command": "make"}, "shell", "make"),
    ],
)
def test_a_call_is_about_what_its_arguments_say(name: str, given: object, op: str, subject: str) -> None:
    session = Transcript(AGENT, Source(agent="pi", path=PLACE))
    session.fold(assistant({"type": "toolCall", "id": "1", "name": name, "arguments": given}))

    [call] = session.all(model.ToolCall)
    assert (call.op, call.subject) == (op, subject)


def test_a_request_that_was_tried_again_is_no_limit() -> None:
    found = read("limit", "45-10")

    assert standing(found, model.TurnEnd) == []
    assert answers(found) == ["After the limit: done."]


def test_a_limit_stands_until_it_is_answered() -> None:
    for part in ("45-17", "45-32"):
        [end] = standing(read("limit", part), model.TurnEnd)
        assert end.reason == "limit"


def test_an_answer_that_was_stopped_is_kept_as_far_as_it_came() -> None:
    found = read("kill", "45-44")

    [answer] = standing(found, model.AssistantMessage)
    assert (answer.aborted, answer.final) == (True, False)
    assert [end.reason for end in standing(found, model.TurnEnd)] == ["interrupted"]


@pytest.mark.parametrize("reason", ["aborted", "error"])
def test_no_call_of_an_answer_that_was_cut_off_is_made(reason: str) -> None:
    session = Transcript(AGENT, source_at(AGENT, recording("expansion")))
    call = {"type": "toolCall", "id": "c1", "name": "write", "arguments": {"path": "a.py", "content": "PEAR ="}}

    assert not any(isinstance(body, model.ToolCall) for body in session.fold(assistant(call, stopReason=reason)))


@pytest.mark.parametrize("tool", ["bash", "write", "grep"])
def test_a_call_that_the_user_stopped_has_not_failed(tool: str) -> None:
    """The client says so of each call that had not begun (1.6.0), and of one that was reading a file."""
    session = Transcript(AGENT, source_at(AGENT, recording("expansion")))
    call = {"type": "toolCall", "id": "c1", "name": tool, "arguments": {"path": "a.py"}}
    session.fold(assistant(call, stopReason="toolUse"))

    said = {"type": "text", "text": "Operation aborted"}
    [result] = session.fold(message("toolResult", said, toolCallId="c1", toolName=tool, isError=True))

    assert isinstance(result, model.ToolResult)
    assert (result.status, result.output, result.never_ran) == ("interrupted", "", tool == "bash")


@pytest.mark.parametrize(
    "details",
    [
        {"answers": {"Which rounding?": "Down", "And the tax?": "", "": "Up"}, "cancelled": False},
        {"question": "Which rounding?", "options": ["Up", "Down"], "answer": "Down", "wasCustom": False},
        {
            "questions": [{"id": "r", "prompt": "Which rounding?", "options": []}],
            "answers": [{"id": "r", "value": "d", "label": "Down", "wasCustom": True}],
            "cancelled": False,
        },
    ],
)
def test_what_the_user_answered_an_extensions_tool_is_an_answer(details: dict[str, object]) -> None:
    session = Transcript(AGENT, source_at(AGENT, recording("expansion")))
    call = {"type": "toolCall", "id": "c1", "name": "question", "arguments": {"question": "Which rounding?"}}
    session.fold(assistant(call, stopReason="toolUse"))

    said = {"type": "text", "text": "User selected: 1. Down"}
    [result, answer] = session.fold(message("toolResult", said, toolCallId="c1", toolName="question", details=details))

    assert isinstance(result, model.ToolResult)
    assert (result.op, answer) == ("ask", model.Answer(call_id="c1", question="Which rounding?", text="Down"))
    by_a_model = {name: value for name, value in details.items() if name not in ("cancelled", "wasCustom")}
    for other in ({**details, "cancelled": True}, by_a_model):
        assert len(session.fold(message("toolResult", said, toolCallId="c2", toolName="ask", details=other))) == 1
    fetches = {"type": "toolCall", "id": "c6", "name": "fetch", "arguments": {"url": "https://shop.example"}}
    session.fold(assistant(fetches, stopReason="toolUse"))
    assert len(session.fold(message("toolResult", said, toolCallId="c6", toolName="fetch", details=details))) == 1
    page = {"question": "Push?", "selectedOptions": ["Yes"]}
    assert len(session.fold(message("toolResult", said, toolCallId="c3", toolName="fetch", details=page))) == 1
    # Of a call that is not known any more.
    [_, answer] = session.fold(message("toolResult", said, toolCallId="c5", toolName="ask", details=page))
    assert answer == model.Answer(call_id="c5", question="Push?", text="Yes")
    looks_up = {"type": "toolCall", "id": "c4", "name": "ask", "arguments": {"query": "Which taxes are there?"}}
    session.fold(assistant(looks_up, stopReason="toolUse"))
    assert [(call.op, call.subject) for call in session.all(model.ToolCall)][-1] == ("other", "Which taxes are there?")


@pytest.mark.parametrize(
    ("details", "found"),
    [
        ({"question": "Up?", "selectedOptions": ["Yes"], "customInput": "by a cent"}, [("Up?", "Yes, by a cent")]),
        ({"question": "Up?", "selectedOptions": ["Yes"], "timedOut": True}, []),
        ({"question": "Up?", "selectedOptions": []}, []),
        (
            {"results": [{"question": "Up?", "selectedOptions": ["Yes"]}, {"question": "Why?", "selectedOptions": []}]},
            [("Up?", "Yes")],
        ),
        (
            {"status": "answered", "answers": {"answers": {"a": ["Yes"], "b": ["No", "Or"]}}},
            [("First?", "Yes"), ("b", "No, Or")],
        ),
        ({"status": "no_answer"}, []),
    ],
)
def test_what_the_user_answered_to_oh_my_pi_and_openclaw(details: object, found: list[tuple[str, str]]) -> None:
    read = fields_of(json.dumps(details))

    assert answers_in(read, "First?", asked=True) == found
    assert answers_in(read, None, asked=True) == []  # of a page that a tool read, say


def test_a_sub_agent_of_oh_my_pi_belongs_to_the_session_whose_folder_it_is_in(tmp_path: Path) -> None:
    path = tmp_path / "2026-11-28T19-20-46-454Z_01a2239a" / "Counter.jsonl"
    path.parent.mkdir()
    head = entry("session", id="01a2239b", cwd="/home/dev/shop", parentSession=f"{path.parent}.jsonl")
    path.write_bytes(b"\n".join([head, user("Count the pears"), b""]))
    [event] = read_export(AGENT, path).events

    assert (event.session, event.subagent_id) == ("01a2239a", "Counter")
    assert isinstance(event.body, model.UserPrompt) and event.body.actor == "model"


def test_what_was_moved_out_of_the_file_is_neither_said_nor_printed() -> None:
    session = Transcript(AGENT, source_at(AGENT, recording("expansion")))
    gone = {"type": "text", "text": "[Compacted history content evicted to durable cold storage]"}
    call = {"type": "toolCall", "id": "c1", "name": "read", "arguments": {"path": "a.py"}}

    said = session.fold(assistant(gone, call, stopReason="toolUse"))
    [result] = session.fold(message("toolResult", gone, toolCallId="c1", toolName="read", isError=False))

    assert not any(isinstance(body, model.AssistantMessage) for body in said)
    assert isinstance(result, model.ToolResult)
    assert (result.status, result.output) == ("ok", "")


def test_calls_of_one_answer_that_were_stopped_have_not_failed() -> None:
    """They ran at the same time (1.6.0): one had ended before Escape was pressed."""
    found = read("stopped")

    results = [(result.name, result.status, result.output) for result in standing(found, model.ToolResult)]
    assert results == [
        ("bash", "interrupted", ""),
        ("bash", "ok", "second\n"),
        ("read", "interrupted", ""),
        ("write", "interrupted", ""),
    ]
    assert standing(found, model.FileEdit) == []
    assert prompts(found) == ["Make a pear cost as much as an apple", "Only look at the stock, please"]
    assert answers(found) == ["I try both.", "Then only the second one."]


def test_a_session_that_was_killed_keeps_its_prompt_and_its_call() -> None:
    assert len(prompts(read("kill", "45-39"))) == 1
    running = read("kill", "45-41")
    assert len(standing(running, model.ToolCall)) == 1
    assert standing(running, model.ToolResult) == []


def test_only_the_path_to_the_last_entry_was_said() -> None:
    found = read("tui")

    assert prompts(found) == ["Look at cart.py", "(edited)"]
    assert answers(found) == ["FIRST-ANSWER I read cart.py.", "BRANCH-ANSWER"]
    assert [call.subject for call in standing(found, model.ToolCall) if call.actor == "human"] == [
        "python3 -m unittest -q test_cart 2>&1 | tail -1"
    ]
    facts = [event.body for event in found.events if isinstance(event.body, model.SessionInfo)]
    assert "Cart discount" in [info.title for info in facts]
    assert facts[-1].model == "other-model"


def test_a_branch_that_was_left_leaves_its_summary() -> None:
    found = read("tree", "49-22")

    assert prompts(found) == ["Approach A: use int", "More of approach A but with round", "After the compaction"]
    assert [part.text for part in standing(found, model.AgentSummary)] == ["SUMMARY-OF-BRANCH: approach A used int()."]


def test_two_clients_at_once_leave_the_branch_of_the_one_that_wrote_last() -> None:
    found = read("compact", "55-21")

    assert prompts(found)[-2:] == ["resume", "first client"]
    assert answers(found)[-1] == "c1"


def test_a_compaction_leaves_its_summary_without_the_lists_of_files() -> None:
    [summary] = standing(read("compact", "52-45"), model.AgentSummary)

    assert "Discount work" in summary.text
    assert "CHANGES.md" not in summary.text


@pytest.mark.parametrize(
    ("last", "told"),
    [
        (assistant({"type": "text", "text": "Committed."}), ["Done", "Critical Context"]),
        (
            assistant({"type": "toolCall", "id": "c1", "name": "bash", "arguments": {}}, stopReason="toolUse"),
            ["Done", "In Progress", "Next Steps", "Critical Context"],
        ),
    ],
)
def test_next_steps_of_a_compaction_that_does_not_cover_the_newest_answer_are_left_out(
    tmp_path: Path, last: bytes, told: list[str]
) -> None:
    steps = "### Done\n- cart\n\n### In Progress\n- tax\n\n## Next Steps\n1. Fix it\n\n## Critical Context\n- cents"
    path = tmp_path / "session.jsonl"
    lines = (entry("session", id="s1", version=3, cwd="/home/ann/shop"), user("Add a discount"), last)
    path.write_bytes(b"\n".join((*lines, entry("compaction", summary=steps))) + b"\n")
    [summary] = of(read_on(AGENT, Source(agent="pi", path=str(path))).events, model.AgentSummary)

    assert [part.heading for part in summary.parts] == told


def test_a_summary_has_the_sections_that_pi_and_openclaw_ask_for() -> None:
    asked = {
        "request": ("Goal", "Latest User Request Context"),
        "current": ("Progress", "Done", "In Progress"),
        "next": ("Next Steps", "Open TODOs"),
        "pending": ("Blocked", "Pending User Asks"),
        "other": ("Constraints & Preferences", "Key Decisions", "Critical Context", "Decisions", "Constraints/Rules"),
    }
    for kind, headings in asked.items():
        for heading in headings:
            files = "\n\n<read-files>\ntax.py\n</read-files>\n\n<modified-files>\ncart.py\n</modified-files>"
            session = Transcript(AGENT, Source(agent="pi", path=PLACE))
            session.fold(entry("compaction", summary=f"## {heading}\n- Cap it{files}"))
            [summary] = session.all(model.AgentSummary)
            assert [(part.kind, part.heading, part.text) for part in summary.parts] == [(kind, heading, "- Cap it")]


def test_a_session_of_another_folder_that_goes_on_here_counts_here_from_then_on() -> None:
    found = read("samefolder", "58-35")

    last = next(event for event in reversed(found.events) if isinstance(event.body, model.UserPrompt))
    first = next(event for event in found.events if isinstance(event.body, model.UserPrompt))
    assert (first.cwd, last.cwd) == ("/home/dev/shop/sub", "/home/dev/shop-sub")


def test_files_and_skills_that_the_client_puts_before_a_prompt_are_not_the_users_words() -> None:
    [prompt] = standing(read("instructions", "46-57"), model.UserPrompt)
    assert (prompt.text, prompt.attachments) == ("hi", 1)
    commands = {prompt.command: prompt.text for prompt in standing(read("expansion"), model.UserPrompt)}
    assert commands["/skill:round"] == "please"


def test_what_a_file_or_a_skill_holds_is_not_what_the_user_typed() -> None:
    readme = '<file name="/a/README.md">\n# Shop\n</file>\nShip it\n</file>\n'
    skill = '<skill name="round" location="/a/SKILL.md">\n</skill>\n\nShip it\n</skill>\n\n'
    source = source_at(AGENT, recording("expansion"))

    [asked] = of(fold_one(AGENT, source, user(f"{readme}{readme}Fix it")).events, model.UserPrompt)
    assert (asked.text, asked.attachments) == ("Fix it", 2)
    [ran] = of(fold_one(AGENT, source, user(f"{skill}please")).events, model.UserPrompt)
    assert (ran.command, ran.text) == ("/skill:round", "please")


def test_files_without_an_end_cost_no_time() -> None:
    source = source_at(AGENT, recording("expansion"))
    piped = '<file name="/a">\n' * 20_000
    with costing_little():
        [asked] = of(fold_one(AGENT, source, user(f"{piped}Fix it")).events, model.UserPrompt)

        assert asked.text == f"{piped}Fix it"


@pytest.mark.parametrize(
    "before", ['<file name="/a/shot.png"></file>\n', '<file name="/a/shot.png">[Image: 9x9]</file>\n', "Ship it"]
)
def test_what_an_image_or_a_pipe_precedes_is_a_file_too(before: str) -> None:
    readme = '<file name="/a/README.md">\nShip it\n</file>\n'
    source = source_at(AGENT, recording("expansion"))

    for given in (f"{before}{readme}", f"{readme}{before}" if before.endswith("\n") else f"{before}{readme}"):
        [asked] = of(fold_one(AGENT, source, user(f"{given}Fix it")).events, model.UserPrompt)
        assert (asked.text, asked.attachments) == ("Fix it", 1)


@pytest.mark.parametrize("typed", ["Look", "Is [Image: original] right?", ""])
def test_what_the_client_says_of_the_images_in_a_prompt_was_not_typed(typed: str) -> None:
    """Below the words, a line for each (1.6.0: source)."""
    sizes = (
        "[Image: original 9000x9000, displayed at 2000x2000. Multiply coordinates by 4.50 to map to original image.]"
    )
    given = user(f"{typed}\n\n[Image converted from image/bmp to image/png.]\n{sizes}")

    said = [
        body.text for body in of(fold_one(AGENT, source_at(AGENT, recording("story")), given).events, model.UserPrompt)
    ]
    assert said == [typed] * bool(typed)


def test_sessions_of_former_versions_are_read_too() -> None:
    assert prompts(read("migrated"))[0] == "v1 prompt"
    assert len(prompts(read("resumed", "56-04"))) == 2
    assert [result.exit_code for result in standing(read("limit", "58-01"), model.ToolResult)] == [3]


def test_sessions_that_lie_flat_in_a_folder_are_found() -> None:
    path = recording("story").path

    assert [source.session for source in sources_of(AGENT, path.parent)] == [path.stem.partition("_")[2]]
    assert sources_of(AGENT, path.parent)[0].group == ""
    assert sources_of(AGENT, path.parents[1])[0].group == PLACE


def test_the_tokens_of_an_answer_have_the_same_key_in_a_fork() -> None:
    first, fork = ({used.key: used for used in read("fork-cli", part).tokens} for part in ("my-task", "01a20427"))

    assert [(used.model, used.input, used.output) for used in first.values()] == [
        ("fake-model", 1470, 2),
        ("fake-model", 1501, 2),
        ("other-model", 1523, 2),
    ]
    assert [(used.input, used.output, key in first) for key, used in fork.items()] == [
        (1470, 2, True),
        (1501, 3, False),
    ]


def test_a_session_of_oh_my_pi_is_known_by_the_header_below_its_title() -> None:
    [path] = Path(__file__).with_name("oh_my_pi").glob("18.2.3/*/*.jsonl")
    found = read_export(AGENT, path)
    commands = [result for result in of(found.events, model.ToolResult) if result.op == "shell"]

    assert found.skipped == []
    assert {event.session for event in found.events} == {"01a2239a-5476-7285-9418-1494a54a1aba"}
    assert prompts(found)[1:] == ["Go on and price plums", "Name a third fruit"]
    assert [each.exit_code for each in commands] == [3, 0]
    assert of(found.events, model.SessionInfo)[0].title == "OK"
    assert of(found.events, model.TurnEnd)[-1].reason == "interrupted"
