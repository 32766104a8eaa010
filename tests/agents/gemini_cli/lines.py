"""Records of a synthetic transcript of 0.61.0."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from carryover.adapter.contract import Source
from carryover.agents.gemini_cli.adapter import AGENT
from contract.case import Transcript

FOLDER: Final = "/home/dev/shop"
SESSION: Final = "0a1b2c3d-0000-4000-8000-000000000001"
PATH: Final = f"/home/dev/.gemini/tmp/shop/chats/session-2026-11-20T06-00-{SESSION[:8]}.jsonl"


class Lines(Transcript):
    """Each message comes a second after the last."""

    def __init__(self, *, folder: str = FOLDER) -> None:
        super().__init__(AGENT, Source(agent=AGENT.id, path=PATH))
        self._seconds = 0
        place = hashlib.sha256(folder.encode()).hexdigest()
        self.add({"sessionId": SESSION, "projectHash": place, "startTime": self.time(), "kind": "main"})

    def add(self, record: Any) -> None:
        """Parses a record."""
        self.fold(json.dumps(record).encode())

    def message(self, kind: str, content: Any, *, ident: str | None = None, **fields: Any) -> dict[str, Any]:
        """A message; its id is its number among all, unless given."""
        at = self.time()
        return {"id": ident or f"m{self._seconds}", "timestamp": at, "type": kind, "content": content, **fields}

    def user(self, *texts: str, **fields: Any) -> None:
        """A `user` message with these parts."""
        self.add(self.message("user", [{"text": text} for text in texts], **fields))

    def gemini(self, text: str = "", *calls: dict[str, Any], **fields: Any) -> None:
        """A `gemini` message."""
        if calls:
            fields["toolCalls"] = list(calls)
        self.add(self.message("gemini", text, **fields))

    def place(self, folder: str = FOLDER) -> None:
        """What the client says of the start folder."""
        text = (
            f"<session_context>\n- **Workspace Directories:**\n  - {folder}\n- **Other:**\n  - /x\n</session_context>"
        )
        self.add({"$set": {"messages": [self.message("user", [{"text": text}], ident="context")]}})

    def time(self) -> str:
        self._seconds += 1
        return f"2026-11-20T06:00:{self._seconds:02d}.000Z"


def call(name: str, args: dict[str, Any], output: str = "", *, ident: str = "c1", **fields: Any) -> dict[str, Any]:
    """A tool call that succeeded, unless `fields` say otherwise."""
    response = {"error": output} if fields.get("status") in ("error", "cancelled") else {"output": output}
    result = [{"functionResponse": {"id": ident, "name": name, "response": response}}]
    known = {"id": ident, "name": name, "args": args, "status": "success", "result": result}
    return {**known, "timestamp": "2026-11-20T06:01:00.000Z", "resultDisplay": output, **fields}
