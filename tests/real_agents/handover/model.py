"""The models of the clients, each on a port of its own: `python -m real_agents.handover.model CLIENT FOLDER`.

As in `lab/model_server.py`, but a reply that was given is taken out of `replies.jsonl`: whoever writes the file anew
begins anew, and what a failed row left over is nobody's.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

from real_agents.claude_code.messages_api import MessagesApi
from real_agents.codex.responses_api import ResponsesApi
from real_agents.copilot.chat_api import ChatApi
from real_agents.lab.model_server import PORT, ModelHandler, ModelServer

CODEX_PORT: Final = PORT + 1
COPILOT_PORT: Final = PORT + 2
RESETS_S: Final = 5400
"""How long after a refusal the limit is over."""


class PlanApi(MessagesApi):
    """Refuses as to a subscriber. Claude Code 2.1.328 makes "You've hit your limit · resets 1:36pm (UTC)" of it.

    What the service itself sends was not recorded: these are what the client takes for it. It heeds them only with a
    plan's token; with a key it says "API Error: Request rejected (429)".
    """

    def send_json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        super().send_json(status, value, {**(headers or {}), **(_window_used_up() if status == 429 else {})})


def _window_used_up() -> dict[str, str]:
    resets = str(int(time.time()) + RESETS_S)
    named = {
        "status": "rejected",
        "reset": resets,
        "5h-status": "rejected",
        "5h-reset": resets,
        "representative-claim": "five_hour",
        "overage-status": "rejected",
    }
    return {"retry-after": str(RESETS_S)} | {
        f"anthropic-ratelimit-unified-{name}": text for name, text in named.items()
    }


APIS: Final[dict[str, tuple[int, type[ModelHandler]]]] = {
    "claude-code": (PORT, PlanApi),
    "codex": (CODEX_PORT, ResponsesApi),
    "copilot": (COPILOT_PORT, ChatApi),
}


class Model(ModelServer):
    """Listens on `port`. Nothing in the script: the reply is the text "OK."."""

    def __init__(self, handler: type[ModelHandler], folder: Path, port: int) -> None:
        self._port = port
        self._script = folder / "replies.jsonl"
        self._taking = threading.Lock()
        super().__init__(handler, folder)

    def server_bind(self) -> None:
        self.server_address = ("127.0.0.1", self._port)
        super().server_bind()

    def next_reply(self) -> Any:
        with self._taking:
            reply, *rest = self._script.read_text("utf-8").splitlines() or ['"OK."']
            self._script.write_text("".join(f"{line}\n" for line in rest), "utf-8")
            return json.loads(reply)


if __name__ == "__main__":
    own_port, api = APIS[sys.argv[1]]
    server = Model(api, Path(sys.argv[2]), own_port)
    print("ready", flush=True)
    server.serve_forever()
