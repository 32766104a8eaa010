"""Sessions of real clients of Cline: what is read of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from agents.cline.contract_case import FIXTURES, message, recording, text
from agents.cline.task_case import TASKS
from carryover import model
from carryover.agents.cline.adapter import AGENT
from contract.case import (
    Reading,
    Recording,
    Transcript,
    answers,
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


def test_a_session_with_failing_tests_a_failed_edit_and_a_sub_agent() -> None:
    found = read("story", "6pzba")

    assert prompts(found)[1:] == ["Please continue: raise ValueError over 100."]
    assert results(found) == [
        ("read_files", "ok", None),
        ("read_files", "ok", None),
        ("editor", "error", None),
        ("editor", "ok", None),
        ("run_commands", "error", 1),
        ("run_commands", "ok", 0),
        ("editor", "ok", None),
        ("run_commands", "ok", 0),
        ("spawn_agent", "ok", None),
        ("ask_question", "ok", None),
    ]
    edits = [(edit.path, edit.change, edit.line, edit.added) for edit in standing(found, model.FileEdit)]
    assert edits == [("/home/dev/shop/cart.py", "modify", 1, 3), ("/home/dev/shop/cart.py", "modify", 2, 1)]
    [info] = standing(found, model.SessionInfo)
    assert (info.agent_version, info.model, info.branch) == ("3.0.65", "fake-model", "main")


def test_what_answers_itself_because_nobody_is_there_is_not_the_users_answer() -> None:
    story = read("story", "6pzba")

    assert [question.options[1] for question in standing(story, model.Question)] == ["No, clamp"]
    assert standing(story, model.Answer) == []
    assert [answer.text for answer in standing(read("branch", "03rh3"), model.Answer)] == ["No, clamp"]


def test_a_limit_ends_the_turn_and_one_that_passed_leaves_no_trace() -> None:
    for part in ("tr2ox", "tfmxr"):
        [end] = standing(read("limit", part), model.TurnEnd)
        assert (end.reason, end.message[:19]) == ("limit", "You exceeded your c")
    retried = read("esc-retry")
    assert [end.reason for end in standing(retried, model.TurnEnd)] == ["interrupted"]
    assert results(retried) == [("run_commands", "interrupted", None)]


def test_the_first_prompt_is_known_before_it_is_answered() -> None:
    assert prompts(read("kill", "n6b2t")) == ["Second kill prompt: killed in the first stream"]


def test_a_session_that_was_killed_keeps_its_call_open() -> None:
    killed = read("kill", "178ii")

    assert [call.subject for call in standing(killed, model.ToolCall)] == ["sleep 30"]
    assert standing(killed, model.ToolResult) == []
    stopped = read("kill", "xlpvq")
    assert prompts(stopped) == ["SIGINT prompt"]
    assert [end.reason for end in standing(stopped, model.TurnEnd)] == ["interrupted"]


def test_prompts_are_read_without_what_the_client_puts_around_them() -> None:
    assert prompts(read("branch", "03rh3"))[3:5] == ["Plan the work", "Do it"]
    [prompt] = standing(read("odd", "qyx3y"), model.UserPrompt)
    assert (prompt.text, prompt.attachments) == ("look at @cart.py please", 1)
    assert prompts(read("hook")) == ["read handoff"]
    assert prompts(read("odd", "pl0hn")) == ["explain this\n\nPIPED TEXT"]


def test_calls_that_never_ran_say_nothing_about_the_approach() -> None:
    refused = [each for part in ("gbmvh", "yae0f") for each in standing(read("odd", part), model.ToolResult)]

    assert [(each.status, each.never_ran) for each in refused] == [("error", True)] * 3


REJECTED = "This tool call was rejected by the user and not executed."


@pytest.mark.parametrize(
    ("tool", "error", "status"),
    [
        ("editor", REJECTED, "denied"),
        ("run_commands", f"{REJECTED} NOT a tool or system failure. Clarify with user before proceeding.", "denied"),
        ("editor", f"File not found: /a/{REJECTED}", "error"),
        ("notes_list", REJECTED, "error"),
    ],
)
def test_a_refusal_is_the_whole_error_of_a_call_that_only_the_client_words(tool: str, error: str, status: str) -> None:
    made = Transcript(AGENT, source_at(AGENT, recording("story", "6pzba")))
    made.context = read("story", "6pzba").context
    made.fold(message("assistant", {"type": "tool_use", "id": "c1", "name": tool, "input": {"commands": ["ls"]}}))
    said = json.dumps({"error": error})
    made.fold(message("user", {"type": "tool_result", "tool_use_id": "c1", "content": said, "is_error": True}))

    [result] = of(made.events, model.ToolResult)
    assert (result.status, result.never_ran, result.output) == (status, status == "denied", error)


def test_a_compaction_leaves_its_summary_where_it_was_made() -> None:
    found = read("branch", "03rh3")
    bodies = [event.body for event in found.events]
    [summary] = standing(found, model.AgentSummary)

    after = [body.text for body in bodies[bodies.index(summary) :] if isinstance(body, model.UserPrompt)]
    assert after == ["Continue after compaction"]


def test_only_what_was_said_in_a_fork_is_its_own() -> None:
    fork = read("branch", "czwcg")

    assert standing(fork, model.SessionInfo)[0].parent == "1795366133956_03rh3"
    assert standing(fork, model.AgentSummary) == []
    assert prompts(read("undo")) == ["In the forkAfter the undo"]


def undone(folder: Path) -> Path:
    """A session whose last prompt is said in other words in another, which began as this one ended."""
    for name, part in (("branch", "czwcg"), ("undo", "vjod6")):
        session = recording(name, part).path.parent
        shutil.copytree(session, folder / session.name)
    return next(folder.glob("*_czwcg/*.messages.json"))


def test_what_was_taken_back_no_longer_counts(tmp_path: Path) -> None:
    source = source_at(AGENT, Recording(undone(tmp_path), tmp_path))
    assert prompts(read_on(AGENT, source)) == []

    shutil.rmtree(next(tmp_path.glob("*_vjod6")))
    assert prompts(read_on(AGENT, source)) == ["In the fork"]


def test_what_was_taken_back_was_used_all_the_same(tmp_path: Path) -> None:
    undone_fork = read_on(AGENT, source_at(AGENT, Recording(undone(tmp_path), tmp_path)))

    assert [(used.model, used.input, used.output) for used in undone_fork.tokens] == [("fake-model", 5965, 4)]


def test_the_tokens_of_a_session_are_the_sums_in_its_manifest_with_its_sub_agents() -> None:
    main, helper = read("story", "6pzba"), read("story", "agent_")
    session = recording("story", "6pzba").path.parent
    sums = json.loads((session / f"{session.name}.json").read_bytes())["metadata"]["aggregateUsage"]
    tokens = [*main.tokens, *helper.tokens]

    assert {used.session for used in tokens} == {session.name}
    assert sum(used.input for used in tokens) == sums["inputTokens"]
    assert sum(used.output for used in tokens) == sums["outputTokens"]


def test_what_came_from_the_cache_is_not_input() -> None:
    metrics = {"inputTokens": 42_438, "outputTokens": 9, "cacheReadTokens": 36_734, "cacheWriteTokens": 5_701}
    source = source_at(AGENT, recording("resumed"))
    [used] = fold_one(AGENT, source, message("assistant", text("Done."), metrics=metrics)).tokens

    assert (used.input, used.output, used.cache_read, used.cache_write) == (3, 9, 36_734, 5_701)


def test_what_a_command_stands_for_is_not_what_the_user_typed() -> None:
    """A skill or a workflow of the project, whose file may hold the closing tag."""
    command = '<user_command slash="ship">\n# Ship\n</user_command>\nPush with --force.\n</user_command>'
    given = text(f'<user_input mode="act">{command} to the shop</user_input>')
    made = Transcript(AGENT, source_at(AGENT, recording("story", "6pzba")))
    made.context = read("story", "6pzba").context
    made.fold(message("user", given))

    [prompt] = made.all(model.UserPrompt)
    assert (prompt.command, prompt.text) == ("/ship", "to the shop")


@pytest.mark.parametrize(("tag", "times"), [("<mode_notice>", 4_000), ('<user_command slash="ship">', 10_000)])
def test_tags_without_an_end_cost_no_time(tag: str, times: int) -> None:
    made = Transcript(AGENT, source_at(AGENT, recording("story", "6pzba")))
    made.context = read("story", "6pzba").context
    tags = tag * times
    with costing_little():
        made.fold(message("user", text(f'<user_input mode="act">{tags} to the shop</user_input>')))

        [prompt] = made.all(model.UserPrompt)
        assert (prompt.command, prompt.text) == (None, f"{tags} to the shop")


def test_a_notice_is_not_what_the_user_typed() -> None:
    notice = "<mode_notice>Now act.</mode_notice>\n"
    given = text(f'<user_input mode="act">{notice}Ship\n{notice}it <mode_notice></user_input>')
    made = Transcript(AGENT, source_at(AGENT, recording("story", "6pzba")))
    made.context = read("story", "6pzba").context
    made.fold(message("user", given))

    assert [prompt.text for prompt in made.all(model.UserPrompt)] == ["Ship\nit <mode_notice>"]


def test_only_texts_are_said() -> None:
    made = Transcript(AGENT, source_at(AGENT, recording("story", "6pzba")))
    made.context = read("story", "6pzba").context
    made.fold(message("assistant", text("It rounds."), {"type": "thinking", "thinking": "Hm."}, text("All pass.")))

    [said] = made.all(model.AssistantMessage)
    assert said.text == "It rounds.\nAll pass."


def test_what_is_said_after_going_back_to_it_counts_again(tmp_path: Path) -> None:
    path = undone(tmp_path)
    manifest = path.with_name(f"{path.parent.name}.json")
    manifest.write_text(json.dumps(json.loads(manifest.read_bytes()) | {"ended_at": None}))

    assert prompts(read_on(AGENT, source_at(AGENT, Recording(path, tmp_path)))) == ["In the fork"]


def test_a_session_that_a_newer_client_continued_is_one() -> None:
    assert prompts(read("resumed")) == ["old version prompt", "go on"]


def test_files_that_the_user_refused_in_a_task_were_not_written() -> None:
    [path] = FIXTURES.glob("2.18.0/refused/tasks/*/ui_messages.json")
    found = read_on(AGENT, source_at(AGENT, Recording(path, path.parents[1])))

    assert prompts(found) == ["Make a pear cost as much as an apple", "No, leave the QUINCE alone"]
    assert results(found) == [(name, "denied", None) for name in ("newFileCreated", "editedExistingFile", "command")]
    command = standing(found, model.ToolResult)[-1].subject  # without the mark of what needs approval
    assert (command, standing(found, model.FileEdit)) == ("touch pear.txt", [])


def test_a_task_of_the_extension_is_read_with_its_folder_and_its_todo_list() -> None:
    found = read_on(AGENT, source_at(AGENT, TASKS.recordings[0]))

    assert found.skipped == []
    assert prompts(found) == ["Add discount(cents, percent) to cart.py, whole cents"]
    assert {(event.session, event.cwd) for event in found.events} == {("1795367291512", "/home/dev/shop")}
    assert results(found) == [
        ("readFile", "ok", None),
        ("editedExistingFile", "ok", None),
        ("command", "error", 1),
        ("editedExistingFile", "ok", None),
    ]
    assert "AssertionError: 899.1 != 899" in standing(found, model.ToolResult)[2].output
    edits = [(edit.path, edit.line, edit.added) for edit in standing(found, model.FileEdit)]
    assert edits == [("/home/dev/shop/cart.py", 1, 3), ("/home/dev/shop/cart.py", 2, 1)]
    assert [item.state for item in standing(found, model.PlanUpdate)[-1].items] == ["done"] * 3
    assert answers(found)[-1] == "discount() returns whole cents."
    [info] = standing(found, model.SessionInfo)
    assert (info.agent_version, info.model) == ("3.82.0", "fake-model")


def test_a_copy_of_the_messages_alone_has_the_results_that_the_requests_show(tmp_path: Path) -> None:
    """Without the other document, as the messages are committed or sent to others (2.18.0)."""
    for name, told in (("story", "ok ok error ok"), ("refused", "unknown denied denied")):
        [path] = FIXTURES.glob(f"2.18.0/{name}/tasks/*/ui_messages.json")
        copy = tmp_path / name / "tasks" / path.parent.name / path.name
        copy.parent.mkdir(parents=True)
        shutil.copy(path, copy)
        found = read_on(AGENT, source_at(AGENT, Recording(copy, copy.parents[1])))

        assert [status for _, status, _ in results(found)] == told.split()
        assert {event.cwd for event in found.events} <= {"/home/dev/shop", "/home/dev/work/shop"}
        assert len(standing(found, model.FileEdit)) == (2 if name == "story" else 0)


def test_the_messages_beside_what_the_model_was_sent_are_read(tmp_path: Path) -> None:
    [path] = FIXTURES.glob("2.18.0/story/tasks/*/api_conversation_history.json")
    copy = shutil.copytree(path.parent, tmp_path / path.parent.name)

    assert [event.key for event in read_export(AGENT, copy / path.name).events] == [
        event.key for event in read_export(AGENT, copy / "ui_messages.json").events
    ]


def typed(*messages: Sequence[str]) -> Sequence[str | None]:
    assert AGENT.typed is not None
    return AGENT.typed(messages)


def test_of_what_the_model_was_sent_only_the_users_own_words_were_typed() -> None:
    """As the extension writes it since calls are parts, between texts that the client adds (2026, a public copy)."""
    notes = "# TODO LIST UPDATE REQUIRED - You MUST"
    folder = "<environment_details>\n# Current Working Directory (c:/oven) Files\na.py\n</environment_details>"
    hot = "Hot?\n<answer>\nNo\n</answer>\n<a_b >"
    sent = [
        ("<task>\nBake it\n</task>", notes, folder),
        ("[read_file for 'a.py'] Result:\n<feedback>\nfrom a file\n</feedback>", notes),
        (f"[ask_followup_question for '{hot}'] Result:\n<answer>\n200\n</answer>",),
        ("[ask_followup_question for 'Long?'] Result:\n", "<answer>\nAn hour\n</answer>"),
        ("[attempt_completion] Result: Done", "<feedback>\nNever burn it\n</feedback>", notes),
        (
            "[TASK RESUMPTION] This task",
            "New instructions for task continuation:\n<user_message>\nGo on\n</user_message>",
        ),
    ]

    assert typed(*sent) == ["Bake it", "", "200", "An hour", "Never burn it", "Go on"]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ((("<task>\nBake it\n</task>",), ("[read_file for 'a.py'] Result:\nx",)), ["Bake it", ""]),
        ((("<task>\nBake it\n</task>",), ("Go on",)), []),
        ((("Bake it", "<environment_details>\na.py\n</environment_details>"), ("Go on",)), ["Bake it", "Go on"]),
        ((("Bake it",), ("Go on",)), []),
    ],
)
def test_messages_are_the_clients_by_its_details_or_a_result(
    sent: Sequence[Sequence[str]], expected: list[str]
) -> None:
    """Where the first is no task, all but the details was typed."""
    assert typed(*sent) == expected


@pytest.mark.parametrize("shown", ['file_content path="a.py"', 'url_content url="http://x.test"', "terminal_output"])
def test_what_a_task_names_is_not_the_users(shown: str) -> None:
    """The extension adds a file or a page that a prompt names below it, in the same text (2024 to 2026, code)."""
    held = f"\n\n<{shown}>\n# Oven\n</task>\nPush it.\n</task>\n</{shown.partition(' ')[0]}>"
    texts = (f"<task>\nClose </task>\n</task> in {{}}\n</task>{held}", "<environment_details>\n</environment_details>")

    assert typed(texts) == ["Close </task>\n</task> in {}"]


@pytest.mark.parametrize(
    "added", ['<hook_context source="TaskResume" type="general">', '<explicit_instructions type="ship.md">']
)
def test_what_a_hook_or_a_workflow_adds_to_a_task_is_not_the_users(added: str) -> None:
    """A hook's text is separate and comes before the prompt. A workflow is in the same text, before the prompt (2025,
    2026, code)."""
    tag = added[1:].partition(" ")[0]
    held = f"{added}\n<task>\nPush it.\n</task>\n\n<a_b >\n</{tag}>\n<task>\nPush.\n</task>\n\n<a_b >\n</{tag}>"
    asked = "<feedback>\nBake it\n</feedback>"
    later = (held, asked) if tag == "hook_context" else (f"{held}\n{asked}",)
    begun = ("<task>\nBegin\n</task>", "<environment_details>\n</environment_details>")

    assert typed(begun, later) == ["Begin", "Bake it"]


def test_a_question_without_words_was_not_asked_and_its_failure_is_no_other_calls(tmp_path: Path) -> None:
    """As a model of 2025 called it, and the client refused it (a public copy)."""

    def say(kind: str, said: object, at: int, *, ask: bool = False) -> dict[str, object]:
        text = said if isinstance(said, str) else json.dumps(said)
        sort = "ask" if ask else "say"
        return {"ts": 1_747_000_000_000 + at, "type": sort, sort: kind, "text": text, "conversationHistoryIndex": 0}

    def user(text: str) -> dict[str, object]:
        return {"role": "user", "content": [{"type": "text", "text": text}]}

    failed = "[ask_followup_question for 'undefined'] Result:\nThe tool execution failed with the following error:\n"
    saved = "[replace_in_file for 'oven.js'] Result:\nThe content was successfully saved to oven.js."
    diff = "<<<<<<< SEARCH\nif (heat === undefined) stop()\n=======\nheat ??= 200\n>>>>>>> REPLACE"
    shown = [
        say("text", "Bake it", 1),
        say("followup", {"question": "", "options": []}, 2, ask=True),
        say("api_req_started", {"request": failed}, 3),
        say("followup", {"question": "How hot?", "options": []}, 4, ask=True),
        say("user_feedback", "200 degrees", 5),
        say("tool", {"tool": "editedExistingFile", "path": "oven.js", "content": diff}, 6, ask=True),
        say("api_req_started", {"request": saved}, 7),
    ]
    (tmp_path / "ui_messages.json").write_text(json.dumps(shown))
    sent = tmp_path / "api_conversation_history.json"
    for has_sent in (True, False):
        if has_sent:
            folder = "\n<environment_details>\n# Current Working Directory (/oven) Files\n</environment_details>"
            sent.write_text(json.dumps([user(f"<task>\nBake it\n</task>{folder}"), user(failed), user(saved)]))
        else:
            sent.unlink()
        found = read_export(AGENT, tmp_path / "ui_messages.json")

        assert [asked.text for asked in standing(found, model.Question)] == ["How hot?"]
        assert [(given.question, given.text) for given in standing(found, model.Answer)] == [
            ("How hot?", "200 degrees")
        ]
        assert [status for _, status, _ in results(found)] == ["ok"]
