"""What a name is worth to the next agent, and the table that says so."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from carryover.distill.digest import Digest, Name
from carryover.distill.learned import LINE, NAME
from carryover.distill.names import names_in
from carryover.distill.view import ProjectView, SessionView
from carryover.distill.worth import InPlay, described, in_play, mentioned, worth
from carryover.model import BackgroundTask
from support.conversation import Conversation, project

counts = st.integers(0, 1_000_000)
NOW = 10


def name(**known: int) -> Name:
    once = {"mentions": 1, "said": 0, "called": 0, "last": 1, "last_said": 0, "last_called": 0}
    return Name("cart.py", **{**once, **known})


ONCE = name(said=1, last=5, last_said=5)


def thread(heard: int, **names: Name) -> Digest:
    return Digest(names={key.replace("_", "."): known for key, known in names.items()}, heard=heard)


def view(*sessions: tuple[Digest, ...]) -> ProjectView:
    """The view of sessions, the newest first, each with its threads."""
    views = (
        SessionView(session=f"s{at}", agent="codex", started_ms=0, last_ms=0, digest=main, subagents=tuple(others))
        for at, (main, *others) in enumerate(sessions)
    )
    return ProjectView(root="/shop", sessions=tuple(views))


@given(text=st.text(max_size=80), seen=st.builds(Name, st.just(""), *[counts] * 6), since=counts)
def test_a_worth_is_a_chance(text: str, seen: Name, since: int) -> None:
    assert 0 <= worth(text, seen, max(seen.last, seen.last_said, seen.last_called) + since) <= 1


def test_each_thing_known_of_a_name_has_a_number_and_the_other_way_round() -> None:
    assert len(described("cart.py", ONCE, NOW)) == len(NAME)
    assert set(LINE) == {"any line", "turns since"}


def test_a_name_mentioned_more_and_later_is_worth_more() -> None:
    assert worth("cart.py", replace(ONCE, mentions=9), NOW) > worth("cart.py", ONCE, NOW)
    assert worth("cart.py", replace(ONCE, last=NOW, last_said=NOW), NOW) > worth("cart.py", ONCE, NOW)


def test_a_file_is_worth_more_than_a_plain_word() -> None:
    assert worth("cart.py", ONCE, NOW) > worth("discount", ONCE, NOW)


def test_mentions_of_a_name_in_two_threads_are_added_and_the_latest_counts() -> None:
    main = thread(10, cart_py=name(mentions=2, said=2, last=8, last_said=8))
    agent = thread(4, cart_py=name(mentions=1, called=1, last=3, last_called=3))

    assert mentioned(view((main, agent))) == (
        {"cart.py": Name("cart.py", 3, said=2, called=1, last=13, last_said=12, last_called=13)},
        14,
    )


def test_the_latest_mention_counts_whichever_thread_has_it() -> None:
    late, early = (
        {"a_py": name(last=at), "b_py": name(said=1, last_said=at), "c_py": name(called=1, last_called=at)}
        for at in (9, 1)
    )

    names, _ = mentioned(view((thread(10, **late), thread(4, **early))))
    assert (names["a.py"].last, names["b.py"].last_said, names["c.py"].last_called) == (13, 13, 13)


def test_a_name_of_an_earlier_session_is_as_old_as_all_that_came_since() -> None:
    newer = thread(6, other_py=name(said=1, last=6, last_said=6))
    older = thread(5, cart_py=name(said=1, last=2, last_said=2))

    names, now = mentioned(view((newer,), (older,)))
    assert (now, names["cart.py"]) == (11, name(said=1, last=2, last_said=2))
    assert names["other.py"].last == 11


def test_of_earlier_sessions_a_name_counts_that_was_said_or_called() -> None:
    newer = thread(6, both_py=name(last=6))
    helper = thread(6, listed_py=name(last=5))
    older = thread(5, said_py=name(said=1, last=2, last_said=2), printed_py=name(last=3), both_py=name(last=4))

    names, _ = mentioned(view((newer, helper), (older,)))
    assert set(names) == {"both.py", "listed.py", "said.py"}
    assert names["both.py"].mentions == 2


def test_the_id_of_a_job_is_in_play_for_no_other_session() -> None:
    """Claude Code's: `bash_1`, then a letter and what is random."""
    talk = Conversation().user("Serve it.").ran("npm run dev", "Command running in background with ID: bq4kz1x.")
    talk.event(BackgroundTask(task_id="bq4kz1x", state="running", label="npm run dev"))
    talk.ran("tail /tmp/tasks/bq4kz1x.output", "ready on localhost").says("It is bq4kz1x; see bq4kz1x-notes.md.")
    begun, _ = mentioned(project(talk))
    talk.event(BackgroundTask(task_id="bq4kz1x", state="done"))
    ended, _ = mentioned(project(talk))

    for names in (begun, ended):
        assert {name for name in names if "bq4kz1x" in name} == {"bq4kz1x-notes.md"}
        assert "localhost" in names


def test_a_name_is_shown_as_the_newest_session_wrote_it() -> None:
    older = Conversation(session="s1").user("Change lib/cart.py.")
    newer = Conversation(session="s2", at_ms=older.at_ms + 1).user("Change src/Cart.py.")

    in_both = in_play(*mentioned(project(older, newer)))
    assert in_both["cart.py"].shown == "src/Cart.py"
    assert in_both.keys() == names_in("cart.py Change").keys()


def test_nothing_is_in_play_where_nothing_happened() -> None:
    assert in_play(*mentioned(view())) == {}
    assert in_play({"cart.py": name(last=1)}, 1) == {"cart.py": InPlay("cart.py", worth("cart.py", name(last=1), 1))}
