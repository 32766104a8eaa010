"""An agent without a model: it records the prompt on its standard input as Claude Code 2.1.328 does, runs one command
and ends. `python scripted.py COMMAND` shows that the kit works, and what a task's tests say of a known change.

The command finds the prompt in $PROMPT.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class Transcript:
    """The transcript of one session in the folder where Claude Code keeps them."""

    def __init__(self, home: Path, cwd: Path) -> None:
        self._session = str(uuid.uuid4())
        self._cwd = cwd
        self._parent: str | None = None
        slug = "".join(c if c.isascii() and c.isalnum() else "-" for c in str(cwd))
        self._file = home / ".claude" / "projects" / slug / f"{self._session}.jsonl"
        self._file.parent.mkdir(parents=True)

    def add(self, role: str, content: Any, **fields: Any) -> None:
        ident = str(uuid.uuid4())
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        message = {"role": role, "content": content, **fields}
        record = {
            "parentUuid": self._parent,
            "isSidechain": False,
            "type": role,
            "message": message,
            "uuid": ident,
            "timestamp": now,
            "cwd": str(self._cwd),
            "sessionId": self._session,
            "version": "2.1.328",
        }
        self._parent = ident
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def main() -> int:
    prompt = sys.stdin.read()
    command = " ".join(sys.argv[1:])
    transcript = Transcript(Path(os.environ["HOME"]), Path.cwd())
    transcript.add("user", prompt)
    call = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": command}}
    # Four characters of the prompt are about one token: a figure to add up, as no model counted any.
    usage = {"input_tokens": len(prompt) // 4, "output_tokens": 1}
    transcript.add("assistant", [call], id="msg_1", type="message", usage=usage)
    ran = subprocess.run(command, shell=True, env={**os.environ, "PROMPT": prompt}, capture_output=True, text=True)
    result = {"tool_use_id": "toolu_1", "type": "tool_result", "content": ran.stdout, "is_error": ran.returncode != 0}
    transcript.add("user", [result])
    print(ran.stdout + ran.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
