"""Which names a conversation mentions, and how often and how lately: bounded, and the same however it was read."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover import model
from carryover.distill.digest import Digest, Name
from carryover.distill.names import names_in, note_names, with_names
from carryover.distill.stored_digest import DigestReducer, decode_digest, fold_events
from carryover.model import AnyBody
from support.conversation import Conversation

HANDOFF = (
    "# [CARRYOVER] Last updated 2026-11-20T06:00:00Z from Codex\n- old_name.py\nFull history: `carryover show abc`"
)

tokens = st.sampled_from(
    [
        "src/shop/cart.py",
        "cart.py",
        "Cart.PY",
        "total_42",
        "8080",
        "deploy",
        "a/b/",
        "https://ci.example/run/7",
        "naïve",
    ]
)
texts = st.lists(st.one_of(tokens, st.text(max_size=30)), max_size=8).map(" ".join)
bodies = st.one_of(
    st.builds(model.UserPrompt, text=texts),
    st.builds(model.AssistantMessage, text=texts),
    st.builds(model.ToolCall, call_id=st.just("c"), name=st.just("Bash"), op=st.just("shell"), subject=texts),
    st.builds(
        model.ToolResult,
        call_id=st.just("c"),
        name=st.just("Bash"),
        op=st.just("shell"),
        status=st.just("ok"),
        output=texts,
    ),
)


def call(subject: str, op: model.Op = "shell") -> AnyBody:
    return model.ToolCall(call_id="c", name="Bash", op=op, subject=subject)


def printed(output: str) -> AnyBody:
    return model.ToolResult(call_id="c", name="Bash", op="shell", status="ok", output=output)


def folded(*events: AnyBody) -> dict[str, Name]:
    names: dict[str, Name] = {}
    for heard, body in enumerate(events, start=1):
        names = with_names(names, heard, body)
    return names


def test_names_are_files_values_symbols_and_longer_words_and_no_short_words() -> None:
    found = names_in("Run `pytest tests/unit/test_cart.py -k total_42` at port 8080, src/shop, the src/Cart.tsx.")
    assert found == {
        "pytest": "pytest",
        "test_cart.py": "tests/unit/test_cart.py",
        "total_42": "total_42",
        "8080": "8080",
        "cart.tsx": "src/Cart.tsx",
    }


def test_a_name_counts_where_it_was_said_called_and_printed() -> None:
    names = folded(model.UserPrompt(text="see cart.py"), call("cat cart.py"), printed("cart.py: ok"), printed("ok"))
    assert names == {"cart.py": Name(shown="cart.py", mentions=3, said=1, called=1, last=3, last_said=1, last_called=2)}


def test_a_name_is_shown_with_its_folders_once_these_were_written() -> None:
    names = folded(printed("cart.py"), printed("src/shop/Cart.py"), model.AssistantMessage(text="I changed cart.py."))
    assert names["cart.py"].shown == "src/shop/Cart.py"


def test_a_path_is_shown_as_it_was_written_from_its_first_sign_on() -> None:
    text = "(/home/dev/shop/cart.py), ~/notes.md: .github/ci.yml, shop/__init__.py."
    assert list(names_in(text).values()) == [
        "/home/dev/shop/cart.py",
        "~/notes.md",
        ".github/ci.yml",
        "shop/__init__.py",
    ]


def test_a_path_through_folders_in_brackets_is_one_name() -> None:
    text = "src/app/[id]/(tabs)/page.tsx pages/[slug].tsx app/[[...rest]]/view.tsx app/feed/(.)photo/item.tsx"
    assert list(names_in(text).values()) == text.split()


def test_what_follows_a_variable_is_no_absolute_path() -> None:
    text = "{project-root}/docs/plan.md $(find robot)/launch/arm.yaml"
    shown = list(names_in(text).values())
    assert "docs/plan.md" in shown
    assert "launch/arm.yaml" in shown


def test_a_handoff_in_a_text_names_nothing() -> None:
    assert folded(model.UserPrompt(text=HANDOFF), printed(HANDOFF)) == {}


def test_what_carryovers_own_tools_answer_names_nothing() -> None:
    talk = Conversation().user("Go on.").ran("pear", "old_name.py", op="other", name="mcp__carryover__recall")
    assert fold_events(Digest(), talk.events).names == {}


@given(events=st.lists(bodies, max_size=12), cuts=st.sets(st.integers(0, 12)))
def test_names_are_the_same_however_events_were_batched(events: list[AnyBody], cuts: set[int]) -> None:
    talk = Conversation()
    for body in events:
        talk.event(body)
    reducer, state, last = DigestReducer(), b"", 0
    for cut in [*sorted(cuts), len(events)]:
        state = reducer.reduce(state, talk.events[last:cut])
        last = max(last, min(cut, len(events)))
    digest = decode_digest(reducer.version, state, Digest)

    assert digest is not None
    assert list(digest.names.items()) == list(fold_events(Digest(), talk.events).names.items())


MANY = """
from carryover import model
from carryover.distill.names import with_names
names = {}
for heard in range(1, 60):
    text = " ".join(f"name_{heard}_{each}.py" for each in range(20))
    names = with_names(names, heard, model.AssistantMessage(text=text))
print(list(names.items()))
"""


def test_names_do_not_depend_on_how_python_hashes_text() -> None:
    first, second = (
        subprocess.run(
            [sys.executable, "-c", MANY], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    )
    assert first == second
    assert b"name_59_0.py" in first


def test_of_too_many_names_those_only_printed_go_first_and_those_mentioned_long_ago() -> None:
    events: list[AnyBody] = [model.UserPrompt(text="keep said_once.py and read.py"), call("cat read.py")]
    events += [printed(" ".join(f"p{number}_{each}.log" for each in range(40))) for number in range(60)]
    names = folded(*events)

    assert len(names) <= 512
    assert {"said_once.py", "read.py", "p59_0.log"} <= set(names)
    assert "p0_0.log" not in names


@given(texts=st.lists(st.text(max_size=4000), max_size=4))
def test_no_text_gives_more_names_than_are_kept_or_longer_ones(texts: list[str]) -> None:
    names = folded(*map(printed, texts))
    assert len(names) <= 512
    assert all(4 <= len(name.shown) <= 400 for name in names.values())


def test_of_a_long_text_the_ends_are_read() -> None:
    names = folded(printed(f"first.py {'filler ' * 2000} middle.py {'filler ' * 2000} last.py"))
    assert set(names) == {"first.py", "filler", "last.py"}


@pytest.mark.parametrize("size", range(400, 421))
def test_of_a_name_that_is_cut_where_reading_ends_no_half_is_kept(size: int) -> None:
    text = f"{'lib/shipping_rates.py ' * size} and {'lib/customer_orders.py ' * size}{'.' * (size % 23)}"
    names = folded(printed(text))
    assert set(names) == {"shipping_rates.py", "customer_orders.py"}


@pytest.mark.parametrize(
    "token",
    [
        "x" * 401,
        "y" * 100_000,
        "\0" * 50,
        "a.b" + "\u202e" * 30,
        "\u2066\u2069",
        "/" * 300,
        "@@@@",
        "\ud800\ud800",
        "…",
    ],
    ids=lambda token: ascii(token[:4]),
)
def test_a_hostile_token_gives_no_name(token: str) -> None:
    names: dict[str, Name] = {}
    note_names(names, 1, model.AssistantMessage(text=f"before.py {token} after.py"))
    assert set(names) == {"before.py", "after.py"}


@given(text=st.text(alphabet=st.characters(), max_size=200))
def test_no_name_has_a_mark_that_turns_or_ends_a_text(text: str) -> None:
    for key, shown in names_in(text).items():
        assert not set(f"{key}{shown}") & set("\0\n\r\t\u202e\u202d\u2066\u2067\u2069\u200f`<>[]#")


def test_a_closing_tag_is_no_path() -> None:
    assert names_in("<task_id>b57</task_id> </TotalRow> sort </etc/hosts.txt") == {
        "task_id": "task_id",
        "totalrow": "TotalRow",
        "hosts.txt": "/etc/hosts.txt",
    }


def test_the_language_of_a_block_of_code_is_no_part_of_its_file() -> None:
    """In 2024, Cursor began a block with both."""
    found = names_in("```python:app/models/cart.py ````text:Notices.txt python:app/till.py ```cpp::vector")
    assert [*found.values()] == ["app/models/cart.py", "Notices.txt", "python:app/till.py", "cpp::vector"]
