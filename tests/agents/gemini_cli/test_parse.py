"""Records of other kinds than messages, and the start folder."""

from __future__ import annotations

import pytest

from agents.gemini_cli.lines import FOLDER, Lines, call
from carryover import model
from carryover.records.text import HANDOFF_HEAD


def test_the_folder_with_the_headers_hash_is_the_start_folder() -> None:
    """Of several, such as those of `--include-directories`."""
    lines = Lines(folder="/home/dev/other")
    lines.add({"$set": {"directories": [FOLDER, "/home/dev/other"]}})
    lines.user("Fix it.")

    assert {event.cwd for event in lines.events} == {"/home/dev/other"}


def test_a_file_below_the_start_folder_tells_it() -> None:
    """Nothing else may do so in a document (0.26.0) that was copied."""
    lines = Lines()
    lines.gemini("", call("write_file", {"file_path": "a.py"}, "ok", resultDisplay={"filePath": f"{FOLDER}/sub/a.py"}))

    assert lines.context.cwd == FOLDER
    assert [edit.path for edit in lines.all(model.FileEdit)] == [f"{FOLDER}/sub/a.py"]


THANKS = "Got it. Thanks for the additional context!"


def typed(lines: Lines) -> list[str]:
    return [prompt.text for prompt in lines.all(model.UserPrompt) if prompt.actor == "human"]


HANDOFF = f"{HANDOFF_HEAD} 2026-11-20\n## Task\n- Paint.\nFull history: `carryover show a`"


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (("Fix the price.\n\nThen test it.",), "Fix the price.\n\nThen test it."),
        # `gemini -p` sends both as one text (0.61.0).
        (("<hook_context># Handoff\nwords\n</hook_context>\n\nWhat did we do?",), "What did we do?"),
        # After `/clear` a hook brings it with the next prompt (0.26, 0.61).
        ((f"What did we do?\n\n{HANDOFF}",), "What did we do?"),
        ((f"What did we do?<hook_context>\n\n{HANDOFF}</hook_context>",), "What did we do?"),
        ((f"What did we do?\n<hook_context>\n\n\n{HANDOFF}\n</hook_context>\n",), "What did we do?"),
        ((f"{HANDOFF}\n\nWhat did we do?",), "What did we do?"),  # 0.26
        (
            (
                "Look at @stock.py",
                "\n--- Content from referenced files ---",
                "\nContent from @stock.py:\n",
                "PEARS = 30",
            ),
            "Look at @stock.py",
        ),
    ],
)
def test_a_prompt_is_what_was_typed(sent: tuple[str, ...], words: str) -> None:
    lines = Lines()
    lines.user(*sent)

    assert typed(lines) == [words]


@pytest.mark.parametrize(
    "text",
    [
        "System: Potential loop detected.",
        "[System: You successfully executed a tool but returned an empty response. Please explain your progress.]",
        "Please continue.",
        "<hook_context>words</hook_context>",
        " \n",
    ],
)
def test_what_the_client_sends_in_the_users_name_is_no_prompt(text: str) -> None:
    lines = Lines()
    lines.user(text)

    assert (lines.all(model.UserPrompt), lines.skipped) == ([], [])


def test_the_users_own_shell_command_is_a_call_of_theirs() -> None:
    """`!command` (0.44.0, 0.61.0)."""
    lines = Lines()
    lines.place()
    ran = "I ran the following shell command:\n```sh\nls\n```\n\nThis produced the following result:\n```\na.py\n```"
    lines.user(ran)

    assert typed(lines) == []
    assert [(call.subject, call.actor, call.op) for call in lines.all(model.ToolCall)] == [("ls", "human", "shell")]
    assert [(ended.output, ended.status) for ended in lines.all(model.ToolResult)] == [("a.py", "unknown")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[API Error: You have exhausted your daily quota on this model.]\nPlease wait.", "limit"),
        ("[API Error: got status: 429 RESOURCE_EXHAUSTED]", "limit"),
        ("[API Error: An unknown error occurred.]", "error"),
    ],
)
def test_an_error_of_the_api_ends_the_turn(text: str, reason: str) -> None:
    lines = Lines()
    lines.user("Explain it.")
    lines.add(lines.message("error", text))

    assert [(end.reason, end.message) for end in lines.all(model.TurnEnd)] == [(reason, text)]


def test_a_turn_that_was_rolled_back_failed_and_its_prompt_stays() -> None:
    """`gemini -p` at the limit of the day: nothing else says that the turn failed (0.61.0)."""
    lines = Lines()
    lines.place()
    lines.user("Count the pears.")
    lines.place()

    assert typed(lines) == ["Count the pears."]
    assert lines.all(model.TurnEnd) == [model.TurnEnd(reason="error")]


def test_a_compaction_leaves_a_summary_that_is_no_prompt() -> None:
    lines = Lines()
    lines.user("first")
    lines.gemini("One.")
    summary = lines.message("user", [{"text": "Rounding work."}])
    lines.add({"$set": {"messages": [summary, lines.message("gemini", [{"text": THANKS}])]}})
    lines.add({"$set": {"messages": [summary, lines.message("gemini", [{"text": THANKS}])]}})

    assert lines.all(model.AgentSummary) == [model.AgentSummary(text="Rounding work.", source="compaction")]
    assert typed(lines) == ["first"]
    assert [said.text for said in lines.all(model.AssistantMessage)] == ["One."]


def test_a_rewind_takes_back_what_was_said_since_and_not_what_was_done() -> None:
    lines = Lines()
    lines.user("one", ident="u1")
    lines.gemini("First.", ident="g1")
    lines.user("two", ident="u2")
    lines.gemini("Second.", ident="g2")
    lines.add({"$rewindTo": "u2"})

    [retracted] = lines.all(model.Retracted)
    said = {event.key for event in lines.events if isinstance(event.body, model.UserPrompt | model.AssistantMessage)}
    assert said & set(retracted.keys) == {"u2/prompt", "g2/text"}
