from __future__ import annotations

from typing import Any

import pytest

from agents.codex.contract_case import THREAD
from agents.codex.rollout import SHOP, START_MS, Rollout
from carryover.model import TokensUsed, UserPrompt, WindowUsed

LIMITS = {
    "primary": {"used_percent": 12.5, "window_minutes": 300, "resets_at": START_MS // 1000 + 3600},
    "secondary": {"used_percent": 41, "window_minutes": 10080, "resets_in_seconds": 60},
}


def usage(*numbers: int) -> dict[str, int]:
    names = ("input_tokens", "cached_input_tokens", "output_tokens")
    return dict(zip(names, numbers, strict=True), total_tokens=numbers[0] + numbers[2])


def count(rollout: Rollout, last: dict[str, int], total: dict[str, int]) -> None:
    rollout.event("token_count", info={"last_token_usage": last, "total_token_usage": total})


def test_input_from_the_cache_stands_apart_and_a_repeated_record_counts_once() -> None:
    """Codex writes the record again whenever the limits change (0.169); only the total says that it is the same."""
    rollout = Rollout()
    rollout.record("turn_context", turn_id="turn-0", cwd=SHOP, model="gpt-6")
    for total in (usage(100, 60, 7), usage(100, 60, 7), usage(200, 120, 14)):
        count(rollout, usage(100, 60, 7), total)

    first, second = rollout.tokens
    assert first == TokensUsed(
        key=first.key, session=THREAD, at_ms=START_MS + 2000, model="gpt-6", input=40, output=7, cache_read=60
    )
    assert first.key != second.key


def test_the_share_of_each_limit_is_kept_with_its_reset() -> None:
    rollout = Rollout()
    rollout.event("token_count", info=None, rate_limits=LIMITS)

    at_ms = START_MS + 1000
    assert rollout.windows == [
        WindowUsed(name="primary", at_ms=at_ms, used_percent=12.5, minutes=300, resets_ms=START_MS + 3_600_000),
        WindowUsed(name="secondary", at_ms=at_ms, used_percent=41, minutes=10080, resets_ms=at_ms + 60_000),
    ]


def test_the_tokens_of_a_history_copied_into_a_fork_are_the_parents() -> None:
    """The fork of 0.125 ends what it copies with the last record of tokens, as its own."""
    rollout = Rollout(forked_from_id="parent")
    rollout.record("session_meta", id="parent", timestamp=rollout.time, cwd=SHOP)
    count(rollout, usage(9, 0, 9), usage(9, 0, 9))
    rollout.event("task_started", turn_id="own", started_at=rollout.seconds)
    count(rollout, usage(9, 0, 9), usage(9, 0, 9))
    assert rollout.tokens == []

    count(rollout, usage(5, 0, 1), usage(14, 0, 10))
    assert [used.input for used in rollout.tokens] == [5]


@pytest.mark.parametrize(
    "meta",
    [
        {"source": {"subagent": {"other": "guardian"}}},
        {"source": {"internal": "memory_consolidation"}, "session_id": "parent"},
        {"thread_source": "guardian_review", "session_id": "parent"},
    ],
)
def test_of_what_the_client_asks_itself_only_the_tokens_count(meta: dict[str, Any]) -> None:
    """0.126: whether a command may run is asked in a thread of its own, whose answers are JSON."""
    rollout = Rollout(**meta)
    rollout.turn()
    rollout.asks("The following is the Codex agent history whose request action you are assessing.")
    rollout.runs("exec_command", "Process exited with code 0\nOutput:\n", cmd="ls")
    rollout.says('{"risk_level":"low","outcome":"allow"}')
    count(rollout, usage(100, 60, 7), usage(100, 60, 7))

    assert rollout.bodies == []
    assert [used.input for used in rollout.tokens] == [40]


@pytest.mark.parametrize(
    "asks",
    [
        "You are a helpful assistant. You will be presented with a user prompt, and your job is to provide a short"
        " title for a task that will be created from that prompt.\nFix the cart.",
        "Generate a concise UI title (20-40 characters) for this task.\nReturn only the title.\n\nTask:\nFix the cart.",
    ],
)
def test_a_thread_in_which_the_extension_asks_for_a_title_says_nothing(asks: str) -> None:
    """0.81. One of `codex exec` that an agent started in the editor has the same originator: it is in the variables."""
    rollout = Rollout(originator="codex_vscode", source="exec")
    rollout.turn()
    rollout.asks(asks)
    rollout.says("Fix the cart")
    count(rollout, usage(100, 60, 7), usage(100, 60, 7))

    assert (rollout.bodies, [used.input for used in rollout.tokens]) == ([], [40])
    nested = Rollout(originator="codex_vscode", source="exec")
    nested.turn()
    assert nested.asks("Fix the cart.") == [UserPrompt(text="Fix the cart.")]
