from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace

from carryover import model
from carryover.export.atif import trajectory
from carryover.export.session_parts import Part, SessionHead, cleaned, session_markdown, session_parts
from carryover.model import AnyBody, AssistantMessage, FileEdit, StoredEvent, ToolResult, UserPrompt
from carryover.redact import CleanText
from carryover.text.pasted import as_pasted
from support.clock import BEGAN_MS, stored

KEY = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH"
ROOT = "/home/dev/shop"
LONG = f"echo {'x' * 300}"
KNEAD = model.PlanItem(text="knead", state="done")
STOPPED = model.ToolResult(call_id="c", name="Bash", op="shell", subject="pytest -q", status="interrupted")
OVEN = model.BackgroundTask(task_id="t", state="failed", label="oven")


def parts(*events: StoredEvent) -> list[Part[CleanText]]:
    return list(cleaned(session_parts(events, agent="Codex", root=ROOT)))


def call(call_id: str = "c1", subject: str = "pytest -q") -> model.ToolCall:
    return model.ToolCall(call_id=call_id, name="Bash", op="shell", subject=subject)


def result(output: str = "", exit_code: int | None = None, subject: str = "pytest -q") -> ToolResult:
    ended = ToolResult(call_id="c1", name="Bash", op="shell", status="ok", subject=subject, output=output)
    return replace(ended, status="error", exit_code=exit_code) if exit_code else ended


@pytest.mark.parametrize(
    ("body", "kind", "heading", "text", "failed"),
    [
        (UserPrompt(text="bake"), "user", "You", "bake", False),
        (UserPrompt(text="now", command="/bake"), "user", "You", "/bake now", False),
        (UserPrompt(text="bake", accepts_plan=True), "user", "You (the agent's plan, accepted)", "bake", False),
        (UserPrompt(text="bake", actor="model"), "agent", "Prompt of the agent", "bake", False),
        (UserPrompt(text="bake", actor="model", scheduled=True), "agent", "Scheduled prompt", "bake", False),
        (AssistantMessage(text="Done.", aborted=True), "agent", "Codex (cut off)", "Done.", False),
        (model.Question(call_id="q", text="Rye?", options=("a", "b")), "agent", "Codex asks", "Rye?\n- a\n- b", False),
        (model.Answer(call_id="q", question="Rye?\nNo.”", text="y"), "user", "You", "Asked “Rye? No.'”:\n\ny", False),
        (result(output="ok\n"), "tool", "Bash pytest -q", "ok", False),
        (result("x", subject=LONG), "tool", f"Bash {LONG[:154]}…", f"$ {LONG}\nx", False),
        (result(exit_code=2), "tool", "Bash pytest -q (exit 2)", "", True),
        (STOPPED, "tool", "Bash pytest -q (interrupted)", "", False),
        (FileEdit(path=f"{ROOT}/a", change="modify", added=1, removed=2), "tool", "Edited a +1 -2", "", False),
        (FileEdit(path="/etc/b", change="rename", old_path=f"{ROOT}/a"), "tool", "Renamed a to /etc/b", "", False),
        (model.PlanUpdate(items=(KNEAD,)), "tool", "Plan: 1 of 1 done", "- [x] knead", False),
        (model.PlanProposal(call_id="p", text="1. knead"), "agent", "Plan proposed", "1. knead", False),
        (model.AgentSummary(text="so", source="away"), "tool", "The agent's own summary (away)", "so", False),
        (model.QueuedPrompt(text="then rye"), "happening", "Prompt queued", "then rye", False),
        (OVEN, "happening", "In the background, failed: oven", "", True),
        (model.TurnEnd(reason="limit", message="5 h"), "happening", "Stopped at a usage limit", "5 h", True),
        (model.TurnEnd(reason="interrupted"), "happening", "Interrupted", "", False),
        (model.SessionStart(reason="startup"), "happening", "Session started (startup)", "", False),
        (model.SessionEnd(reason="exit"), "happening", "Session ended (exit)", "", False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, AnyBody) else "",
)
def test_each_kind_of_event_is_a_part(body: AnyBody, kind: str, heading: str, text: str, failed: bool) -> None:
    [part] = parts(*stored(body))

    assert (part.kind, part.heading, part.text, part.failed) == (kind, heading, text, failed)


def test_a_call_comes_with_its_result_and_one_without_comes_last() -> None:
    found = parts(*stored(call(), call("c2", "sleep 9"), result(), AssistantMessage(text="Waiting.")))

    assert [part.heading for part in found] == ["Bash pytest -q", "Codex", "Bash sleep 9 (no result recorded)"]
    assert not found[-1].failed, "it may still run, or have been interrupted"


def test_a_result_that_only_repeats_what_stands_beside_it_is_known() -> None:
    """Of some documents, it is not known how a call ended."""
    wrote = ToolResult(call_id="e", name="Edit", op="edit", status="unknown", subject=f"{ROOT}/a")
    edit = FileEdit(path=f"{ROOT}/a", change="modify")
    noted = ToolResult(call_id="p", name="TodoWrite", op="plan", status="ok")
    plan = model.PlanUpdate(items=(KNEAD,))
    listed = ToolResult(call_id="t", name="list_tables", op="other", status="ok", subject="list_tables")

    found = parts(*stored(wrote, edit, wrote, plan, noted, noted, plan, noted, AssistantMessage(text="Baked."), noted))

    assert [part.heading for part in found if not part.repeated] == [
        "Edited a",
        "Edit a",
        "Plan: 1 of 1 done",
        "Plan: 1 of 1 done",
        "Codex",
        "TodoWrite",
    ]
    assert [part.heading for part in parts(*stored(listed))] == ["list_tables"]


def test_a_queued_prompt_is_shown_unless_it_was_delivered_at_once() -> None:
    rye, wait = model.QueuedPrompt(text="then rye"), AssistantMessage(text="Baking.")
    pasted = f"then\n\n{as_pasted('oats')}"
    found = {
        (rye, model.SessionInfo(branch="main"), UserPrompt(text="then rye")): ["You"],
        (rye, UserPrompt(text="then oats")): ["Prompt queued", "You"],
        (rye, wait, UserPrompt(text="then rye")): ["Prompt queued", "Codex", "You"],
        (rye, rye): ["Prompt queued", "Prompt queued"],
        (model.QueuedPrompt(text=pasted), UserPrompt(text=pasted)): ["You"],
    }

    assert {bodies: [part.heading for part in parts(*stored(*bodies))] for bodies in found} == found


def test_sub_agents_are_named_and_what_was_taken_back_is_marked() -> None:
    events = [
        *stored(AssistantMessage(text="Below."), subagent_id="a1"),
        *stored(UserPrompt(text="bake"), retracted=True),
    ]

    assert [(part.heading, part.retracted) for part in parts(*events)] == [
        ("Codex (sub-agent a1)", False),
        ("You", True),
    ]


def test_secrets_and_hidden_characters_are_taken_out_of_text_and_heading() -> None:
    [part] = parts(*stored(result(subject=f"export K={KEY}\x1b[2J", output=f"\u202e{KEY}\x07")))

    assert KEY not in part.heading + part.text
    assert part.text == "[redacted:anthropic]"
    assert part.heading.isprintable()


def test_a_trajectory_holds_no_secret_and_nothing_that_was_taken_back() -> None:
    events = [*stored(UserPrompt(text=f"Use {KEY}")), *stored(UserPrompt(text="never mind"), retracted=True)]
    made = trajectory(SessionHead(id="s1", agent="codex", agent_name="Codex"), events)

    assert made is not None and b"[redacted:anthropic]" in made and b"never mind" not in made


HEAD = SessionHead(
    id="s1",
    agent="codex",
    agent_name="Codex",
    version="0.169.0",
    title="Bake",
    project="~/shop",
    branch="main",
    exported_ms=BEGAN_MS,
)

pytestmark = pytest.mark.usefixtures("utc")


def markdown(*bodies: AnyBody) -> str:
    return "\n".join(session_markdown(HEAD, parts(*stored(*bodies))))


def test_a_session_reads_as_a_conversation() -> None:
    shown = markdown(
        UserPrompt(text="Bake **bread**"), result("```\nno", 1, "make"), AssistantMessage(text="It `failed`.")
    )

    assert shown.split("\n") == [
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
        "## Codex · 2026-11-20 06:40 UTC",
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


def test_only_what_the_user_ran_stands_below_their_heading() -> None:
    named = result("Push.", subject="cat 'notes (run by you)'")
    shown = [markdown(UserPrompt(text="Bake"), replace(named, actor=actor)) for actor in ("human", "model")]

    assert ["\n## Codex" in text for text in shown] == [False, True]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# Title", "### Title"),
        ("###### deep", "###### deep"),
        ("Title\n===", "Title\n\\==="),
        ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
        ("![x](http://evil.example/p.png)", "!\\[x](http://evil.example/p.png)"),
        ("a < b and `<b>` and `` `<i>` ``", "a < b and `<b>` and `` `<i>` ``"),
        ("``<b>` and \\`<b>`", "``&lt;b>` and \\`&lt;b>`"),
        ("```html\n<b>\n```", "```html\n<b>\n```"),
        ("- ```\n  ```\n<b>", "````\n- ```\n  ```\n<b>\n````"),  # the second fence ends the first
        ("```\n# never closed", "```\n# never closed\n```"),
        ("````\n```\n# inside", "````\n```\n# inside\n````"),
        ("~~~\nopen", "~~~\nopen\n~~~"),
    ],
)
def test_an_answer_stays_markdown_and_breaks_out_of_nothing(text: str, shown: str) -> None:
    assert markdown(AssistantMessage(text=text)).endswith(f"UTC\n\n{shown}")


MARKS = "` `` ``` ~~~ <img> ![a](b) <!-- - > \\ a".split(" ")


@given(st.lists(st.sampled_from([*MARKS, "\n", "\n", "    "]), max_size=14).map("".join))
def test_no_answer_holds_html_or_an_image_or_takes_in_what_comes_after_it(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse(markdown(AssistantMessage(text=text), AssistantMessage(text="Done.")))
    found = [each.type for token in tokens for each in (token, *(token.children or ()))]

    assert not {"html_block", "html_inline", "image"} & {*found}
    assert [token.level for token in tokens if token.tag == "h2" and token.nesting == 1] == [0, 0]
