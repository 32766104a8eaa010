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


NO_SEARCH = "GitHub search tools not available. Log in to enable full research capabilities."


@pytest.mark.parametrize(
    ("shown", "sent", "prompt"),
    [
        (
            "Review: the till\n\nof June",
            "Additional instructions: the till\n\nof June",
            ("/review", "the till\n\nof June"),
        ),
        ("Review: my code changes", "The user has requested a code review via ...", ("/review", "")),
        ("Security Review: analyzing for vulnerabilities", "The user has ...", ("/security-review", "")),
        (f"{NO_SEARCH}\n\nResearching: how tills work", "... how tills work", ("/research", "how tills work")),
        ("Fleet deployed: paint it", "You are now in fleet mode ... paint it", ("/fleet", "paint it")),
        ("Review: the till", "<current_datetime>...\n\nReview: the till", (None, "Review: the till")),
        ("Review: the till", "", (None, "Review: the till")),
        ("Review: the till", "What a hook has made of it", (None, "Review: the till")),
        ("Reviewing: the till", "...", (None, "Reviewing: the till")),
    ],
)
def test_a_command_that_the_client_words_is_that_command(
    session: CopilotSession, shown: str, sent: str, prompt: tuple[str | None, str]
) -> None:
    """Runs of 1.0.102; the commands without words: source."""
    session.record("user.message", content=shown, transformedContent=sent)

    newest = of(read(session).events, model.UserPrompt)[-1]
    assert (newest.command, newest.text) == prompt


@pytest.mark.parametrize("source", ["assisted_approval", "unattended_fallback"])
def test_a_reason_that_the_client_gives_in_the_users_place_is_not_theirs(session: CopilotSession, source: str) -> None:
    decision = {"kind": "denied-interactively-by-user", "feedback": "It deletes files."}
    session.call("c1", "bash", command="rm z")
    session.record("permission.completed", toolCallId="c1", result=decision, decisionSource=source)
    session.failed("c1", "The user rejected this tool call. User feedback: It deletes files.", "denied")

    events = read(session).events
    assert [result.user_words for result in of(events, model.ToolResult)] == [""]
    assert "It deletes files." not in [prompt.text for prompt in of(events, model.UserPrompt)]


def test_a_call_for_a_plan_that_fails_is_no_ruling_of_the_user(session: CopilotSession) -> None:
    session.call("c1", "exit_plan_mode", summary="First the cart.")
    session.failed("c1", "Not in plan mode.")

    assert [plan.accepted for plan in of(read(session).events, model.PlanProposal)] == [None]


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
