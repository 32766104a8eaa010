"""What was typed in another place than the prompt, and what the client says in the user's place."""

from __future__ import annotations

import pytest

from agents.copilot.session import CopilotSession, of, read
from carryover import model


def test_an_objective_of_autopilot_is_a_prompt_and_how_the_client_goes_on_is_none(session: CopilotSession) -> None:
    """1.0.102: run."""
    session.record("session.compaction_complete", success=True, summaryContent="Prices.")
    session.record("user.message", content="Autopilot objective: Make it green: all", source="autopilot-objective")
    session.record("user.message", content="", source="autopilot")

    found = read(session)
    newest = of(found.events, model.UserPrompt)[-1]
    assert (newest.command, newest.text) == ("/autopilot", "Make it green: all")
    assert found.context.prompted


@pytest.mark.parametrize("source", ["assisted_approval", "unattended_fallback"])
def test_a_reason_that_the_client_gives_in_the_users_place_is_not_theirs(session: CopilotSession, source: str) -> None:
    decision = {"kind": "denied-interactively-by-user", "feedback": "It deletes files."}
    session.call("c1", "bash", command="rm z")
    session.record("permission.completed", toolCallId="c1", result=decision, decisionSource=source)
    session.failed("c1", "The user rejected this tool call. User feedback: It deletes files.", "denied")

    events = read(session).events
    assert [result.user_words for result in of(events, model.ToolResult)] == [""]
    assert "It deletes files." not in [prompt.text for prompt in of(events, model.UserPrompt)]


@pytest.mark.parametrize("recorded", [True, False])
def test_what_was_typed_about_a_plan_refuses_it(session: CopilotSession, recorded: bool) -> None:
    """The call has succeeded all the same (1.0.102)."""
    said = "Only whole cents please"
    session.call("c1", "exit_plan_mode", summary="First the cart.")
    if recorded:
        response = {"responseKind": "exit_plan_mode", "approved": False, "feedback": said}
        session.record("human_response.recorded", toolCallId="c1", actor="human_response", response=response)
    session.done("c1", f"Plan not approved. User feedback:\n\n{said}\n\nPlease update the plan.")

    events = read(session).events
    assert [plan.accepted for plan in of(events, model.PlanProposal)] == [None, False]
    assert [result.user_words for result in of(events, model.ToolResult)] == [said if recorded else ""]
    assert (said in [prompt.text for prompt in of(events, model.UserPrompt)]) == recorded
