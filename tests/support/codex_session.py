"""Writes rollouts as Codex CLI 0.169.0 does (paginated family): the fields that matter, one JSON object a line."""

import difflib
import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple


class Place(NamedTuple):
    """Where a turn begins: the file by the id that its name ends with, and how much of it comes before."""

    file: str
    records: int
    size: int


@dataclass
class CodexSession:
    """One file of a thread, begun with its first turn; every record is a second after the last."""

    home: Path
    cwd: Path
    session: str = field(default_factory=lambda: str(uuid.uuid4()))
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    forked_from: str | None = None
    turn: str = ""
    records: int = 0
    branch: str = "main"
    part: str = ""
    """The id of a further file of the thread."""
    base: Place | None = None
    """The place in another file from which this one goes on."""
    place: Place = field(init=False)
    """Where the newest turn begins."""
    path: Path = field(init=False)

    def __post_init__(self) -> None:
        day, moment = self.now.strftime("%Y/%m/%d"), self.now.strftime("%Y-%m-%dT%H-%M-%S")
        self.path = self.home / "sessions" / day / f"rollout-{moment}-{self.file}.jsonl"

    @property
    def file(self) -> str:
        return f"{self.session}_{self.part}" if self.part else self.session

    def rewound(self, to: Place) -> "CodexSession":
        """The user goes back to a prompt in the terminal (0.171): the thread goes on in a further file."""
        back = CodexSession(
            self.home, self.cwd, self.session, self.now, self.forked_from, part=str(uuid.uuid4()), base=to
        )
        back._begin()
        return back

    def prompt(self, text: str) -> None:
        self.begin_turn()
        self._message("user", "input_text", text, content_item_kinds=["user.text"])
        self._item("UserMessage", content=[{"type": "text", "text": text, "text_elements": []}])

    def begin_turn(self) -> None:
        """What is written before the hooks of a session's start are called."""
        if not self.path.exists():
            self._begin()
        self.turn = str(uuid.uuid4())
        self.place = Place(self.part or self.session, self.records, self.path.stat().st_size)
        self._event("task_started", turn_id=self.turn, started_at=int(self.now.timestamp()))
        self._record("turn_context", turn_id=self.turn, cwd=str(self.cwd), model="gpt-5.5", approval_policy="never")

    def command(self, call_id: str, command: str) -> None:
        """A command is asked for, and runs on until `ended` tells its end."""
        arguments = json.dumps({"cmd": command})
        self._response("function_call", name="exec_command", arguments=arguments, call_id=call_id)

    def ended(self, call_id: str, command: str, output: str, exit_code: int) -> None:
        self._item(
            "CommandExecution",
            id=call_id,
            command=["/bin/bash", "-lc", command],
            cwd=f"file://{self.cwd}",
            source="unified_exec_startup",
            status="failed" if exit_code else "completed",
            aggregated_output=output,
            exit_code=exit_code,
        )
        text = f"Chunk ID: 3fb182\nWall time: 0.0 seconds\nProcess exited with code {exit_code}\nOutput:\n{output}"
        self._response("function_call_output", call_id=call_id, output=text)

    def patch(self, call_id: str, path: Path, old: str, new: str) -> None:
        given = f"*** Begin Patch\n*** Update File: {path}\n@@\n-    {old}\n+    {new}\n*** End Patch"
        self._response("custom_tool_call", status="completed", call_id=call_id, name="apply_patch", input=given)
        change = {"type": "update", "unified_diff": f"@@ -2 +2 @@\n-    {old}\n+    {new}\n", "move_path": None}
        self._item("FileChange", id=call_id, changes={str(path): change}, status="completed", stdout="", stderr="")
        done = f"Exit code: 0\nWall time: 0 seconds\nOutput:\nSuccess. Updated the following files:\nM {path.name}\n"
        self._response("custom_tool_call_output", call_id=call_id, output=done)

    def change(self, call_id: str, path: Path, before: str | None, after: str) -> None:
        """A file is written as a whole, or patched."""
        diff = [*difflib.unified_diff((before or "").splitlines(), after.splitlines(), n=1, lineterm="")][2:]
        added = "\n".join(f"+{line}" for line in after.splitlines())
        patch = f"*** Add File: {path}\n{added}" if before is None else "\n".join([f"*** Update File: {path}", *diff])
        given = f"*** Begin Patch\n{patch}\n*** End Patch"
        self._response("custom_tool_call", status="completed", call_id=call_id, name="apply_patch", input=given)
        update = {"type": "update", "unified_diff": "\n".join([*diff, ""]), "move_path": None}
        change = {"type": "add", "content": after} if before is None else update
        self._item("FileChange", id=call_id, changes={str(path): change}, status="completed", stdout="", stderr="")
        letter = "A" if before is None else "M"
        done = f"Exit code: 0\nWall time: 0 seconds\nOutput:\nSuccess. Updated the following files:\n{letter} {path}\n"
        self._response("custom_tool_call_output", call_id=call_id, output=done)

    def says(self, text: str) -> None:
        """Text before a call."""
        self._item("AgentMessage", content=[{"type": "Text", "text": text}], phase="commentary")
        self._message("assistant", "output_text", text)

    def answer(self, text: str) -> None:
        self._item("AgentMessage", content=[{"type": "Text", "text": text}], phase="final_answer")
        self._message("assistant", "output_text", text)
        self._event("task_complete", turn_id=self.turn, last_agent_message=text)

    def limit(self, message: str) -> None:
        """The turn ends at the plan's limit."""
        error = {"message": message, "codex_error_info": "usage_limit_exceeded"}
        self._event("task_complete", turn_id=self.turn, last_agent_message=None, error=error)

    def interrupted(self) -> None:
        """The user stops the turn."""
        self._event("turn_aborted", turn_id=self.turn, reason="interrupted")

    def undo(self, turns: int) -> None:
        """The user takes back the newest turns."""
        self._event("thread_rolled_back", num_turns=turns)

    def compaction(self, summary: str) -> None:
        self._record("compacted", message=summary, replacement_history=[])
        self._item("ContextCompaction")

    def payload(self, event: str, **more: Any) -> dict[str, Any]:
        """What a hook gets on its stdin."""
        return {
            "session_id": self.session,
            "transcript_path": str(self.path),
            "cwd": str(self.cwd),
            "hook_event_name": event,
            "model": "gpt-5.5",
            "permission_mode": "default",
            **more,
        }

    def _begin(self) -> None:
        self.records = self.base.records if self.base else 0
        base = ("thread_id", "end_ordinal_exclusive", "end_byte_offset")
        at = self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._record(
            "session_meta",
            id=self.session,
            session_id=self.session,
            timestamp=at,
            cwd=str(self.cwd),
            originator="codex-tui",
            cli_version="0.169.0",
            source="cli",
            thread_source="user",
            history_mode="paginated",
            git={"branch": self.branch},
            **({"history_base": dict(zip(base, self.base, strict=True))} if self.base else {}),
            **({"forked_from_id": self.forked_from, "forked_from_ordinal_exclusive": 9} if self.forked_from else {}),
        )

    def _item(self, kind: str, **fields: Any) -> None:
        item = {"type": kind, "id": str(uuid.uuid4()), **fields}
        self._event("item_completed", thread_id=self.session, turn_id=self.turn, item=item)

    def _message(self, role: str, kind: str, text: str, **passthrough: Any) -> None:
        reported = {"turn_id": self.turn, **passthrough}
        content = [{"type": kind, "text": text}]
        self._response("message", role=role, content=content, internal_chat_message_metadata_passthrough=reported)

    def _event(self, kind: str, **fields: Any) -> None:
        self._record("event_msg", type=kind, **fields)

    def _response(self, kind: str, **fields: Any) -> None:
        self._record("response_item", type=kind, **fields)

    def _record(self, record_type: str, /, **payload: Any) -> None:
        self.now += timedelta(seconds=1)
        at = self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record = {"timestamp": at, "ordinal": self.records, "type": record_type, "payload": payload}
        self.records += 1
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab", buffering=0) as file:
            file.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
