"""What a name is worth to the next agent, and the table that says so."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from carryover.distill.learned import LINE, NAME
from carryover.distill.names import Name, names_in
from carryover.distill.worth import InPlay, Mentions, described, in_play, mentioned, names_in_play, worth
from support.conversation import Conversation, project

counts = st.integers(0, 1_000_000)
ONCE = Mentions(mentions=1, said=1, called=0, age=5, said_age=5, called_age=10, length=10)


def name(**known: int) -> Name:
    once = {"mentions": 1, "said": 0, "called": 0, "last": 1, "last_said": 0, "last_called": 0}
    return Name("cart.py", **{**once, **known})


@given(
    text=st.text(max_size=80),
    seen=st.builds(Mentions, counts, counts, counts, counts, counts, counts, counts),
)
def test_a_worth_is_a_chance(text: str, seen: Mentions) -> None:
    assert 0 <= worth(text, seen) <= 1


def test_each_thing_known_of_a_name_has_a_number_and_the_other_way_round() -> None:
    assert [row for row, _ in described("cart.py", ONCE)] == list(NAME)
    assert set(LINE) == {"any line", "turns since"}


def test_a_name_mentioned_more_and_later_is_worth_more() -> None:
    assert worth("cart.py", ONCE._replace(mentions=9)) > worth("cart.py", ONCE)
    assert worth("cart.py", ONCE._replace(age=0, said_age=0)) > worth("cart.py", ONCE)


def test_a_file_is_worth_more_than_a_plain_word() -> None:
    assert worth("cart.py", ONCE) > worth("discount", ONCE)


def test_mentions_of_a_name_in_two_threads_are_added_and_the_latest_counts() -> None:
    main = ({"cart.py": name(mentions=2, said=2, last=8, last_said=8)}, 10)
    agent = ({"cart.py": name(mentions=1, called=1, last=3, last_called=3)}, 4)

    assert mentioned([[main, agent]]) == {
        "cart.py": ("cart.py", Mentions(3, said=2, called=1, age=1, said_age=2, called_age=1, length=14))
    }


def test_a_name_of_an_earlier_session_is_as_old_as_all_that_came_since() -> None:
    newer = [({"other.py": name(said=1, last=6, last_said=6)}, 6)]
    older = [({"cart.py": name(said=1, last=2, last_said=2)}, 5)]

    _, seen = mentioned([newer, older])["cart.py"]
    assert seen == Mentions(1, said=1, called=0, age=9, said_age=9, called_age=11, length=11)


def test_a_name_is_shown_as_the_newest_session_wrote_it() -> None:
    older = Conversation(session="s1").user("Change lib/cart.py.")
    newer = Conversation(session="s2", at_ms=older.at_ms + 1).user("Change src/Cart.py.")

    in_both = names_in_play(project(older, newer))
    assert in_both["cart.py"].shown == "src/Cart.py"
    assert in_both.keys() == names_in("cart.py Change").keys()


def test_nothing_is_in_play_where_nothing_happened() -> None:
    assert in_play([]) == {}
    assert in_play([[({"cart.py": name(last=1)}, 1)]]) == {
        "cart.py": InPlay("cart.py", worth("cart.py", Mentions(1, 0, 0, 0, 1, 1, 1)))
    }
