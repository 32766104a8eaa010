from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.export.session_html import session_html
from carryover.export.session_parts import Part, SessionHead, cleaned, session_markdown, session_parts
from carryover.ledger.rows import StoredEvent
from carryover.model import (
    AgentSummary,
    Answer,
    AnyBody,
    AssistantMessage,
    BackgroundTask,
    FileEdit,
    PlanItem,
    PlanProposal,
    PlanUpdate,
    Question,
    QueuedPrompt,
    ResultStatus,
    SessionEnd,
    SessionStart,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)
from carryover.redact import CleanText
from support.session_events import BEGAN_MS, stored

KEY = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH"


def parts(*events: StoredEvent, subagents: bool = False) -> list[Part[CleanText]]:
    return list(cleaned(session_parts(events, agent="Codex", root="/home/dev/shop", subagents=subagents)))


def call(call_id: str = "c1", subject: str = "pytest -q") -> ToolCall:
    return ToolCall(call_id=call_id, name="Bash", op="shell", subject=subject)


def result(
    call_id: str = "c1", output: str = "", exit_code: int | None = None, subject: str = "pytest -q"
) -> ToolResult:
    status: ResultStatus = "error" if exit_code else "ok"
    return ToolResult(
        call_id=call_id, name="Bash", op="shell", status=status, subject=subject, output=output, exit_code=exit_code
    )


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (UserPrompt(text="bake"), ("user", "You", "bake", False)),
        (UserPrompt(text="now", command="/bake"), ("user", "You", "/bake now", False)),
        (UserPrompt(text="bake", actor="model"), ("agent", "Prompt of the agent", "bake", False)),
        (AssistantMessage(text="Done.", aborted=True), ("agent", "Codex (cut off)", "Done.", False)),
        (
            Question(call_id="q", text="Rye?", options=("yes", "no")),
            ("agent", "Codex asks", "Rye?\n- yes\n- no", False),
        ),
        (Answer(call_id="q", question="Rye?", text="yes"), ("user", "You", "Rye?\n\nyes", False)),
        (result(output="ok\n"), ("tool", "Bash pytest -q", "ok", False)),
        (result(exit_code=2), ("tool", "Bash pytest -q (exit 2)", "", True)),
        (
            FileEdit(path="/home/dev/shop/a.py", change="modify", added=1, removed=2),
            ("tool", "Edited a.py +1 -2", "", False),
        ),
        (
            FileEdit(path="/etc/b", change="rename", old_path="/home/dev/shop/a"),
            ("tool", "Renamed a to /etc/b", "", False),
        ),
        (
            PlanUpdate(items=(PlanItem(text="knead", state="done"),)),
            ("tool", "Plan: 1 of 1 done", "- [x] knead", False),
        ),
        (PlanProposal(call_id="p", text="1. knead"), ("agent", "Plan proposed", "1. knead", False)),
        (
            AgentSummary(text="so far", source="compaction"),
            ("tool", "The agent's own summary (compaction)", "so far", False),
        ),
        (QueuedPrompt(text="then rye"), ("happening", "Prompt queued", "then rye", False)),
        (
            BackgroundTask(task_id="t", state="failed", label="oven"),
            ("happening", "In the background, failed: oven", "", True),
        ),
        (TurnEnd(reason="limit", message="5 h"), ("happening", "Stopped by a limit", "5 h", True)),
        (SessionStart(reason="startup"), ("happening", "Session started (startup)", "", False)),
        (SessionEnd(reason="exit"), ("happening", "Session ended (exit)", "", False)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, AnyBody) else "",
)
def test_each_kind_of_event_is_a_part(body: AnyBody, shown: tuple[str, str, str, bool]) -> None:
    [part] = parts(*stored(body))

    assert (part.kind, part.heading, part.text, part.failed) == shown


def test_a_call_comes_with_its_result_and_one_without_comes_last() -> None:
    found = parts(*stored(call("c1"), call("c2", "sleep 9"), result("c1"), AssistantMessage(text="Waiting.")))

    assert [part.heading for part in found] == ["Bash pytest -q", "Codex", "Bash sleep 9 (no result recorded)"]


def test_a_long_command_is_whole_in_the_text() -> None:
    [part] = parts(*stored(result(subject=f"echo {'x' * 300}\nls", output="x")))

    assert len(part.heading) <= 160
    assert part.text == f"$ echo {'x' * 300}\nls\nx"


def test_sub_agents_are_left_out_unless_asked_for_and_what_was_taken_back_is_marked() -> None:
    events = [
        *stored(AssistantMessage(text="Below."), subagent_id="a1"),
        *stored(UserPrompt(text="bake"), retracted=True),
    ]

    assert [(part.heading, part.undone) for part in parts(*events)] == [("You", True)]
    assert [part.heading for part in parts(*events, subagents=True)] == ["Codex (sub-agent a1)", "You"]


def test_secrets_and_hidden_characters_are_taken_out_of_text_and_heading() -> None:
    [part] = parts(*stored(result(subject=f"export K={KEY}\x1b[2J", output=f"\u202e{KEY}\x07")))

    assert KEY not in part.heading + part.text
    assert part.text == "[redacted:anthropic]"
    assert part.heading.isprintable()


TAGS = {*"html head meta title style body h1 dl dt dd main section h2 span time div pre details summary code".split()}
MARKDOWN_TAGS = {*"p strong em s ul ol li h3 h4 h5 h6 blockquote hr br table thead tbody tr th td code pre".split()}
STYLE = "body { color: black; }"
HOSTILE = '</pre></details><script src="https://evil.example/x.js"></script><img src=x onerror=alert(1)>"\'&'


class Seen(HTMLParser):
    """Which tags a page has, with their attributes, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page(events: list[StoredEvent], title: str = "Bake") -> str:
    head = SessionHead(id="s1", agent="Codex", title=title, project="~/shop", exported_ms=BEGAN_MS)
    parts = cleaned(session_parts(events, agent="Codex", root=None, subagents=False))
    return "".join(session_html(head, parts, style=STYLE))


def seen(html: str) -> Seen:
    parser = Seen()
    parser.feed(html)
    return parser


def conversation(text: str) -> list[StoredEvent]:
    result = ToolResult(call_id="c", name="Bash", op="shell", status="error", exit_code=1, subject=text, output=text)
    return stored(UserPrompt(text=text), AssistantMessage(text=f"{text}\n```\n{text}"), result)


def test_nothing_that_was_said_is_markup() -> None:
    found = seen(page(conversation(HOSTILE), title=HOSTILE))

    assert {tag for tag, _ in found.tags} == TAGS | {"p"}
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on") or name == "src"]
    assert found.text.count("evil.example") == 7


@settings(max_examples=40)
@given(st.text(st.sampled_from("<>/&\"'`\n !-=scriptimgonerror"), max_size=60))
def test_no_text_adds_a_tag(text: str) -> None:
    assert {tag for tag, _ in seen(page(conversation(text), title=text)).tags} <= TAGS | MARKDOWN_TAGS


def test_the_page_asks_nothing_of_any_network_and_runs_nothing() -> None:
    html = page(conversation("bake"))
    policy = next(a["content"] for tag, a in seen(html).tags if a.get("http-equiv") == "Content-Security-Policy") or ""
    style = re.search("<style>(.*)</style>", html, re.DOTALL)

    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in html
    assert "://" not in html
    assert "@import" not in html


def test_blocks_of_code_are_set_apart_and_what_was_taken_back_is_marked() -> None:
    html = page(stored(AssistantMessage(text="See:\n```py\nx = 1\n```\nDone."), retracted=True))

    assert '<section class="agent undone">' in html
    assert "<p>See:</p>\n<pre>x = 1</pre>\n<p>Done.</p>" in html


def test_an_answer_is_rendered_and_a_prompt_stays_as_it_was_typed() -> None:
    said = "# Plan\n- **first** `__init__.py`\n\n| a | b |\n|:-:|---|\n| 1 | 2 |"
    html = page(stored(UserPrompt(text="edit __init__.py"), AssistantMessage(text=said)))

    assert '<div class="text">edit __init__.py</div>' in html
    assert "<h3>Plan</h3>\n<ul>\n<li><strong>first</strong> <code>__init__.py</code></li>\n</ul>" in html
    assert '<div class="wide"><table>' in html and "style=" not in html


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("[bank](https://evil.example/)", '<p>bank <span class="url">(https://evil.example/)</span></p>'),
        ("<https://a.example/>", "<p>https://a.example/</p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("![x](https://evil.example/p.png)", '<p>x <span class="url">(image: https://evil.example/p.png)</span></p>'),
        ("<b>bold</b> <!-- c -->", "<p>&lt;b&gt;bold&lt;/b&gt; &lt;!-- c --&gt;</p>"),
        ('```"><script>\n</pre>\n```', "<pre>&lt;/pre&gt;</pre>"),
    ],
)
def test_an_answer_leads_nowhere_and_loads_nothing(said: str, shown: str) -> None:
    html = page(stored(AssistantMessage(text=said)))

    assert shown in html
    assert not {tag for tag, _ in seen(html).tags} & {"a", "img", "script", "b"}


def test_a_text_that_takes_long_to_parse_is_shown_as_it_is() -> None:
    assert f'<div class="text">{"[" * 50_000}</div>' in page(stored(AssistantMessage(text="[" * 50_000)))


def test_an_edit_is_folded_with_its_lines_set_apart() -> None:
    edit = FileEdit(path="/a.html", change="modify", added=1, removed=1, diff="@@ +1 @@\n <p>\n-<b>\n+</pre>\n+</p>")

    assert (
        '<details class="work"><summary><code>Edited /a.html +1 -1</code></summary>'
        "<pre>@@ +1 @@\n &lt;p&gt;\n<del>-&lt;b&gt;</del><ins>+&lt;/pre&gt;\n+&lt;/p&gt;</ins></pre></details>"
    ) in page(stored(edit))


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
