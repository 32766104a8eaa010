from __future__ import annotations

from msgspec.structs import replace

from carryover.distill.digest import MOST_TURNS, Digest, Prompt, Turn
from carryover.distill.events.turns import begin, close, with_turn
from carryover.distill.language.prose import Quote
from support.conversation import Conversation


def turn(number: int) -> Turn:
    prompt = Prompt(text=f"Bake loaf number {number}", words=4)
    return Turn(session="s1", number=number, at_ms=number, last_ms=number, prompt=prompt)


def test_the_newest_turn_is_changed_and_without_one_nothing_is() -> None:
    digest = Digest(turns=(turn(1), turn(2)))

    assert with_turn(digest, tests="pass") == Digest(turns=(turn(1), replace(turn(2), tests="pass")))
    assert with_turn(Digest(), tests="pass") == Digest()
    assert close(Digest()) == Digest()


def test_turns_beyond_the_newest_live_on_in_what_they_came_to() -> None:
    digest = Digest()
    for number in range(1, MOST_TURNS + 3):
        digest = close(begin(digest, replace(turn(number), changed=1)))

    assert [kept.number for kept in digest.turns] == list(range(3, MOST_TURNS + 3))
    assert digest.before.lead is not None and digest.before.lead.goal is not None
    assert digest.before.lead.goal.text == "Bake loaf number 1"
    assert digest.before.sessions == {"s1": "s1:1"}


def test_what_an_answer_says_is_read_when_its_turn_is_closed() -> None:
    digest = close(Conversation().user("Build the cart").says("Steam was too slow. It is built.").digest)
    report = digest.turns[0].report

    assert report is not None
    assert report.dead_ends == (Quote("Steam was too slow.", "failure told in the answer", 1.0),)
