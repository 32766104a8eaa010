"""A handoff is made once of the same facts, and is the one that would be made now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from carryover.agents import agent_names
from carryover.distill.handoff import Handoff, distill
from carryover.distill.view import ProjectView
from carryover.facts import FileFacts, GitFacts
from carryover.model import TurnEnd
from carryover.publish import distilled as module
from carryover.publish.distilled import MOST_KEPT, distilled
from support.conversation import MINUTE_MS, START_MS, Conversation, project

LATER_MS = START_MS + 10_000 * MINUTE_MS

Make = Callable[..., Handoff | None]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Handoff | None]:
    """What is made and not given again."""
    module._kept.clear()
    results: list[Handoff | None] = []

    def counted(*args: Any, **kwargs: Any) -> Handoff | None:
        results.append(distill(*args, **kwargs))
        return results[-1]

    monkeypatch.setattr(module, "distill", counted)
    return results


def discount(text: str = "Add a discount to the cart") -> Conversation:
    return Conversation().user(text).edited("cart.py").says("Done. Next I will wire it into checkout.")


def given(view: ProjectView, git: GitFacts | None = None, **options: Any) -> Handoff | None:
    return distilled(view, git, options.pop("files", {}), **{"resume": "ask", "now_ms": LATER_MS, **options})


def test_what_was_made_of_the_same_facts_is_given_again(made: list[Handoff | None]) -> None:
    first = given(project(discount()))
    again = given(project(discount()), now_ms=LATER_MS + 1)

    assert again is first
    assert len(made) == 1
    assert first == distill(project(discount()), None, {}, resume="ask", now_ms=LATER_MS + 1, agent_names=agent_names())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"git": GitFacts(branch="main", head="abc1234")}, id="git"),
        pytest.param({"files": {"cart.py": FileFacts(exists=False)}}, id="a file"),
        pytest.param({"resume": "silent"}, id="a setting"),
        pytest.param({"own": "s1"}, id="the session"),
        pytest.param({"view": project(discount("Paint it"))}, id="what happened"),
    ],
)
def test_of_other_facts_another_one_is_made(made: list[Handoff | None], change: dict[str, Any]) -> None:
    given(project(discount()))
    given(**{"view": project(discount()), **change})

    assert len(made) == 2


def test_one_that_was_cut_at_its_time_is_not_given_later(made: list[Handoff | None]) -> None:
    """The records of a machine whose clock was ahead seem to come from the future."""
    early = given(project(discount()), now_ms=START_MS)
    later = given(project(discount()), now_ms=LATER_MS)

    assert early is not None
    assert later is not None
    assert (early.updated_ms, later.updated_ms) == (START_MS, project(discount()).sessions[0].newest_ms)
    assert given(project(discount()), now_ms=START_MS) == early


def test_the_agents_to_carry_on_in_matter_at_a_limit_alone(made: list[Handoff | None]) -> None:
    given(project(discount()))
    given(project(discount()), startable=("codex",))
    assert len(made) == 1

    stopped = discount().event(TurnEnd(reason="limit"))
    assert given(project(stopped)) != given(project(stopped), startable=("codex",))
    given(project(stopped), startable=("codex",))
    assert len(made) == 3


def test_no_more_are_kept_than_are_of_use(made: list[Handoff | None]) -> None:
    for number in range(MOST_KEPT + 1):
        given(project(discount(f"Make part {number}")))
    given(project(discount("Make part 0")))

    assert len(made) == MOST_KEPT + 2
    assert len(module._kept) == MOST_KEPT
