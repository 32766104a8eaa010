from __future__ import annotations

import msgspec
import pytest

from carryover.ledger.codec import decode_body, encode_body
from carryover.model import (
    AgentSummary,
    AnyBody,
    AssistantMessage,
    PlanItem,
    PlanUpdate,
    SessionInfo,
    ToolCall,
    ToolResult,
    UserPrompt,
)

RESULT = ToolResult(call_id="c", name="Bash", op="shell", status="ok", output="collected 12 items\n" * 300)


@pytest.mark.parametrize(
    "body",
    [
        UserPrompt(text="short"),
        UserPrompt(text="long " * 1_000, actor="model", command="/ship", attachments=2),
        PlanUpdate(items=(PlanItem(text="a", state="done"), PlanItem(text="b"))),
        RESULT,
    ],
)
def test_a_body_comes_back_as_it_was(body: AnyBody) -> None:
    assert decode_body(encode_body(body)) == body


def test_what_is_said_stays_text_however_long() -> None:
    for body in (UserPrompt(text="word " * 1_000), AssistantMessage(text="word " * 1_000)):
        assert str(encode_body(body)).count("word") == 1_000


def test_the_facts_of_a_session_stay_text_by_which_a_query_finds_them() -> None:
    assert str(encode_body(SessionInfo(title="word " * 200))).startswith('{"kind":"session_info"')


def test_a_call_of_ordinary_length_shrinks() -> None:
    body = ToolCall(call_id="c", name="Bash", op="shell", subject="pytest tests/unit/cart tests/unit/checkout " * 6)

    assert len(encode_body(body)) < 130
    assert decode_body(encode_body(body)) == body


def test_defaults_take_no_room() -> None:
    assert encode_body(UserPrompt(text="hi")) == '{"kind":"user_prompt","text":"hi"}'


def test_long_output_and_summaries_shrink() -> None:
    for body in (RESULT, AgentSummary(text="and then " * 500, source="compaction")):
        assert len(encode_body(body)) < 300


@pytest.mark.parametrize(
    "stored",
    [
        '{"kind":"horoscope","text":"hi"}',
        '{"kind":"user_prompt"}',
        "not JSON",
        b"not deflated",
        encode_body(RESULT)[:-7],
    ],
)
def test_a_row_that_is_not_ours_is_refused(stored: str | bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_body(stored)
