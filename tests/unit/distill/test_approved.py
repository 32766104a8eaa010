"""The plan below a prompt that only names a file that has it."""

from carryover import model
from carryover.distill.render import render
from support.conversation import MINUTE_MS, START_MS, Conversation, handoff, session, under

NAMES_FILE = "Read the approved plan at /home/dev/.codex/attachments/1/approved-plan.md and implement it."
"""As "Yes, clear context and implement" of Codex 0.171 writes it."""
PLAN = "1. The page.\n2. Its link."


def offered(name: str, plan: str, *, hours: int = 0, agent: str = "codex") -> Conversation:
    talk = session(name, hours=hours, agent=agent).user("Plan it.")
    return talk.event(model.PlanProposal(call_id="p", text=plan))


def carrying_out(text: str, *, minutes: int = 10, agent: str = "codex") -> Conversation:
    lead = Conversation(session="lead", agent=agent, at_ms=START_MS + minutes * MINUTE_MS)
    return lead.event(model.UserPrompt(text=text, accepts_plan=True)).edited("link.py")


def test_a_prompt_that_names_the_file_of_an_accepted_plan_has_the_plan_that_waited() -> None:
    planned = [offered(f"p{at}", f"1. The page of p{at}.\n2. Its link.", hours=at) for at in (0, 3)]
    lead = carrying_out(NAMES_FILE, minutes=240)

    made = render(handoff(*planned, lead))
    assert "1. The page of p3" in under("Task", *planned, lead)
    assert "plan waits for the user's word (turn 1 of p0" in made
    assert "turn 1 of p3" not in made.partition("## Open questions")[2].partition("##")[0]
    assert "The page" not in under("Task", planned[0], lead)


def test_a_plan_that_waits_names_the_file_that_has_all_of_it() -> None:
    file = "/home/dev/.claude/plans/pears.md"
    talk = session("p0").user("Plan it.").event(model.PlanProposal(call_id="p", text=PLAN, file=file))

    made = under("Open questions", talk)
    theirs = session("p0").user("Plan it.").event(model.PlanProposal(call_id="p", text=PLAN, file=f"laptop:{file}"))

    assert "all of it" not in under("Open questions", theirs), "it is on another machine"
    assert "plan waits for the user's word (turn 1" in made and f"; all of it: `{file}`): 1. The page." in made


def test_a_plan_of_another_agent_or_one_that_the_user_decided_about_is_not_put_there() -> None:
    lead = carrying_out(NAMES_FILE)
    assert "The page" in under("Task", offered("own", PLAN), lead)

    decided = offered("decided", PLAN).event(model.PlanProposal(call_id="", text="", accepted=True))
    assert "The page" not in under("Task", decided, lead)
    assert "The page" not in under("Task", offered("other", PLAN, agent="claude-code"), lead)


def test_a_prompt_that_names_kilos_file_has_no_other_name_below_it() -> None:
    """Kilo's plan is the name of its file (7.7.9)."""
    page, tax = (offered(name, f".kilo/plans/{name}.md", agent="kilo") for name in ("page", "tax"))
    lead = carrying_out("Plan file: .kilo/plans/page.md", agent="kilo")

    assert under("Task", tax, page, lead).count(".kilo/plans") == 1
    assert "plan waits for the user's word (turn 1 of tax" in render(handoff(tax, page, lead))
