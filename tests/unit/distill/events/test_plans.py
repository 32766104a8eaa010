from __future__ import annotations

from carryover.distill.view import Note
from carryover.model import PlanItem, PlanProposal, PlanUpdate
from support.conversation import Conversation


def test_the_todo_list_is_kept_as_it_is_now_with_its_turn() -> None:
    talk = Conversation().user("Build the shop").event(PlanUpdate(items=(PlanItem(text="cart"),)))
    talk.user("and the till").event(PlanUpdate(items=(PlanItem(text="the\ncart", state="done"), PlanItem(text="till"))))

    assert talk.digest.plan == (PlanItem(text="the cart", state="done"), PlanItem(text="till"))
    assert (talk.digest.plan_ms, talk.digest.plan_turn) == (talk.at_ms, 2)


def test_a_long_list_and_long_items_are_cut() -> None:
    talk = Conversation().user("Build the shop")
    talk.event(PlanUpdate(items=tuple(PlanItem(text="x" * 999) for _ in range(99))))

    assert (len(talk.digest.plan), {len(item.text) for item in talk.digest.plan}) == (40, {160})


def test_a_written_plan_waits_by_its_heading_until_the_user_rules_on_it() -> None:
    waiting = Conversation().user("Build the shop").event(PlanProposal(call_id="p", text="\n# **Shop** plan\nsteps"))
    assert waiting.digest.proposal == "Shop plan"

    refused = waiting.event(PlanProposal(call_id="p", text="# Shop plan", accepted=False))
    assert (refused.digest.proposal, refused.turn.accepted_plan, refused.notes) == (None, "", [])


def test_an_accepted_plan_is_what_the_turn_goes_by_and_a_step_of_progress() -> None:
    talk = Conversation().user("Build the shop").event(PlanProposal(call_id="p", text="# Shop plan"))
    talk.event(PlanProposal(call_id="p", text="# Shop plan", accepted=True))

    assert (talk.digest.proposal, talk.turn.accepted_plan) == (None, "Shop plan")
    assert talk.notes == [Note(kind="progress", text="plan accepted: Shop plan", at_ms=talk.at_ms)]


def test_a_new_prompt_drops_a_plan_that_waits() -> None:
    talk = Conversation().user("Build the shop").event(PlanProposal(call_id="p", text="")).user("no, a smaller one")

    assert talk.digest.proposal is None
