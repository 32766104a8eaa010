from __future__ import annotations

from carryover.ingest.sanitize import clean_body
from carryover.model import AgentSummary, SummaryPart, ToolResult

TOKEN = "ghp_" + "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3d"
"""In the form of a token of GitHub; no one's."""


def test_secrets_in_the_parts_of_a_summary_and_in_the_users_words_are_hidden() -> None:
    summary = AgentSummary(text="x", source="compaction", parts=(SummaryPart("next", "Next", f"use {TOKEN}"),))
    refused = ToolResult(
        call_id="c", name="Bash", op="shell", status="denied", output="No.", user_words=f"with {TOKEN}"
    )

    for body in (summary, refused):
        counts: dict[str, int] = {}
        assert TOKEN not in str(clean_body(body, counts))
        assert sum(counts.values()) == 1
