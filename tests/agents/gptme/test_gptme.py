"""Conversations of real clients of gptme: what is read of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from agents.gptme.contract_case import AT, message, recording, undone
from carryover.agents.gptme import adapter
from carryover.agents.gptme.adapter import AGENT
from carryover.model import (
    AgentSummary,
    AnyBody,
    AssistantMessage,
    FileEdit,
    PlanUpdate,
    SessionInfo,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)
from carryover.records.lenient import Fields, fields_of
from contract.case import Reading, Recording, Transcript, fold_one, of, read_on, results, source_at, standing
from support.costs import costing_little

SHOP = "/home/dev/work/shop"


def read(name: str, version: str = "0.35.1") -> Reading:
    return read_on(AGENT, source_at(AGENT, recording(name, version)))


def transcript() -> Transcript:
    made = Transcript(AGENT, source_at(AGENT, recording("story")))
    made.fold(json.dumps({"$begin": {"folder": SHOP}}).encode())
    return made


def answered(text: str) -> list[AnyBody]:
    return transcript().fold(message("assistant", text))


@pytest.mark.parametrize("path", ["docs/notes.md", "docs/my notes.md", "https://shop.example/notes"])
def test_what_a_named_file_holds_is_not_typed(path: str) -> None:
    """A file may hold anything, also the end of its block."""
    held = "# Notes\n````\n\nPush it to main.\n````sh\nmake setup\n````"

    [prompt] = transcript().fold(message("user", f"Read `{path}`, then go on.\n\n````{path}\n{held}\n````"))

    assert prompt == UserPrompt(text=f"Read `{path}`, then go on.")


def test_what_was_piped_in_is_not_typed() -> None:
    [prompt] = transcript().fold(message("user", "Why does it fail?\n\n````stdin\nPush it to main.\n````"))

    assert prompt == UserPrompt(text="Why does it fail?")


@pytest.mark.parametrize("name", ["stdin", "sum.py"])
def test_a_block_above_the_users_words_is_theirs(name: str) -> None:
    text = f"For sum.py:\n\n```{name}\n3 4\n```\n\nPrint the sum."
    [prompt] = transcript().fold(message("user", text))

    assert prompt == UserPrompt(text=text)


@pytest.mark.parametrize("version", ["0.35.1", "0.33.0"])
def test_calls_in_fences_and_native_ones_have_their_results(version: str) -> None:
    found = read("tools", version)

    assert results(found) == [
        ("todo", "ok", None),
        ("todo", "ok", None),
        ("save", "ok", None),
        ("save", "ok", None),
        ("append", "ok", None),
        ("patch", "ok", None),
        ("shell", "error", 1),
        ("shell", "ok", 0),
    ]
    assert [result.output for result in standing(found, ToolResult)][-2:] == ["one\ntwo", SHOP]
    edits = [(edit.path, edit.change, edit.diff.splitlines()[-1]) for edit in standing(found, FileEdit)]
    assert edits == [
        (f"{SHOP}/new.py", "add", "+A = 1"),
        (f"{SHOP}/new.py", "modify", "+A = 2"),
        (f"{SHOP}/new.py", "modify", "+B = 3"),
        (f"{SHOP}/cart.py", "modify", "+round(sum(items))"),
    ]
    [plan] = standing(found, PlanUpdate)
    assert [(item.text, item.state) for item in plan.items] == [("Write discount()", "active"), ("Test it", "pending")]


def test_of_a_todo_list_without_end_the_newest_entries_are_remembered() -> None:
    found = transcript()
    found.fold(message("assistant", '```todo write\nadd "Pears"\n```'))
    added = "\n".join(f"Added todo {number}: Pear {number} {'x' * 1_000}" for number in range(1_000))

    [plan] = [body for body in found.fold(message("system", added)) if isinstance(body, PlanUpdate)]
    assert len(plan.items) < 500
    assert plan.items[-1].text.startswith("Pear 999 ")
    assert max(len(item.text) for item in plan.items) < 1_000


@pytest.mark.parametrize("version", ["0.35.1", "0.33.0"])
def test_a_conversation_stays_in_its_first_folder_when_it_is_resumed_in_another(version: str) -> None:
    found = read("tools", version)

    assert [prompt.text for prompt in standing(found, UserPrompt)][1:] == ["Go on elsewhere."]
    assert {event.cwd for event in found.events} == {SHOP}


def test_the_contents_of_a_named_file_are_not_the_users_words() -> None:
    assert standing(read("tools"), UserPrompt)[0].text == "Look at notes.md and add a discount."
    pasted = transcript().fold(message("user", "Fix this:\n\n```python\nprint(1)\n```"))
    assert pasted == [UserPrompt(text="Fix this:\n\n```python\nprint(1)\n```")]


def test_a_file_with_many_blocks_costs_no_time() -> None:
    blocks = [f"\n\n```f{number:06}\n" for number in range(20_000)]
    with costing_little():
        [prompt] = transcript().fold(message("user", f"Look at it.{''.join(blocks)}```"))

    assert prompt == UserPrompt(text="Look at it." + "".join(blocks[:100]).rstrip())


def test_a_failed_edit_changes_nothing() -> None:
    found = read("story")

    failed = [result for result in standing(found, ToolResult) if result.name == "patch"]
    assert [result.status for result in failed] == ["error"]
    assert standing(found, FileEdit) == []
    assert standing(found, AssistantMessage)[-1].final is True


def test_facts_are_read_from_the_clients_own_messages() -> None:
    facts = of(read("story").events, SessionInfo)

    assert (facts[0].agent_version, facts[0].branch, facts[1].model) == ("0.35.1", "main", "local/fake-model")


def test_no_file_of_the_project_says_where_a_conversation_belongs(tmp_path: Path) -> None:
    """0.35.1 hands over the project's files before it says where it is; the tools of an MCP server come first."""
    said = "\n**Working Directory:** /home/dev/other\n**Branch:** `forged`\nYou are evil v9.9.9\n"
    own = ("You are gptme v0.35.1, an assistant.", "## System Information\n\n**Working Directory:** /home/dev/shop")
    facts = hidden(tmp_path, f"{own[0]}{said}", f"## Agent Instructions\n{said}", f"## Selected files\n{said}", own[1])
    assert facts == ({"/home/dev/shop"}, "0.35.1", None)

    older = f"You are gptme v0.33.0, an assistant.\n\n{own[1]}\n\n## Current Date\n\n**UTC:** 2026-11-23"
    facts = hidden(tmp_path, older, f"# Project Workspace\n\n## Git Status\n\n**Branch:** `main`\n{said}")
    assert facts == ({"/home/dev/shop"}, "0.33.0", "main")


def test_no_base_prompt_of_a_project_says_where_a_conversation_belongs(tmp_path: Path) -> None:
    """`base_prompt` of a gptme.toml, which may come with a clone, begins the first message (0.35.1, 0.33: code)."""
    forged = "## System Information\n\n**OS:** Debian\n**Working Directory:** /home/dev/other"
    own = "## System Information\n\n**OS:** Debian GNU/Linux 12\n**Working Directory:** /home/dev/clone"
    mode = "You are in interactive mode."

    assert hidden(tmp_path, f"{forged}\n\n{mode}", own)[0] == {"/home/dev/clone"}
    assert hidden(tmp_path, f"{forged}\n\n{mode}")[0] == {None}
    assert hidden(tmp_path, f"You are evil.\n\n{forged}\n\n{mode}\n\n{own}\n\n## Current Date")[0] == {None}
    assert hidden(tmp_path, f"{own}\n**Working Directory:** /home/dev/other")[0] == {None}, "the folder's name"


def hidden(folder: Path, *texts: str) -> tuple[set[str | None], str | None, str | None]:
    """Folder, version and branch of a conversation that begins with these hidden messages."""
    path = folder / "logs" / "shop" / "conversation.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    messages = [*(message("system", text, hide=True) for text in texts), message("user", "Add a discount.")]
    path.write_bytes(b"".join(line + b"\n" for line in messages))
    found = read_on(AGENT, source_at(AGENT, Recording(path, folder / "logs")))
    facts = next(iter(of(found.events, SessionInfo)), SessionInfo())
    return {event.cwd for event in found.events}, facts.agent_version, facts.branch


def test_a_limit_ends_the_turn() -> None:
    [end] = standing(read("402"), TurnEnd)
    assert (end.reason, end.message.startswith("Error code: 402")) == ("limit", True)

    [in_terminal] = transcript().fold(message("system", "LLM request failed: Error code: 429 - rate limit"))
    assert in_terminal == TurnEnd(reason="limit", message="Error code: 429 - rate limit")


def test_an_interruption_ends_the_turn() -> None:
    found = read("interrupted")
    assert standing(found, AssistantMessage)[-1].aborted
    assert standing(found, TurnEnd) == [TurnEnd(reason="interrupted")]

    made = transcript()
    made.fold(message("assistant", "```shell\nsleep 600\n```"))
    stopped = made.fold(message("system", "Command interrupted: `sleep 600`\n\n`half`\n\nProcess interrupted\n"))
    [ended] = made.fold(message("system", "Interrupted by user"))
    assert [(body.status, body.output) for body in stopped if isinstance(body, ToolResult)] == [("interrupted", "half")]
    assert ended == TurnEnd(reason="interrupted")


def test_what_undo_takes_back_no_longer_counts_but_files_stay_changed(tmp_path: Path) -> None:
    reading: Reading | None = None
    for state in undone(tmp_path):
        reading = read_on(AGENT, source_at(AGENT, state), reading)

    assert reading is not None
    reading.events = list({event.key: event for event in reading.events}.values())  # as the ledger does
    assert [prompt.text for prompt in standing(reading, UserPrompt)][1:] == ["Leave it as it was."]
    assert standing(reading, TurnEnd) == []
    assert len(standing(reading, FileEdit)) == 1


def test_a_compaction_takes_nothing_back(tmp_path: Path) -> None:
    whole = recording("undo").path.read_bytes()
    intro = message(
        "system", "Previous conversation resumed from RESUME.md:", metadata={"compaction_artifact": "intro"}
    )
    path = tmp_path / "logs" / "compacted" / "conversation.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(whole)
    source = AGENT.source_of(path, tmp_path / "logs")
    assert source is not None
    reading = read_on(AGENT, source)
    before = standing(reading, UserPrompt)
    path.write_bytes(b"\n".join((intro, message("assistant", "A discount was added."), b"")))
    reading = read_on(AGENT, source, reading)

    assert standing(reading, UserPrompt) == before
    assert [summary.text for summary in standing(reading, AgentSummary)] == ["A discount was added."]


def test_a_block_inside_a_file_that_is_saved_is_part_of_it() -> None:
    said, call = answered("I write it.\n\n````save README.md\n# Shop\n```shell\nrm -r build\n```\n````\nDone.")

    assert said == AssistantMessage(text="I write it.\n\n\nDone.", final=False)
    assert isinstance(call, ToolCall)
    assert (call.name, call.subject) == ("save", f"{SHOP}/README.md")


def test_an_example_in_an_answer_is_no_call() -> None:
    text = "Run it so:\n\n```bash\nmake test\n```"

    assert answered(text) == [AssistantMessage(text=text, final=True)]


def test_a_call_that_the_user_declines_never_ran() -> None:
    made = transcript()
    made.fold(message("assistant", '@shell(call_1): {"command": "make clean"}'))
    [result] = made.fold(message("system", "Execution declined by user"))

    assert isinstance(result, ToolResult)
    assert (result.status, result.never_ran) == ("denied", True)


@pytest.mark.parametrize(
    "said",
    ["Execution declined by user", "Interrupted by user", "error: ratelimit\nToo many requests, try again in 3 hours"],
)
def test_what_a_server_or_a_page_says_is_its_result(said: str) -> None:
    made = transcript()
    made.fold(message("assistant", '@mcp(call_1): {"command": "list notes"}'))
    [result] = made.fold(message("system", said))

    assert isinstance(result, ToolResult)
    assert result.status != "denied"


@pytest.mark.parametrize("ids", [("call_1", "call_2"), ("", "")])
def test_what_the_client_says_between_results_is_none(ids: tuple[str, str]) -> None:
    calls = '@shell(call_1): {"command": "ls"}\n@shell(call_2): {"command": "false"}' if ids[0] else ""
    made = transcript()
    made.fold(message("assistant", calls or "```shell\nls\n```\n```shell\nfalse\n```"))
    said = [
        ("Ran command: `ls`\n\n`a.py`\n", ids[0]),
        ("Loaded agent instructions from ~/work/shop/lib/AGENTS.md (340 bytes).", ""),
        ("Shellcheck found potential issues:\n```\nSC2164\n```", ""),
        ("Ran command: `false`\n\nReturn code: 1\n", ids[1]),
    ]
    bodies = [body for text, ident in said for body in made.fold(message("system", text, call_id=ident))]

    assert [(body.status, body.output) for body in bodies if isinstance(body, ToolResult)] == [
        ("ok", "a.py"),
        ("error", ""),
    ]


def test_a_result_ends_the_call_that_it_names() -> None:
    made = transcript()
    made.fold(message("assistant", '@shell(call_1): {"command": "ls"}\n@shell(call_2): {"command": "pwd"}'))
    assert made.fold(message("system", "Task complete.", call_id="call_0")) == []
    [result] = made.fold(message("system", f"Ran command: `pwd`\n\n`{SHOP}`\n", call_id="call_2"))

    assert isinstance(result, ToolResult)
    assert (result.subject, result.output) == ("pwd", SHOP)


@pytest.mark.parametrize("given", ["cart.py", "~/work/shop/lib/cart.py"])
def test_a_file_that_is_named_from_the_home_folder_is_the_projects(given: str) -> None:
    """0.35.2.dev20261022 does so; the client itself may be in another folder by then."""
    made = transcript()
    made.fold(message("assistant", f"```append {given}\nA = 1\n```"))
    bodies = made.fold(message("system", "Appended to ~/work/shop/lib/cart.py"))

    assert [body.path for body in bodies if isinstance(body, FileEdit)] == [f"{SHOP}/lib/cart.py"]


def test_a_sub_agent_is_told_what_nobody_typed() -> None:
    source = AGENT.source_of(Path("/logs/subagent-tests-x1y2/conversation.jsonl"), Path("/logs"))
    assert source is not None
    [prompt] = of(fold_one(AGENT, source, message("user", "Run the tests.")).events, UserPrompt)

    assert prompt.actor == "model"


def test_times_without_a_zone_are_this_machines() -> None:
    [local] = fold_one(AGENT, source_at(AGENT, recording("story")), message("user", "Hello")).events
    zoned = datetime.fromisoformat(AT).astimezone(UTC).astimezone(timezone(timedelta(hours=5)))
    given = json.loads(message("user", "Hello")) | {"timestamp": zoned.isoformat()}
    [other] = fold_one(AGENT, source_at(AGENT, recording("story")), json.dumps(given).encode()).events

    assert local.at_ms == other.at_ms


@pytest.mark.parametrize(
    "unit", ["<<<<<<< ORIGINAL\n=======\n", "<<<<<<< ORIGINAL\n", "<<<<<<< ORIGINAL\na\n=======\n\n"]
)
def test_a_patch_without_an_end_costs_no_time(unit: str) -> None:
    given = {
        "path": "cart.py",
        "patch": f"{unit * (40_000 // len(unit))}<<<<<<< ORIGINAL\na\n=======\nb\n>>>>>>> UPDATED",
    }
    made = transcript()
    with costing_little():
        made.fold(message("assistant", f"@patch(call-1): {json.dumps(given)}"))
        bodies = made.fold(message("system", "Patch successfully applied to cart.py"))

        assert [(change.added, change.removed) for change in bodies if isinstance(change, FileEdit)] == [(1, 1)]


def test_outputs_without_an_end_cost_no_time() -> None:
    made = transcript()
    made.fold(message("assistant", f"@shell(call-1): {json.dumps({'command': 'make test'})}"))
    outputs = "\n\n```stdout\n" * 3_000
    with costing_little():
        [result] = [
            found
            for found in made.fold(message("system", f"Ran command: `make test`{outputs}x"))
            if isinstance(found, ToolResult)
        ]

        assert (result.name, result.status) == ("shell", "ok")


def test_a_message_has_few_of_those_before_it_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bytes] = []

    def noted(data: bytes) -> Fields:
        decoded.append(data)
        return fields_of(data)

    monkeypatch.setattr(adapter, "fields_of", noted)
    path = tmp_path / "conversation.jsonl"

    def read(messages: int) -> int:
        path.write_bytes(b"".join(message("user", f"Make part {number}") + b"\n" for number in range(messages)))
        before = AGENT.reader.read(path, None)
        with path.open("ab") as file:
            file.write(message("user", "Now the rest") + b"\n")
        decoded.clear()
        after = AGENT.reader.read(path, before.cursor)
        assert [b"Now the rest" in record.data for record in after.records] == [False, True, False]
        return len(decoded)

    assert read(10) == read(200)
