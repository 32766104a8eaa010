"""Files without an envelope (0.8 to 0.29), whose only time is the header's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents.codex.contract_case import recording
from carryover.adapter.contract import Source
from carryover.agents.codex.adapter import AGENT
from carryover.model import (
    AnyBody,
    AssistantMessage,
    FileEdit,
    SessionInfo,
    ToolResult,
    UserPrompt,
    conversation_of,
)
from contract.case import Transcript, read_on, source_at

THREAD = "46daf41c-d9e5-440e-8a92-f528b46e43dd"
NAME = f"rollout-2025-08-20T11-12-13-{THREAD}.jsonl"
HEADER_MS = 1_755_684_733_456
HEADER: dict[str, Any] = {"id": THREAD, "timestamp": "2025-08-20T10:12:13.456Z", "instructions": None}
SHOP = "/home/dev/shop"
IN_MARKS = f"<environment_context>\n  <cwd>{SHOP}</cwd>\n</environment_context>"
IN_WORDS = f"<environment_context>\nCurrent working directory: {SHOP}\nApproval policy: never\n</environment_context>"


class File(Transcript):
    """One file, folded line by line."""

    def __init__(self, **header: Any) -> None:
        super().__init__(AGENT, Source(agent="codex", path=f"/t/{NAME}", session=THREAD))
        self.calls = 0
        self.add({**HEADER, **header})

    def add(self, line: dict[str, Any]) -> list[AnyBody]:
        """What the line became, facts about the session aside."""
        return self.fold(json.dumps(line).encode())

    def says(self, role: str, *texts: str, **more: Any) -> list[AnyBody]:
        kind = "output_text" if role == "assistant" else "input_text"
        content = [{"type": kind, "text": text} for text in texts]
        return self.add({"type": "message", "id": None, "role": role, "content": content, **more})

    def runs(self, output: str, **arguments: Any) -> list[AnyBody]:
        self.calls += 1
        call_id = f"call_{self.calls}"
        call = {"type": "function_call", "id": None, "name": "shell", "call_id": call_id}
        self.add({**call, "arguments": json.dumps(arguments)})
        return self.add({"type": "function_call_output", "call_id": call_id, "output": output})


def patching(path: str) -> list[str]:
    patch = f"*** Begin Patch\n*** Add File: {path}\n+x\n*** End Patch"
    return ["bash", "-lc", f"apply_patch <<'EOF'\n{patch}\nEOF"]


def wrapped(output: str, code: int = 0) -> str:
    return json.dumps({"output": output, "metadata": {"exit_code": code, "duration_seconds": 0.1}})


def test_prompts_and_answers_are_those_of_the_messages() -> None:
    file = File()

    assert file.says("user", "<user_instructions>\n\nUse tabs.\n\n</user_instructions>") == []
    assert file.says("user", IN_MARKS) == []
    assert file.says("user", "Fix the test.") == [UserPrompt(text="Fix the test.")]
    assert file.says("assistant", "Done.") == [AssistantMessage(text="Done.")]
    assert file.says("developer", "Be brief.") == []
    assert file.skipped == []


def test_an_image_is_an_attachment() -> None:
    content = [{"type": "input_text", "text": "Look."}, {"type": "input_image", "image_url": "data:image/png;base64,A"}]

    assert File().add({"type": "message", "role": "user", "content": content}) == [
        UserPrompt(text="Look.", attachments=1)
    ]


def test_the_header_tells_the_session_its_branch_and_its_time() -> None:
    file = File(git={"commit_hash": "1234", "branch": "topic", "repository_url": "https://example.com/shop.git"})
    file.says("user", "Fix the test.")

    assert [event.body for event in file.events] == [SessionInfo(branch="topic"), UserPrompt(text="Fix the test.")]
    assert {event.session for event in file.events} == {THREAD}


def test_lines_keep_their_order_by_times_just_after_the_headers() -> None:
    file = File()
    file.says("user", "Fix the test.")
    file.add({"record_type": "state"})
    file.add({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "A"})
    file.says("assistant", "Done.")

    assert [event.at_ms - HEADER_MS for event in file.events] == [0, 1]


@pytest.mark.parametrize("reported", [IN_MARKS, IN_WORDS])
def test_the_folder_is_the_one_that_the_model_is_told(reported: str) -> None:
    """In words in 0.22, in marks from 0.25 on."""
    file = File()
    file.says("user", reported)
    file.says("user", "Fix the test.")
    file.runs(wrapped("Success. Updated the following files:\nA a.py\n"), command=patching("a.py"))

    assert {event.cwd for event in file.events} == {SHOP}
    assert [e.body.path for e in file.events if isinstance(e.body, FileEdit)] == [f"{SHOP}/a.py"]


def test_where_nothing_else_names_a_folder_a_commands_own_does() -> None:
    """0.8 to 0.21 do not write down what they tell the model."""
    file = File()
    file.says("user", "Fix the test.")
    file.runs(wrapped("a.py\n"), command=["ls"], workdir="src")
    file.runs(wrapped("a.py\n"), command=["ls"], workdir=SHOP)
    file.runs(wrapped("b.py\n"), command=["ls"], workdir="/elsewhere")
    file.says("assistant", "Done.")

    assert [event.cwd for event in file.events] == [None, None, None, SHOP, SHOP, SHOP, SHOP, SHOP]


def test_turns_in_another_folder_are_a_session_of_their_own() -> None:
    file = File()
    for folder in (SHOP, "/home/dev/other", SHOP):
        file.says("user", IN_MARKS.replace(SHOP, folder))
        file.says("user", f"Work in {folder}.")

    sessions = [event.session for event in file.events if isinstance(event.body, UserPrompt)]
    assert sessions[0] == sessions[2] == THREAD != sessions[1]
    assert conversation_of(sessions[1]) == THREAD


def test_a_patch_that_failed_is_an_error() -> None:
    file = File()
    file.says("user", IN_MARKS)

    [result] = file.runs('error: Failed to find expected lines ["x"] in /a.py', command=patching("a.py"))

    assert isinstance(result, ToolResult)
    assert (result.op, result.status, result.subject) == ("edit", "error", f"{SHOP}/a.py")


def test_what_is_not_understood_is_counted() -> None:
    file = File()
    file.add({"type": "brand_new"})
    file.add({"type": "message", "role": "user", "content": 5})
    file.add({"record_type": "brand_new"})

    assert [(skip.record_type, skip.reason) for skip in file.skipped] == [
        ("response_item/brand_new", "unknown record type"),
        ("response_item/message", "unexpected shape"),
        ("?", "unexpected shape"),
    ]


def test_a_line_that_only_looks_like_a_header_begins_no_other_session() -> None:
    file = File()
    file.add({**HEADER, "id": "another"})
    file.says("user", "Fix the test.")

    assert {event.session for event in file.events} == {THREAD}


def test_a_session_that_was_resumed_as_a_copy_tells_all_of_it_again() -> None:
    """0.29.0 writes a new file under a new id, and nothing in it tells of the first; both are sessions."""
    names = ("0.29.0/exec", "0.29.0/exec-resumed-as-copy")
    first, copy = (read_on(AGENT, source_at(AGENT, recording(name))).events for name in names)
    bodies = [event.body for event in first]

    assert [event.body for event in copy][: len(bodies)] == bodies
    assert {event.key for event in first}.isdisjoint(event.key for event in copy)


def test_a_last_line_that_never_got_its_end_is_read_in_a_file_that_rests() -> None:
    """0.8.0 writes the line end by itself, and may be gone before."""
    file = recording("0.8.0/exec-and-resume")
    last = json.loads(file.path.read_text().splitlines()[-1])["content"][0]["text"]

    said = [e.body.text for e in read_on(AGENT, source_at(AGENT, file)).events if isinstance(e.body, AssistantMessage)]
    assert not file.path.read_bytes().endswith(b"\n")
    assert said[-1] == last
