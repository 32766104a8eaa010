from __future__ import annotations

import pytest

from carryover.distill.digest import AwaySummary
from carryover.distill.work.merge import work_of
from carryover.model import AgentSummary, AssistantMessage
from support.conversation import Conversation, project

HANDOFF = (
    "# [CARRYOVER] Last updated 2026-11-20T06:00:00Z from Codex\n## Task\n- Bake\nFull history: `carryover show a`"
)


def talk() -> Conversation:
    return Conversation().user("Fix the cart")


@pytest.mark.parametrize(("final", "done"), [(True, True), (None, True), (False, False)])
def test_a_text_that_is_not_said_to_go_on_ends_its_turn(final: bool | None, done: bool) -> None:
    said = talk().says("It is fixed.", final=final)

    assert (said.digest.is_done, said.turn.text, said.turn.last_ms) == (done, "It is fixed.", said.at_ms)


def test_a_text_that_was_cut_off_does_not() -> None:
    assert not talk().event(AssistantMessage(text="It is", final=True, aborted=True)).digest.is_done


def test_what_follows_opens_the_turn_again() -> None:
    assert not talk().says("I'll look.", final=None).calls("ls").digest.is_done
    assert not talk().says("Fixed.").says("One more thing.", final=False).digest.is_done


def test_an_earlier_text_is_kept_by_what_it_says_that_it_does() -> None:
    said = talk().says("The sensor is wet. I'll dry it.", final=False).says("Dried.")

    assert (said.turn.text, said.turn.doing) == ("Dried.", "I'll dry it.")


def test_what_an_earlier_text_found_and_gave_up_is_kept() -> None:
    said = talk().says(
        "It stops because `sensor.py` reads pin 12.\nSteam is too slow, so I switch to gas.", final=False
    )
    said.calls("make gas")

    assert [quote.text for quote in said.turn.findings] == ["It stops because `sensor.py` reads pin 12."]
    assert [quote.text for quote in said.turn.dead_ends] == ["Steam is too slow, so I switch to gas."]


def test_the_mark_of_the_brief_protocol_and_a_handoff_are_not_the_assistants_words() -> None:
    assert talk().says("(resuming: add a discount) The cap is in place.").turn.text == "The cap is in place."
    assert talk().says(f"Here:\n{HANDOFF}\nShall I?").turn.text == "Here:\n\n\nShall I?"
    assert talk().says(HANDOFF).digest == talk().digest


def test_words_before_any_prompt_say_nothing() -> None:
    assert work_of(project(Conversation().says("Hello!"))).lead is None


def test_of_a_very_long_text_beginning_and_end_are_kept() -> None:
    text = talk().says("first " + "x" * 20_000 + " last").turn.text

    assert len(text) <= 8000
    assert (text[:6], text[-5:]) == ("first ", " last")


def test_the_first_thing_said_after_a_failure_is_its_remark() -> None:
    said = talk().ran("npm run deploy", "Error: no bucket", status="error").says("No bucket there. Hm.", final=False)

    assert [failure.remark for failure in said.digest.failures] == ["No bucket there."]
    assert [failure.remark for failure in said.says("Again.", final=False).digest.failures] == ["No bucket there."]


def test_of_two_failures_the_newest_is_remarked_upon() -> None:
    said = talk().ran("npm run deploy", "Error: no bucket", status="error").ran("make x", "error: no y", status="error")

    assert [failure.remark for failure in said.says("No y there.", final=False).digest.failures] == ["", "No y there."]


def test_a_failure_of_an_earlier_turn_is_not_remarked_upon() -> None:
    said = talk().ran("npm run deploy", "Error: no bucket", status="error").user("Bake a loaf").says("Baked.")

    assert [failure.remark for failure in said.digest.failures] == [""]


def test_what_the_agent_told_a_user_who_was_away_is_kept_and_its_summaries_for_itself_are_not() -> None:
    away = talk().event(AgentSummary(source="away", text="Goal: a cart.\nNext action: wire it."))
    compacted = talk().event(AgentSummary(source="compaction", text="All of it."))

    assert away.digest.away_summary == AwaySummary(text="Goal: a cart. Next action: wire it.", at_ms=away.at_ms)
    assert compacted.digest == talk().digest
