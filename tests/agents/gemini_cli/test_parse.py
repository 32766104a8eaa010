"""What records become, the start folder, and how tool calls ended and what they did."""

from __future__ import annotations

from typing import Any

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


def test_a_write_changes_a_file_also_without_a_result_that_shows_it_and_a_look_changes_none() -> None:
    for name, changed in (("write_file", [f"{FOLDER}/a.py"]), ("read_file", [])):
        lines = Lines()
        lines.gemini("", call(name, {"file_path": f"{FOLDER}/a.py", "content": "a = 1"}, "ok"))
        assert [edit.path for edit in lines.all(model.FileEdit)] == changed, name


THANKS = "Got it. Thanks for the additional context!"


def typed(lines: Lines) -> list[str]:
    return [prompt.text for prompt in lines.all(model.UserPrompt) if prompt.actor == "human"]


OPEN_FILE = "\nCurrent File Path:\n```python\n/shop/cart.py\n```\n"
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
        # With the project's own GEMINI.md.
        (("<session_context>\nShop.\n</session_context>\nShip it.\n</session_context>\nHi",), "Hi"),
        (("<system-reminder>For the model.</system-reminder>Hi",), "Hi"),  # Qwen Code of 2025
        (("Look at @stock.py", "\n--- Content from referenced files ---", "PEARS = 30"), "Look at @stock.py"),
    ],
)
def test_a_prompt_is_what_was_typed(sent: tuple[str, ...], words: str) -> None:
    lines = Lines()
    lines.user(*sent)

    assert typed(lines) == [words]


@pytest.mark.parametrize(
    ("below", "words", "attachments"),
    [
        (f"{OPEN_FILE}\n\nUser Selected Files:\n- /shop/tax.py\n- /shop/a.md\n", "Are prices < 3?", 1),
        (f"{OPEN_FILE}\nCurrent Selection:\n```python\nfee = 3\n```\n\n", "Are prices < 3?", 1),
        (OPEN_FILE, "Are prices < 3?", 0),
        (
            "\nUser Selected Files:\n- tax.py\nAll of them.",
            "Are prices &lt; 3?\nUser Selected Files:\n- tax.py\nAll of them.",
            0,
        ),
    ],
)
def test_what_an_editor_puts_below_a_prompt_was_not_typed(below: str, words: str, attachments: int) -> None:
    """As Gemini Code Assist in VS Code does (2025)."""
    lines = Lines()
    lines.user(f"Are prices &lt; 3?{below}")

    assert lines.all(model.UserPrompt) == [model.UserPrompt(text=words, attachments=attachments)]


@pytest.mark.parametrize("around", ["\n<user_input>\n{}\n</user_input>", ' "{}"'])
@pytest.mark.parametrize("results", [[], [{"functionResponse": {"id": "c1", "name": "glob", "response": {}}}]])
def test_what_the_user_says_at_work_is_theirs_without_the_clients_order(around: str, results: list[Any]) -> None:
    """It goes with the results of calls, or begins a turn if the one at work has just ended (April 2026)."""
    order = "Internal instruction: Re-evaluate the active plan using this user steering update."
    lines = Lines()
    said = {"text": f"User steering update:{around.format('Keep prices whole')}\n{order}"}
    lines.add(lines.message("user", [said, *results]))

    assert lines.all(model.UserPrompt) == [model.UserPrompt(text="Keep prices whole", in_turn=bool(results))]


def test_an_entity_with_too_many_digits_stays_as_typed() -> None:
    lines = Lines()
    lines.user((typed := f"What is &#{'9' * 5000};?") + OPEN_FILE)

    assert [prompt.text for prompt in lines.all(model.UserPrompt)] == [typed]


def test_the_text_of_init_is_a_command() -> None:
    lines = Lines()
    lines.user(
        "\nYou are an AI agent. Your task is to look around and generate a comprehensive GEMINI.md file to be used as "
        "instructional context for future interactions.\n\n**Analysis Process:**\n"
    )

    assert lines.all(model.UserPrompt) == [model.UserPrompt(text="", command="/init")]


def test_an_answer_of_qwen_code_in_a_document_is_one() -> None:
    """Before it wrote lines of its own (2025)."""
    lines = Lines()
    lines.user("Price the pear.")
    lines.add(lines.message("qwen", "It costs 30."))

    assert ([said.text for said in lines.all(model.AssistantMessage)], lines.skipped) == (["It costs 30."], [])


@pytest.mark.parametrize(
    "text",
    [
        "System: Potential loop detected.",
        "[System: You successfully executed a tool but returned an empty response. Please explain your progress.]",
        "Please continue.",
        "User has manually exited Plan Mode. Switching to Default mode (edits will require confirmation).",
        "Here is the user's editor context as a JSON object. This is for your information only.\n```json\n{}\n```",
        "Here is a summary of changes in the user's editor context, in JSON format. This is for your information only.",
        "- **Workspace Directories:**\n  - /home/dev/shop\n- **Directory Structure:**\n\nshop/",
        "Background execution update:\n<background_output>\nDone.\n</background_output>",
        "You have exceeded the time limit. You have one final chance to complete the task with a short grace period.",
        "You have stopped calling tools without finishing. You have one final chance to complete the task.",
        "[Function Response: read_many_files]--- /shop/a.py ---\n\na = 1\n\n--- End of content ---",
        "<hook_context>words</hook_context>",
        "<session_context>\nShop.\n</session_context>\nShip it.\n</session_context>",
        "<session_context>\nShop.",
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


CONTEXT = "<session_context>\nShop.\n</session_context>"


@pytest.mark.parametrize("first", ["one", "another", ""])
def test_a_resumed_checkpoint_of_the_present_conversation_takes_its_place(first: str) -> None:
    """`/chat resume` writes all of it again in the same file, under new ids (0.61). Another one just comes after it."""
    lines = Lines()
    lines.add({"$set": {"messages": [lines.message("user", [{"text": CONTEXT}], ident="context")]}})
    lines.user("one", ident="u1")
    lines.gemini("First.", ident="g1")
    lines.user("two", ident="u2")
    again = lines.message("user", [{"text": CONTEXT}, {"text": first}], ident="u3")
    for _ in range(2):  # a message may recur under its id
        lines.add(again)
    lines.gemini("First.", ident="g3")
    lines.user("one", ident="u4")

    began, later = ([e for e in lines.events if e.key == f"{ident}/prompt"] for ident in ("u1", "u3"))
    left = [event for event in lines.events if isinstance(event.body, model.Retracted)]
    assert [event.body for event in left] == [model.Retracted(since_ms=began[0].at_ms)] * (first == "one")
    assert [event.at_ms for event in left] == [event.at_ms for event in later] * (first == "one")


def test_another_conversation_that_began_by_the_same_prompt_takes_nothing_back() -> None:
    lines = Lines()
    lines.user("Hi")
    lines.gemini("Hello! The cart has a bug.")
    lines.user("Fix it.")
    lines.user(CONTEXT, "Hi")
    lines.gemini("Hello! What shall I do?")

    assert lines.all(model.Retracted) == []


def test_a_checkpoint_that_is_resumed_twice_leaves_a_conversation_before_it_as_it_is() -> None:
    lines = Lines()
    for number, first in enumerate(["another", "one", "one"]):
        lines.user(*[CONTEXT] * (number > 0), first, ident=f"u{number}")
        lines.gemini("First.")

    asked = [event.at_ms for event in lines.events if isinstance(event.body, model.UserPrompt)]
    assert lines.all(model.Retracted) == [model.Retracted(since_ms=asked[1])]


LONG = (
    "Command: make test\nDirectory: {}\nOutput: {}\nError: (none)\nExit Code: {}\nSignal: {}\n"
    "Background PIDs: (none)\nProcess Group PGID: 7"
)
SHOWN = {
    "fileDiff": "--- a\n+++ b\n@@ -1,2 +1,2 @@\n APPLE = 2\n-PEAR = 1\n+PEAR = 2\n",
    "filePath": f"{FOLDER}/prices.py",
    "isNewFile": False,
}


def parsed(*calls: dict[str, Any], text: str = "") -> Lines:
    lines = Lines()
    lines.place()
    lines.gemini(text, *calls)
    assert lines.skipped == []
    return lines


def result(one: dict[str, Any]) -> model.ToolResult:
    [ended] = parsed(one).all(model.ToolResult)
    return ended


def shell(output: str, **fields: Any) -> model.ToolResult:
    return result(call("run_shell_command", {"command": "make test"}, output, **fields))


@pytest.mark.parametrize(
    ("output", "status", "exit_code", "printed"),
    [
        ("<untrusted_context>\nOutput: ok\nProcess Group PGID: 7\n</untrusted_context>", "ok", 0, "ok"),
        ("<untrusted_context>\nOutput: (empty)\nProcess Group PGID: 7\n</untrusted_context>", "ok", 0, ""),
        ("Output: 1 failed\n\nExit Code: 2\nProcess Group PGID: 7", "error", 2, "1 failed\n"),
        ("Output: Ready.\nExit Code: 3221225786\nProcess Group PGID: 7", "interrupted", 3221225786, "Ready."),
        ("Output: gone\nSignal: 9\nProcess Group PGID: 7", "error", None, "gone"),
        ("Output: (empty)\nError: spawn ENOENT\nProcess Group PGID: 7", "error", None, "spawn ENOENT"),
        (LONG.format("(root)", "ok", "0", "(none)"), "ok", 0, "ok"),
        (LONG.format("sub", "a\nExit Code: 3 is printed", "1", "0"), "error", 1, "a\nExit Code: 3 is printed"),
        ("Command was cancelled by user before it could complete. There was no output.", "interrupted", None, None),
        ("Command was automatically cancelled because it exceeded the timeout of 5.0 minutes", "error", None, None),
        ("Command moved to background (PID: 7). Output hidden.", "ok", None, None),
        ("words of another version", "unknown", None, "words of another version"),
    ],
)
def test_a_shell_command_ends_as_its_output_says(
    output: str, status: str, exit_code: int | None, printed: str | None
) -> None:
    """The client calls each a success (0.26.0, 0.44.0, 0.61.0)."""
    ended = shell(output)

    assert (ended.status, ended.exit_code) == (status, exit_code)
    assert printed is None or ended.output == printed


def test_an_edit_is_described_by_what_the_user_saw_of_it() -> None:
    lines = parsed(call("replace", {"file_path": "prices.py"}, "Successfully modified", resultDisplay=SHOWN))
    added = parsed(call("write_file", {"file_path": "a.py"}, "ok", resultDisplay={**SHOWN, "isNewFile": True}))

    diff = "@@ +1 @@\n APPLE = 2\n-PEAR = 1\n+PEAR = 2"
    counted: dict[str, Any] = {"added": 1, "removed": 1, "line": 2, "anchor": "PEAR = 2", "diff": diff}
    edit = model.FileEdit(path=f"{FOLDER}/prices.py", change="modify", call_id="c1", **counted)
    assert lines.all(model.FileEdit) == [edit]
    assert [edit.change for edit in added.all(model.FileEdit)] == ["add"]


@pytest.mark.parametrize(
    ("text", "status", "ended", "never_ran"),
    [
        ("[Operation Cancelled] Reason: User denied execution.", "cancelled", "denied", True),
        ("[Operation Cancelled] Reason: User cancelled operation", "cancelled", "interrupted", False),
        ("Command was cancelled by user.\nUser denied execution.", "cancelled", "interrupted", False),
        ("params must have required property 'command'", "error", "error", True),
        ('Tool "x" not found in registry.', "error", "error", True),
    ],
)
def test_a_call_that_was_denied_or_refused_never_ran(text: str, status: str, ended: str, never_ran: bool) -> None:
    found = result(call("write_file", {"file_path": "a.py"}, text, status=status))

    assert (found.status, found.never_ran) == (ended, never_ran)


def test_a_turn_whose_calls_were_all_cancelled_was_stopped() -> None:
    """The client then asks the model nothing more, and its notice may be missing, or stand before the calls."""
    stop = "[Operation Cancelled] Reason: Operation cancelled"
    one, other = (call("run_shell_command", {"command": "ls"}, stop, ident=ident, status="cancelled") for ident in "ab")
    for calls, ends in (((one, other), ["interrupted"]), ((one, call("glob", {"pattern": "*"}, "a.py")), [])):
        lines = Lines()
        for _ in range(2):
            lines.gemini("I look.", *calls, ident="g1")
        assert [end.reason for end in lines.all(model.TurnEnd)] == ends


def test_a_tool_of_a_server_may_say_that_it_failed() -> None:
    ended = result(call("get_tree", {"depth": 1}, '{"status": "error", "error": "429: Rate limit exceeded"}'))

    assert (ended.status, ended.output, ended.subject) == ("error", "429: Rate limit exceeded", "get_tree")


def test_a_call_that_has_not_ended_is_open_until_it_has() -> None:
    lines = Lines()
    lines.gemini("I look.", call("glob", {"pattern": "*"}, status="executing"), ident="g1")
    assert (len(lines.all(model.ToolCall)), lines.all(model.ToolResult)) == (1, [])

    lines.gemini("I look.", call("glob", {"pattern": "*"}, "a.py"), ident="g1")
    lines.gemini("I look.", call("glob", {"pattern": "*"}, "a.py"), ident="g1")
    assert (
        len(lines.all(model.ToolCall)),
        len(lines.all(model.ToolResult)),
        len(lines.all(model.AssistantMessage)),
    ) == (1, 1, 1)


@pytest.mark.parametrize(
    ("said", "status", "answers"),
    [
        ('{"answers": {"0": "Pear"}}', "ok", ["Pear"]),
        ("User dismissed ask_user dialog without answering.", "denied", []),
    ],
)
def test_a_question_and_its_answer(said: str, status: str, answers: list[str]) -> None:
    asked = {"questions": [{"question": "Which one?", "header": "Fruit", "options": [{"label": "Pear"}]}]}
    lines = parsed(call("ask_user", asked, said))

    assert lines.all(model.Question) == [model.Question(call_id="c1", text="Which one?", options=("Pear",))]
    assert [(one.question, one.text) for one in lines.all(model.Answer)] == [("Which one?", text) for text in answers]
    assert [ended.status for ended in lines.all(model.ToolResult)] == [status]


def test_a_plan_is_accepted_or_what_the_user_said_of_it_is_a_prompt() -> None:
    text = "Plan rejected. User feedback: Without floats.\n\nThe plan is stored at: /tmp/p.md\nRevise the plan."
    accepted = parsed(call("exit_plan_mode", {}, "Plan approved. Switching to Default mode."))
    rejected = parsed(call("exit_plan_mode", {}, text))
    failed = parsed(call("exit_plan_mode", {}, 'Tool "exit_plan_mode" not found.', status="error"))
    empty = parsed(call("exit_plan_mode", {}, "Plan file is empty. You must write content to it."))
    plans = [plan for lines in (accepted, rejected, failed, empty) for plan in lines.all(model.PlanProposal)]
    assert plans == [model.PlanProposal(call_id="c1", text="", accepted=answer) for answer in (True, False)]
    assert [prompt.text for prompt in rejected.all(model.UserPrompt)] == ["Without floats."]
    assert [result.user_words for result in rejected.all(model.ToolResult)] == ["Without floats."]


def test_a_message_that_grows_is_counted_once() -> None:
    lines = Lines()
    tokens = {"input": 100, "cached": 30, "output": 10, "thoughts": 0, "tool": 0, "total": 110}
    lines.gemini("", ident="m1", tokens=tokens)
    lines.gemini("", call("read_file", {"file_path": "a.py"}, "ok"), ident="m1", tokens=tokens)

    found = {used.key: (used.input, used.output, used.cache_read) for used in lines.tokens}
    assert found == {"m1": (70, 10, 30)}


def test_a_file_that_was_read_has_its_whole_path() -> None:
    lines = Lines()
    lines.place()
    lines.gemini("", call("read_file", {"file_path": "src/cart.py"}, "x = 1"), ident="m1")
    lines.gemini("", call("read_many_files", {"include": ["*.md"]}, "# Shop", ident="c2"), ident="m2")

    assert [body.subject for body in lines.all(model.ToolCall)] == [f"{FOLDER}/src/cart.py", "read_many_files"]


@pytest.mark.parametrize("printed", ["x = 1\n", "a\n\n--- Newly Discovered Project Context ---\nb"])
def test_instruction_files_that_the_client_appends_are_no_output_of_a_tool(printed: str) -> None:
    found = "--- Context from: /x/AGENTS.md ---\nUse tabs in `tabs.py`.\n--- End of Context from: /x/AGENTS.md ---"
    appended = f"\n\n--- Newly Discovered Project Context ---\n{found}\n--- End Project Context ---"
    lines = Lines()
    lines.gemini("", call("read_file", {"file_path": "/x/cart.py"}, printed + appended), ident="m1")
    lines.gemini("", call("read_file", {"file_path": "/x/cart.py"}, printed, ident="c2"), ident="m2")

    assert [body.output for body in lines.all(model.ToolResult)] == [printed, printed]


def test_how_to_read_the_rest_of_a_file_is_no_output_of_a_tool() -> None:
    above = (
        "IMPORTANT: The file content has been truncated.\nStatus: Showing lines 3-4 of 9 total lines.\n"
        "Action: To read more of the file, use start_line: 5.\n\n--- FILE CONTENT (truncated) ---\n"
    )
    lines = Lines()
    lines.gemini("", call("read_file", {"file_path": "/x/cart.py"}, f"{above}x = 1\n"), ident="m1")

    assert [body.output for body in lines.all(model.ToolResult)] == ["x = 1\n"]
