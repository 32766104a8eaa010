"""Writes the lines of a Claude Code transcript, as 2.1.328 does, with the fields an adapter may look at."""

from __future__ import annotations

import json
import random
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

VERSION: Final = "2.1.328"
MODEL: Final = "claude-opus-5-5"
USAGE: Final = {
    "input_tokens": 1200,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 41000,
    "output_tokens": 40,
    "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
    "service_tier": "standard",
    "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
}


class Conversation:
    """One transcript in the making, a sub-agent's with `agent`. `lines` holds what was written, without line feeds.

    Times begin at `start_ms` and go on by `ms_per_byte` of what is written.
    """

    def __init__(
        self,
        chance: random.Random,
        *,
        session: str,
        cwd: Path,
        start_ms: int,
        ms_per_byte: float,
        agent: str | None = None,
    ) -> None:
        self.session = session
        self.lines: list[bytes] = []
        self.size = 0
        self._chance = chance
        self._cwd = str(cwd)
        self._start_ms = start_ms
        self._ms_per_byte = ms_per_byte
        self._agent = agent
        self._last: str | None = None

    @property
    def now_ms(self) -> int:
        return self._start_ms + int(self.size * self._ms_per_byte)

    def go_to(self, at_ms: int) -> None:
        """Let the next record be written at `at_ms`."""
        self._start_ms += at_ms - self.now_ms

    def prompt(self, text: str) -> None:
        if self._agent is None:
            self._plain("last-prompt", lastPrompt=text[:200], leafUuid=self._last)
        human = {"origin": {"kind": "human"}, "promptSource": "typed", "turnOrigin": "human"} if not self._agent else {}
        self._record("user", message={"role": "user", "content": text}, permissionMode="default", **human)

    def answer(self, text: str, *, final: bool = True) -> None:
        self._assistant({"type": "text", "text": text}, "end_turn" if final else "tool_use")

    def thinking(self, text: str) -> None:
        signature = self._chance.randbytes(300).hex()
        self._assistant({"type": "thinking", "thinking": text, "signature": signature}, "tool_use")

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        """The id of the call, for its result."""
        call_id = f"toolu_{self._chance.getrandbits(96):024x}"
        self._assistant({"type": "tool_use", "id": call_id, "name": name, "input": arguments}, "tool_use")
        return call_id

    def result(self, call_id: str, text: str, structured: dict[str, Any], *, failed: bool = False) -> None:
        block = {"tool_use_id": call_id, "type": "tool_result", "content": text, "is_error": failed}
        beside = {"toolUseResult": f"Error: {text}" if failed else structured} if self._agent is None else {}
        self._record("user", message={"role": "user", "content": [block]}, **beside)

    def turn_end(self, duration_ms: int) -> None:
        self._record("system", subtype="turn_duration", durationMs=duration_ms, isMeta=False)

    def bookkeeping(self) -> None:
        """The record of one request to the model; one of the kinds that are no conversation."""
        self._plain(
            "api-request",
            id=self._uuid(),
            timestamp=_iso(self.now_ms),
            version=VERSION,
            querySource="repl_main_thread",
            shapeHash=self._chance.randbytes(32).hex(),
            keep=12,
            requestDigest=self._chance.randbytes(32).hex(),
        )

    def blob(self, text: str) -> None:
        """The body of a request to the model: repeats the conversation and is the bulk of a file."""
        message = {"role": "user", "content": [{"type": "text", "text": text}]}
        self._plain("api-request-blob", hash=self._chance.randbytes(32).hex(), message=message)

    def attachment(self, kind: str, content: str) -> None:
        """Context the client gave the model beside the conversation."""
        about = {"type": kind, "content": content}
        self._record("attachment", attachment=about, rendered=[{"content": content}], renderedRole="system")

    def _assistant(self, block: dict[str, Any], stop_reason: str) -> None:
        message = {
            "id": f"msg_{self._chance.getrandbits(96):024x}",
            "type": "message",
            "role": "assistant",
            "model": MODEL,
            "content": [block],
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "usage": USAGE,
        }
        self._record("assistant", message=message, requestId=f"req_{self._chance.getrandbits(96):024x}")

    def _record(self, kind: str, **fields: Any) -> None:
        identity = self._uuid()
        sub_agent = {"agentId": self._agent} if self._agent else {}
        self._write(
            {
                "parentUuid": self._last,
                "isSidechain": self._agent is not None,
                **sub_agent,
                "type": kind,
                **fields,
                "uuid": identity,
                "timestamp": _iso(self.now_ms),
                "userType": "external",
                "entrypoint": "cli",
                "cwd": self._cwd,
                "sessionId": self.session,
                "version": VERSION,
                "gitBranch": "main",
            }
        )
        self._last = identity

    def _plain(self, kind: str, **fields: Any) -> None:
        self._write({"type": kind, "sessionId": self.session, **fields})

    def _write(self, record: dict[str, Any]) -> None:
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
        self.lines.append(line)
        self.size += len(line) + 1

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))


def _iso(at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
