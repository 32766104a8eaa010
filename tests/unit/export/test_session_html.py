from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.export.session_html import session_html
from carryover.export.session_parts import SessionHead, cleaned, session_parts
from carryover.ledger.rows import StoredEvent
from carryover.model import AssistantMessage, FileEdit, ToolResult, UserPrompt
from support.session_events import BEGAN_MS, stored

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
