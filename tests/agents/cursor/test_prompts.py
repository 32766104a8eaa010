"""What the user typed, and when."""

from __future__ import annotations

import pytest

from agents.cursor.chats import START_MS, wrapped
from carryover.agents.cursor.prompts import Words, spoken_ms, words_of

HOUR_MS = 3_600_000


def test_only_the_query_is_the_users() -> None:
    text = "<attached_files>\n<user_query>not this</user_query>\n</attached_files>\n" + wrapped("Fix it", 2)

    assert words_of(text) == Words(text="Fix it", at_ms=START_MS + 120_000, marked=True)


def test_a_message_without_tags_was_typed() -> None:
    assert words_of("  Fix it\n") == Words(text="Fix it")


@pytest.mark.parametrize(
    "text",
    [
        "<user_info>\nOS: linux\n</user_info>",
        "<rules>a</rules>\n<git_status>b</git_status>\n",
        "<system_notification>\nThe task ended.\n</system_notification>",
        "<user_info>cut off",
        "<user_query></user_query>",
        "<timestamp>Monday, May 4, 2026, 12:47 AM (UTC+5:30)</timestamp>\n\n<user_query>The above subagent result is "
        "already visible to the user. DO NOT reiterate.</user_query>",
        "",
    ],
)
def test_what_the_client_put_there_was_typed_by_nobody(text: str) -> None:
    assert words_of(text).text == ""


def test_the_context_names_the_workspace() -> None:
    text = "<user_info>\nOS: linux\nWorkspace Path: /home/dev/demo\n</user_info>\n<user_query>x</user_query>"

    assert words_of(text).workspace == "/home/dev/demo"
    assert words_of("<user_query>Workspace Path: /etc</user_query>").workspace is None


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("Monday, March 2, 2026, 9:00 AM (UTC+0)", START_MS),
        ("Monday, March 2, 2026, 10:00 AM (UTC+1)", START_MS),
        ("Monday, Mar 2, 2026, 4:00 AM (UTC-5)", START_MS),
        ("Monday, Mar 2, 2026 at 2:30 PM (UTC+5:30)", START_MS),
        ("Monday, Mar 2, 2026, 9:00\u202fam UTC", START_MS),
        ("Mar 2, 2026, 09:00:30 GMT+00:00", START_MS + 30_000),
        ("Monday, March 2, 2026, 12:00 PM (UTC+3)", START_MS),
        ("Monday, March 2, 2026, 12:00 AM (UTC+0)", START_MS - 9 * HOUR_MS),
        ("2026-03-02T10:00:00+01:00", START_MS),
        ("2026-03-02T09:00:00Z", START_MS),
    ],
)
def test_a_time_in_words_is_read_with_its_zone(text: str, at_ms: int) -> None:
    assert spoken_ms(text) == at_ms
    assert words_of(f"<timestamp>{text}</timestamp>\n<user_query>x</user_query>").at_ms == at_ms


@pytest.mark.parametrize(
    "text",
    [
        "Monday, March 2, 2026, 9:00 AM",
        "2026-03-02T09:00:00",
        "Monday, Feb 30, 2026, 9:00 AM (UTC+0)",
        "Mar 2, 2026, 29:00 (UTC+0)",
        "Mar 2, 9999, 9:00 (UTC+99)",
        "Lun 2, 2026, 9:00 AM (UTC+0)",
        "Jan 1, 0001, 0:00 (UTC+14)",
        "now",
        "",
        "x" * 5000,
    ],
)
def test_a_time_that_does_not_say_all_is_none(text: str) -> None:
    """Without its zone a time could be wrong by half a day."""
    assert spoken_ms(text) == 0
    assert words_of(f"<timestamp>{text}</timestamp>\n<user_query>x</user_query>").at_ms == 0
