"""In which projects work stands still at a usage limit."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from carryover.config import AgentsConfig, Config
from carryover.ledger.queries import project_by_root
from carryover.model import SessionInfo, TokensUsed, TurnEnd, UserPrompt
from carryover.publish.limits import limited_projects
from carryover.publish.make import made_handoff
from support.scribe import Scribe, execute

NOW_MS = 1_000_000
LIMIT = TurnEnd(reason="limit", message="You've hit your limit.")


def limited(scribe: Scribe, *, since_ms: int = 500_000) -> list[str]:
    return [*limited_projects(scribe.db, (), since_ms=since_ms, now_ms=NOW_MS)]


@pytest.mark.parametrize("subagent_id", [None, "a1"], ids=["conversation", "nothing but a sub-agent"])
async def test_a_limit_stands_until_it_is_too_old_or_somebody_works_on(scribe: Scribe, subagent_id: str | None) -> None:
    told = [
        scribe.event(body, at_ms=at_ms, subagent_id=subagent_id)
        for body, at_ms in ((UserPrompt(text="Add a parser"), 600_000), (LIMIT, 700_000))
    ]
    await scribe.tell(*told)
    assert limited(scribe) == ["/repo"]
    assert limited(scribe, since_ms=800_000) == []

    await scribe.tell(
        scribe.event("Go on", session="s2", at_ms=750_000),
        scribe.event(SessionInfo(title="Parser"), session="s2", at_ms=750_000),
        scribe.event(TurnEnd(reason="interrupted"), session="s2", at_ms=760_000),
        path="/t/two.jsonl",
    )
    assert limited(scribe) == ["/repo"], "nothing was done there"


async def test_a_limit_is_over_once_a_model_has_answered_the_agent_elsewhere(scribe: Scribe) -> None:
    """Until then, what another session had asked for before is still answered."""
    await scribe.tell(scribe.event("Add a parser", at_ms=60_000), scribe.event(LIMIT, at_ms=100_000))
    counted = []
    for number, minutes in enumerate((1, 11)):
        at_ms, session = 100_000 + minutes * 60_000, f"b{number}"
        tokens = (TokensUsed(key=session, session=session, at_ms=at_ms, input=10, output=5),)
        blog = scribe.prepared(scribe.event("Add a post", session=session, cwd="/blog", at_ms=at_ms))
        await scribe.commit(msgspec.structs.replace(blog, tokens=tokens), path=f"/t/{session}.jsonl")
        counted.append(limited(scribe, since_ms=0))

    assert counted == [["/repo"], []]


async def test_a_limit_stands_that_an_earlier_version_has_read(scribe: Scribe) -> None:
    await scribe.tell(scribe.event("Add a parser", at_ms=600_000), scribe.event(LIMIT, at_ms=700_000))
    execute(scribe.ledger.path, "UPDATE thread SET fold_version = 1, digest = CAST('{}' AS BLOB)")

    assert limited(scribe) == ["/repo"]


async def test_what_is_offered_stays_in_its_order_whatever_is_used_elsewhere_later(scribe: Scribe) -> None:
    """A handoff in a file is not written again for that, and says the same as `status`."""
    codex, pi = (replace(scribe, agent=agent) for agent in ("codex", "pi"))

    async def work(of: Scribe, session: str, at_ms: int) -> None:
        await of.tell(of.event("Add a post", session=session, cwd="/blog", at_ms=at_ms), path=f"/t/{session}.jsonl")

    def offered() -> tuple[str, ...] | None:
        [limit] = limited_projects(scribe.db, ("pi", "codex"), since_ms=0, now_ms=NOW_MS).values()
        return limit.others

    await work(pi, "p1", 400_000)
    await work(codex, "c1", 500_000)
    await scribe.tell(scribe.event("Add a parser", at_ms=600_000), scribe.event(LIMIT, at_ms=700_000))
    assert offered() == ("codex", "pi")
    await work(pi, "p2", 800_000)
    assert offered() == ("codex", "pi")


async def test_a_handoff_offers_the_agents_that_have_worked_unless_others_were_selected(scribe: Scribe) -> None:
    codex = replace(scribe, agent="codex")
    await codex.tell(codex.event("Add a post", session="c1", cwd="/blog", at_ms=500_000), path="/t/c1.jsonl")
    await scribe.tell(scribe.event("Add a parser", at_ms=600_000), scribe.event(LIMIT, at_ms=700_000))
    project = project_by_root(scribe.db, "/repo")
    assert project is not None

    for selected, others in ((None, "`carryover to codex`"), (("pi",), "`carryover to pi`")):
        config = Config(agents=AgentsConfig(selected=selected))
        text = made_handoff(scribe.db, project.id, config, now_ms=NOW_MS).text
        assert text is not None and f"for the user: {others} continues elsewhere" in text


async def test_no_limit_is_told_of_a_project_of_another_machine(scribe: Scribe) -> None:
    await scribe.tell(scribe.event("Add a parser", at_ms=600_000), scribe.event(LIMIT, at_ms=700_000))
    execute(scribe.ledger.path, "UPDATE project SET root = 'box:/repo'")

    assert limited(scribe) == []
