"""The scripted model of one client: `python -m real_agents.handover.model AGENT FOLDER PORT`.

As in `lab/model_server.py`, but a reply that was given is taken out of `replies.jsonl`: a row that writes the file
starts from its first line, and what a failed row left over is gone.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

from real_agents.handover.tool import tools
from real_agents.lab.model_server import ModelHandler, ModelServer


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
    agent_id, folder, port = sys.argv[1:]
    server = Model(tools()[agent_id].API, Path(folder), int(port))
    print("ready", flush=True)
    server.serve_forever()
