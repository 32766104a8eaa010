"""Serves an agent's model until it is killed: `python -m real_agents.lab.serve_model AGENT FOLDER PORT`."""

from __future__ import annotations

import sys
from pathlib import Path

from real_agents.lab.model_server import ModelServer
from real_agents.lab.tool import tools


def main(agent_id: str, folder: str, port: str) -> None:
    """Prints "ready" when it listens."""
    server = ModelServer(tools()[agent_id].API, Path(folder), int(port))
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
