from __future__ import annotations

import pytest

from carryover.export.session_parts import SessionHead, cleaned, session_markdown, session_parts
from carryover.model import AssistantMessage, ToolResult, UserPrompt
from support.session_events import BEGAN_MS, stored

HEAD = SessionHead(id="s1", agent="Codex 0.169.0", title="Bake", project="~/shop", branch="main", exported_ms=BEGAN_MS)

pytestmark = pytest.mark.usefixtures("utc")


def markdown(*texts: str) -> str:
    bodies = [AssistantMessage(text=text) for text in texts]
    return "\n".join(
        session_markdown(HEAD, cleaned(session_parts(stored(*bodies), agent="Codex", root=None, subagents=False)))
    )


def test_a_session_reads_as_a_conversation() -> None:
    result = ToolResult(
        call_id="c", name="Bash", op="shell", status="error", exit_code=1, subject="make", output="```\nno"
    )
    events = stored(UserPrompt(text="Bake **bread**"), result, AssistantMessage(text="It `failed`."))
    lines = list(session_markdown(HEAD, cleaned(session_parts(events, agent="Codex", root=None, subagents=False))))

    assert lines == [
        "# Bake",
        "",
        "- Agent: `Codex 0.169.0`",
        "- Project: `~/shop`",
        "- Branch: `main`",
        "- Session: `s1`",
        "- Exported 2026-11-20 06:40 UTC by Carryover; "
        "known key patterns are replaced by `[redacted:...]`; read it before you share it",
        "",
        "## You · 2026-11-20 06:40 UTC",
        "",
        "Bake **bread**",
        "",
        "✗ `Bash make (exit 1)`",
        "",
        "````",
        "```",
        "no",
        "````",
        "",
        "## Codex · 2026-11-20 06:41 UTC",
        "",
        "It `failed`.",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# Title", "### Title"),
        ("###### deep", "###### deep"),
        ("Title\n===", "Title\n\\==="),
        ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
        ("![x](http://evil.example/p.png)", "!\\[x](http://evil.example/p.png)"),
        ("a < b and `<b>` and `` `<i>` ``", "a < b and `<b>` and `` `<i>` ``"),
        ("```html\n<b>\n```", "```html\n<b>\n```"),
        ("```\n# never closed", "```\n# never closed\n```"),
        ("````\n```\n# inside", "````\n```\n# inside\n````"),
        ("~~~\nopen", "~~~\nopen\n~~~"),
    ],
)
def test_an_answer_stays_markdown_and_breaks_out_of_nothing(text: str, shown: str) -> None:
    assert markdown(text).endswith(f"UTC\n\n{shown}")
