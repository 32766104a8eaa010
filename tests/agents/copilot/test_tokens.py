from __future__ import annotations

import json

import pytest

from agents.copilot.contract_case import recording
from agents.copilot.session import CopilotSession, read
from carryover.agents.copilot.adapter import AGENT
from contract.case import read_on, source_at


@pytest.mark.parametrize("name", ["killed-resumed-sub-agent", "headless-todos-and-background", "tui-compact"])
def test_the_requests_add_up_to_what_the_client_says_at_its_end(name: str) -> None:
    log = recording(f"1.0.102/{name}")
    lines = [json.loads(line) for line in log.path.read_bytes().splitlines()]
    (end,) = (line["data"]["modelMetrics"] for line in lines if line["type"] == "session.shutdown")
    tokens = read_on(AGENT, source_at(AGENT, log)).tokens

    sums = {"inputTokens": sum(used.input for used in tokens), "outputTokens": sum(used.output for used in tokens)}
    assert {used.model for used in tokens} == {"fake-model"}
    assert end["fake-model"]["usage"].items() >= sums.items()


def test_what_came_from_the_cache_is_not_input(session: CopilotSession) -> None:
    usage = {"model": "a-model", "inputTokens": 63_200, "outputTokens": 7}
    session.record("session.usage_record", usage=usage | {"cacheReadTokens": 34_000, "cacheWriteTokens": 29_000})

    (used,) = read(session).tokens
    assert (used.input, used.output, used.cache_read, used.cache_write) == (200, 7, 34_000, 29_000)
