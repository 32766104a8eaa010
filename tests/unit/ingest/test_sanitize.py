from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.ingest.sanitize import (
    HEAD_CHARS,
    TAIL_CHARS,
    TOLERANCE_MS,
    RealPaths,
    bound_output,
    clean_body,
    clean_context,
    clean_entry,
    context_without_text,
    with_bounded_times,
)
from carryover.model import (
    AgentSummary,
    AnyBody,
    AssistantMessage,
    Event,
    FileEdit,
    Question,
    Retracted,
    SummaryPart,
    ToolCall,
    ToolResult,
    UserPrompt,
)
from carryover.records.changes import Change

TOKEN = "ghp_" + "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3d"
"""In the form of a token of GitHub; no one's."""


class Context(msgspec.Struct, frozen=True):
    cwd: str = "/repo"
    calls: dict[str, str | list[int]] = {}
    seen: frozenset[str] = frozenset()
    last: UserPrompt | None = None


def summary_with(part: str) -> AgentSummary:
    return AgentSummary(text="x", source="compaction", parts=(SummaryPart("next", "Next", part),))


@pytest.mark.parametrize(
    ("body", "cleaned", "found"),
    [
        (UserPrompt(text=f"use {TOKEN}"), UserPrompt(text="use [redacted:github]"), 1),
        (summary_with(f"use {TOKEN}"), summary_with("use [redacted:github]"), 1),
        (
            Question(call_id="c", text="which?", options=("none", f"{TOKEN} or {TOKEN}")),
            Question(call_id="c", text="which?", options=("none", "[redacted:github] or [redacted:github]")),
            2,
        ),
        (
            FileEdit(path="/repo/src/app.py", change="modify", anchor=f"t = '{TOKEN}'"),
            FileEdit(path="/repo/src/app.py", change="modify", anchor="t = '[redacted:github]'"),
            1,
        ),
        (
            ToolResult(call_id="c", name="Bash", op="shell", status="ok", subject=f"echo {TOKEN}", output=TOKEN),
            ToolResult(
                call_id="c",
                name="Bash",
                op="shell",
                status="ok",
                subject="echo [redacted:github]",
                output="[redacted:github]",
            ),
            2,
        ),
    ],
)
def test_secrets_are_hidden_in_every_text_of_an_event_and_counted(body: AnyBody, cleaned: AnyBody, found: int) -> None:
    counts: Counter[str] = Counter()

    assert clean_body(body, counts) == cleaned
    assert counts == {"github": found}


def test_prompts_and_answers_are_never_cut() -> None:
    counts: Counter[str] = Counter()
    for body in (UserPrompt(text="p" * 200_000), AssistantMessage(text="a" * 200_000)):
        assert clean_body(body, counts) is body


def test_output_is_bounded_and_what_the_agent_left_out_itself_is_added() -> None:
    result = ToolResult(call_id="c", name="Bash", op="shell", status="ok", output="x" * 10_000, dropped=50)

    cleaned: Any = clean_body(result, Counter())

    assert cleaned.dropped == 4_050
    assert len(cleaned.output) < 6_100


def test_secrets_in_the_context_are_hidden_and_its_shape_is_kept() -> None:
    context = Context(
        calls={"c1": f"curl -H {TOKEN}", "c2": [1]}, seen=frozenset({TOKEN}), last=UserPrompt(text=f"{TOKEN} \ud83d")
    )

    stored = clean_context(context)

    assert msgspec.json.decode(stored, type=Context) == Context(
        calls={"c1": "curl -H [redacted:github]", "c2": [1]},
        seen=frozenset({"[redacted:github]"}),
        last=UserPrompt(text="[redacted:github] ?"),
    )


def test_a_context_without_text_keeps_its_ids_and_paths_only() -> None:
    context = Context(cwd="/repo", calls={"c1": "curl"}, seen=frozenset({"one"}), last=UserPrompt(text="Add a parser"))

    assert msgspec.json.decode(context_without_text(context), type=Context) == Context(
        cwd="/repo", calls={"c1": ""}, seen=frozenset({""}), last=UserPrompt(text="")
    )


class Call(msgspec.Struct, frozen=True):
    id: str
    subject: str
    changes: tuple[Change, ...] = ()
    closed: tuple[str, ...] = ()


def test_paths_and_ids_in_the_context_are_no_text_and_stay() -> None:
    """A project folder may look like a key, and its session would lose its project."""
    call = Call(
        id=TOKEN,
        subject=f"cat {TOKEN}",
        changes=(Change(path=f"/srv/{TOKEN}/a.py", change="modify", anchor=f"t = '{TOKEN}'"),),
        closed=(TOKEN,),
    )
    context = Context(cwd=f"/srv/{TOKEN}")

    assert msgspec.json.decode(clean_context(context), type=Context).cwd == f"/srv/{TOKEN}"
    assert msgspec.json.decode(clean_context(call), type=Call) == Call(
        id=TOKEN,
        subject="cat [redacted:github]",
        changes=(Change(path=f"/srv/{TOKEN}/a.py", change="modify", anchor="t = '[redacted:github]'"),),
        closed=(TOKEN,),
    )


def test_a_key_that_cannot_be_stored_as_text_still_names_its_event() -> None:
    odd = "turn \ud83d"
    event = Event(key=odd, session="s1", at_ms=1, body=UserPrompt(text="hello"))
    undone = Event(key="u", session="s1", at_ms=2, body=Retracted(keys=(odd, "turn 2")))

    assert clean_entry("made-up", undone).retracts[0] == clean_entry("made-up", event).key


KEPT = HEAD_CHARS + TAIL_CHARS
SECRET = "key-" + "s" * 60


def as_it_is(text: str) -> str:
    return text


def hide(text: str) -> str:
    return text.replace(SECRET, "[hidden]")


@pytest.mark.parametrize("n", [700, 1_000_000])
def test_long_output_keeps_its_head_and_tail_and_says_what_was_left_out(n: int) -> None:
    bounded, dropped = bound_output("h" * HEAD_CHARS + "m" * n + "t" * TAIL_CHARS, as_it_is)

    assert bounded == "h" * HEAD_CHARS + f"\n[... {n} characters left out ...]\n" + "t" * TAIL_CHARS
    assert dropped == n


@given(before=st.sampled_from([0, 1_470, HEAD_CHARS, 5_000, 90_000]), after=st.integers(0, 140_000))
def test_no_part_of_a_secret_is_kept_wherever_it_stands(before: int, after: int) -> None:
    bounded, _ = bound_output("x" * before + SECRET + "y" * after, hide)

    assert "key-" not in bounded
    assert "s" * 4 not in bounded
    assert len(bounded) < KEPT + 60


NOW_MS = 1_795_200_000_000
DAY_MS = 86_400_000
YEAR_MS = 365 * DAY_MS


def events(*times: int, session: str = "s1") -> list[Event]:
    return [Event(key=str(n), session=session, at_ms=at_ms, body=UserPrompt(text="x")) for n, at_ms in enumerate(times)]


def bounded(*times: int, written_ms: int = NOW_MS) -> list[int]:
    return [event.at_ms for event in with_bounded_times(events(*times), now_ms=NOW_MS, written_ms=written_ms)]


TIMES = st.integers(-1, 10) | st.integers(NOW_MS - DAY_MS, NOW_MS + DAY_MS) | st.just(NOW_MS + YEAR_MS)


@given(times=st.lists(TIMES, max_size=12), written_ms=TIMES)
def test_every_time_is_one_that_can_be_and_the_same_when_bounded_again(times: list[int], written_ms: int) -> None:
    once = with_bounded_times(events(*times), now_ms=NOW_MS, written_ms=written_ms)

    assert [event.key for event in once] == [str(n) for n in range(len(times))]
    assert all(0 < event.at_ms <= NOW_MS + TOLERANCE_MS for event in once)
    assert with_bounded_times(once, now_ms=NOW_MS, written_ms=written_ms) == once


@given(good=st.lists(st.integers(NOW_MS - DAY_MS, NOW_MS), max_size=12).map(sorted), written_ms=TIMES, data=st.data())
def test_records_in_order_stay_in_order_whichever_of_them_lie_ahead_or_have_no_time(
    good: list[int], written_ms: int, data: st.DataObject
) -> None:
    times = [data.draw(st.sampled_from((at_ms, 0, NOW_MS + YEAR_MS))) for at_ms in good]

    found = [e.at_ms for e in with_bounded_times(events(*times), now_ms=NOW_MS, written_ms=written_ms)]

    assert found == sorted(found)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = tmp_path / "disk" / "shop"
    (root / "src").mkdir(parents=True)
    (tmp_path / "link").symlink_to(root)
    return root


@pytest.fixture
def paths(shop: Path) -> RealPaths:
    return RealPaths([str(shop)])


def test_a_file_reached_over_a_link_to_the_project_has_its_real_path(
    tmp_path: Path, shop: Path, paths: RealPaths
) -> None:
    assert paths.of(f"{tmp_path}/link/src/cart.py") == f"{shop}/src/cart.py"
    assert paths.of(f"{tmp_path}/link/gone/cart.py") == f"{shop}/gone/cart.py"


def test_a_file_that_is_a_link_keeps_its_own_name(tmp_path: Path, shop: Path, paths: RealPaths) -> None:
    (tmp_path / "shared.md").write_text("rules\n")
    (shop / "AGENTS.md").symlink_to(tmp_path / "shared.md")

    assert paths.of(f"{tmp_path}/link/AGENTS.md") == f"{shop}/AGENTS.md"
    assert paths.of(f"{tmp_path}/shared.md") == f"{tmp_path}/shared.md"


@pytest.mark.parametrize("path", ["src/cart.py", "", "C:\\shop\\cart.py", "/nul\0here/cart.py", "/other/shop/cart.py"])
def test_what_is_not_in_the_project_stays_as_it_is_recorded(paths: RealPaths, path: str) -> None:
    assert paths.of(path) == path


def test_edits_and_the_calls_that_make_them_are_renamed_and_nothing_else(
    tmp_path: Path, shop: Path, paths: RealPaths
) -> None:
    linked, real = f"{tmp_path}/link/a.py", f"{shop}/a.py"

    def renamed(body: AnyBody) -> AnyBody:
        return paths.of_event(Event(key="k", session="s", at_ms=1, body=body)).body

    assert renamed(FileEdit(path=linked, change="modify")) == FileEdit(path=real, change="modify")
    moved = FileEdit(path=linked, change="rename", old_path=f"{tmp_path}/link/b.py")
    assert renamed(moved) == FileEdit(path=real, change="rename", old_path=f"{shop}/b.py")
    call = ToolCall(call_id="c", name="Edit", op="edit", subject=linked)
    assert renamed(call) == ToolCall(call_id="c", name="Edit", op="edit", subject=real)
    result = ToolResult(call_id="c", name="Write", op="write", status="ok", subject=linked)
    assert renamed(result) == ToolResult(call_id="c", name="Write", op="write", status="ok", subject=real)
    for body in (
        ToolCall(call_id="c", name="Bash", op="shell", subject=linked),
        UserPrompt(text=linked),
    ):
        assert renamed(body) is body
