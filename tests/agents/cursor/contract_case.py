"""Cursor's material for the contract suite: made up, in each form of each store, for no client could be run. What it
hands to hooks follows reports of `cursor-agent` 2026.09.10 and the vendor's pages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from agents.cursor import chats, stores
from agents.cursor.stores import COMPACTED, ONE, START_MS, TWO, Chat, EditorStore, edit, failed, say, shell, user
from contract.case import LEFT_OUT, Capabilities, Case, Payload, Recording, payload_of
from support.own_folder import own_folder

HELPER: Final = Chat(
    name="List the tests",
    bubbles=(user("SUBAGENT: list the test files"), shell("ls tests", "test_calc.py\n"), say("tests/test_calc.py")),
    more={"subagentInfo": {"parentComposerId": ONE.id}},
    head={"subagentInfo": {"parentComposerId": ONE.id}},
)
LIMITED: Final = Chat(
    name="Cut off",
    bubbles=(user("Fix add()."), COMPACTED, failed("You've hit your usage limit. Switch to another model.")),
    status="error",
    more={"latestConversationSummary": {"summary": {"summary": "add() was worked on."}}},
)
FOLDER: Final = own_folder("cursor")


def record(kind: str, **fields: Any) -> bytes:
    session = {"id": ONE.id, **fields.pop("session", {})}
    return json.dumps({"kind": kind, "session": session, "at_ms": START_MS, **fields}).encode()


def bubble(kind: object, bubble: dict[str, Any], **fields: Any) -> bytes:
    return record("message", id=stores.uid("made up"), type=kind, bubble=bubble, **fields)


def editor(era: stores.Era, *conversations: Chat) -> Recording:
    with closing(EditorStore(FOLDER / era, era)) as store:
        store.put(*conversations)
    return Recording(store.path, store.path.parent)


def recordings() -> tuple[Recording, ...]:
    """One of each store and form."""
    in_lists = (editor(era, ONE, TWO) for era in ("list", "keys"))
    return (editor("table", ONE, TWO, HELPER, LIMITED), *in_lists, *talks())


def talks() -> tuple[Recording, ...]:
    """The stores that hold one conversation each."""
    steps = (*chats.ONE, *chats.TWO)
    root = FOLDER / "talks" / "chats"
    with closing(chats.ChatStore(root / "1f" / chats.ID)) as store:
        store.save(chats.messages(steps))
    projects = FOLDER / "talks" / "projects"
    folder = projects / chats.SLUG / "agent-transcripts"
    lines = folder / chats.ID / f"{chats.ID}.jsonl"
    lines.parent.mkdir(parents=True)
    lines.write_bytes(chats.jsonl(chats.lines(steps)))
    return (Recording(store.path, root), Recording(lines, projects))


def streamed(folder: Path) -> Iterator[Recording]:
    """An answer as it is streamed, a tool call that goes on, and a turn that is taken back and asked again."""
    with closing(EditorStore(folder / "User")) as store:
        recording = Recording(store.path, store.path.parent)
        asked = Chat(name="Streamed", bubbles=(user("Fix add()."),), status="generating")
        running = shell("make test", status="loading")
        answered = asked.with_bubbles(say("I will look at it."), shell("make test", "1 failed\n", 1))
        done = answered.with_bubbles(say("It still fails. Shall I go on?"), status="completed")
        wrong = done.with_bubbles(user("No."), say("As you like."))
        other = [*(done.bubble_id(number) for number in range(4)), stores.uid("other"), stores.uid("answer")]
        for state in (
            asked,
            asked.with_bubbles(say("I will"), generating=(1,)),
            asked.with_bubbles(say("I will look at it."), running, generating=(2,)),
            answered,
            done,
            wrong,
            done,
            done.with_bubbles(user("Yes."), edit("src/calc.py"), ids=other),
        ):
            store.put(state)
            yield recording
        store.put(ONE, TWO)
        yield recording


def in_turns(folder: Path) -> Iterator[Recording]:
    """Several conversations that go on in turns, and rows of others between them."""
    with closing(EditorStore(folder / "User", "list")) as store:
        recording = Recording(store.path, store.path.parent)
        for length in range(1, len(ONE.bubbles) + 1):
            for chat in (ONE, TWO):
                last = length >= len(chat.bubbles)
                bubbles = chat.bubbles[:length]
                store.put(replace(chat, bubbles=bubbles, status=chat.status if last else "generating"))
            store.fill(3)
            yield recording


def chat_of_a_terminal(folder: Path) -> Iterator[Recording]:
    """Each turn writes a new root."""
    root = folder / "chats"
    with closing(chats.ChatStore(root / "1f" / chats.ID)) as store:
        steps = (*chats.ONE, *chats.TWO)
        for length in (1, 3, 4, 5, 7, 9):
            store.save(chats.messages(steps[:length]))
            yield Recording(store.path, root)


CONVERSATION: Final = "7c1f2a90-1111-4222-8333-9d2c00000001"
TRANSCRIPT: Final = f"/home/dev/.cursor/projects/home-dev-shop/agent-transcripts/{CONVERSATION}/{CONVERSATION}.jsonl"


def payload(event: str, **fields: Any) -> Payload:
    """A payload with what all of Cursor's have; `LEFT_OUT` leaves a field out."""
    common = {
        "conversation_id": CONVERSATION,
        "generation_id": "7c1f2a90-1111-4222-8333-9d2c00000002",
        "model": "default",
        "hook_event_name": event,
        "cursor_version": "2026.09.10-fd3934a",
        "workspace_roots": ["/home/dev/shop"],
        "user_email": "dev@example.com",
        "transcript_path": TRANSCRIPT,
    }
    return payload_of(event, common, fields)


PAYLOADS: Final = (
    payload("sessionStart", session_id=CONVERSATION, is_background_agent=False, composer_mode="agent"),
    payload("beforeSubmitPrompt", prompt="Add a discount", attachments=[]),
    payload("preToolUse", tool_name="Shell", tool_input={"command": "make test"}, tool_use_id="tool_1", cwd=""),
    payload("afterShellExecution", command="make test", output="1 failed", duration=900, cwd="/home/dev/shop"),
    payload("afterFileEdit", file_path="/home/dev/shop/cart.py", edits=[{"old_string": "a", "new_string": "b"}]),
    payload("afterAgentResponse", text="Done."),
    payload("preCompact", trigger="auto", context_usage_percent=91, context_tokens=182_000),
    payload("stop", status="completed", loop_count=0),
    payload("stop", status="aborted", loop_count=0, conversation_id=CONVERSATION.replace("7c1f", "7c2f")),
    payload("stop", status="error", loop_count=0, conversation_id=CONVERSATION.replace("7c1f", "7c3f")),
    payload("sessionEnd", session_id=CONVERSATION, reason="completed", duration_ms=60_000, final_status="completed"),
)

_OWN: Final = dict.fromkeys(("conversation_id", "generation_id", "cursor_version", "workspace_roots"), LEFT_OUT)
FOREIGN: Final = (
    # Claude Code's and Codex's shape.
    payload(
        "sessionStart",
        **_OWN,
        session_id=CONVERSATION,
        cwd="/home/dev/shop",
        source="startup",
        transcript_path=f"/home/dev/.claude/projects/-home-dev-shop/{CONVERSATION}.jsonl",
    ),
    payload("stop", **_OWN, session_id=CONVERSATION, cwd="/home/dev/shop", last_assistant_message="Done."),
    # A program that writes what Cursor does, but not its version.
    payload("stop", cursor_version=LEFT_OUT),
    payload("stop", conversation_id=LEFT_OUT),
    # The hook of one event run for another.
    payload("stop", hook_event_name="subagentStop"),
)

FORMS: Final = (
    "User rejected",
    "The user rejected this call: Ship it",
    "Rejected: Ship it",
    "User chose to skip",
    "The user chose to skip this command. Ship it",
    '{"rejected":true,"output":"Ship it"}',
    '{"output":"Ship it","endedReason":"RUN_TERMINAL_COMMAND_ENDED_REASON_EXECUTION_ABORTED"}',
    "<user_query>\nShip it\n</user_query>",
    '{"type":"turn_ended","status":"error","error":"User aborted request"}',
    "You've hit your usage limit. Try again tomorrow at 8:05 AM",
)
"""What the client writes for the user, or for itself."""

CASE: Final = Case(
    recordings=recordings(),
    forms=FORMS,
    grows_by_lines=False,
    in_place_only=("store.db",),
    stages={"streamed": streamed, "in turns": in_turns, "chat": chat_of_a_terminal},
    unknown=(
        record("brand_new"),
        bubble(7, {"type": 7, "text": "words"}),
        bubble(None, {"text": "words"}),
        bubble(2, {"type": 2, "capabilityType": 15, "toolFormerData": {"status": "completed"}}),
    ),
    quiet=(record("session"), bubble(1, {"type": 1, "text": " \n"}), bubble(2, {"type": 2, "text": ""})),
    not_typed=(
        bubble(1, {"type": 1, "text": "List the test files."}, session={"root": TWO.id}),
        bubble(2, {"type": 2, "text": "An answer."}),
    ),
    strangers=(
        "state.vscdb.backup",
        "state.vscdb-shm",
        "storage.json",
        "a1/state.vscdb",
        "a1/b2/store.db",
        "a1/meta.json",
        "home-dev-demo/agent-transcripts/notes.md",
        "home-dev-demo/agent-tools/a1.txt",
        "home-dev-demo/agent-transcripts/a1/b2.jsonl",
        "home-dev-demo/agent-transcripts/a1.txt",
        "a1/state.vscdb-wal",
    ),
    payloads=PAYLOADS,
    foreign=FOREIGN,
)

CAPABILITIES: Final = Capabilities(
    reads="the editor's database, the terminal client's chats, agent transcripts",
    shows=frozenset({"compaction", "limit", "sub-agents", "tests", "title", "todo list"}),
    synthetic="synthetic stores, as Cursor does not run offline",
)
