"""What must still be there after a follow-up, a limit, and a second and third agent."""

from __future__ import annotations

import pytest

from carryover.model import PlanItem, PlanUpdate, TurnEnd
from support.conversation import MINUTE_MS, Conversation, section

GOAL = "Add a token-bucket rate limiter to the /login endpoint and cover it with tests."
STEP = "Next I will wire the limiter into middleware.py."
QUESTION = "Should refused requests get a 429 or a 403?"


def first_session() -> Conversation:
    talk = Conversation().user(GOAL)
    talk.ran("login.py", op="edit", name="Edit").edited("login.py")
    return talk.says(f"The bucket works. {STEP} {QUESTION}")


def later_session(before: Conversation, name: str, agent: str = "codex") -> Conversation:
    return Conversation(session=name, agent=agent, at_ms=before.at_ms + 5 * MINUTE_MS)


def test_a_follow_up_stays_below_its_goal() -> None:
    talk = first_session().user("No Redis here. Keep the buckets in memory.")
    talk.ran("login.py", op="edit", name="Edit").edited("login.py").says("Understood, it is in memory now.")

    assert section(talk, title="Task") == [GOAL, "Then: No Redis here. Keep the buckets in memory."]
    assert section(talk, title="Decisions") == [], "it stands in Task"
    talk.user("Also log refused requests to access.log")
    talk.ran("login.py", op="edit", name="Edit").edited("login.py").says("They are logged.")
    assert section(talk, title="Task") == [GOAL, "Then: Also log refused requests to access.log"]
    assert section(talk, title="Decisions") == ["Keep the buckets in memory.", "No Redis here."]


@pytest.mark.parametrize(
    ("prompt", "reply"),
    [
        (
            "continue",
            "We are at the limiter; next is middleware.py. Do you want to continue from here, or are you starting"
            " something different?",
        ),
        ("carry on where Claude left off", "I have read the handoff. Shall I go on with middleware.py?"),
        ("hello", "Hello! What can I do for you?"),
        ("what is left to do?", "The middleware and the tests."),
        ("thanks", "You're welcome!"),
        (
            "mach da weiter, wo wir waren",
            "Ich lese die Übergabe. Soll ich von hier weitermachen oder beginnst du etwas anderes?",
        ),
    ],
    ids=["protocol", "paraphrase", "greeting", "question", "thanks", "german"],
)
def test_a_second_session_that_only_talks_takes_nothing_away(prompt: str, reply: str) -> None:
    first = first_session()
    second = later_session(first, "s2").user(prompt).says(reply)

    assert section(first, second, title="Task") == [GOAL]
    assert section(first, second, title="Open questions") == [QUESTION]
    assert section(first, second, title="Next action")[0] == STEP


@pytest.mark.parametrize(
    "reply",
    [
        "Which of the three products should it be about?",
        "Drafted three sections. Open question: should the price be on the first screen?",
    ],
)
def test_a_request_of_a_second_session_counts_though_its_agent_asks_back(reply: str) -> None:
    first = first_session()
    second = later_session(first, "s2").user("Write the copy of the landing page: friendly tone, three sections")
    second.says(reply)

    task = section(first, second, title="Task")
    questions = section(first, second, title="Open questions")
    assert task[0] == "Write the copy of the landing page: friendly tone, three sections"
    assert [question for question in questions if question != QUESTION] == [
        reply.rpartition(". ")[2].removeprefix("Open question: ")
    ]


def test_what_begins_with_approval_is_a_step_of_the_work_that_it_approves() -> None:
    goal = "I'm writing chapter 3 of my thesis on urban heat islands, with the sections data, method and results."
    step = (
        "good. the station list is in data/stations.csv, 14 stations. drop station 7, its sensor was broken in july, "
        "and say so in a footnote"
    )
    talk = Conversation().user(goal).edited("ch3.md").says("The section on data is written.")
    talk.user(step).edited("ch3.md").says("The stations are in a table.")

    assert section(talk, title="Task") == [goal, f"Then: {step}"]


def test_a_long_specification_is_a_task_though_it_names_what_is_there() -> None:
    first = first_session()
    specification = (
        "The limiter of login.py in middleware.py should become a package that other services use. Put it in a folder "
        "ratelimit with its own pyproject.toml. It gets a class Bucket with capacity and refill, a decorator for "
        "handlers, and an adapter for each framework that we have. The login endpoint uses it like everybody else. "
        "Write a README with an example for each framework, publish it to the internal index, and remove the copies "
        "in the billing and search services. The old import path stays as an alias for one release and warns."
    )
    first.user(specification).edited("ratelimit/__init__.py").says("The package is there.")

    assert section(first, title="Task")[0].startswith("The limiter of login.py in middleware.py should")


def test_a_longer_answer_that_begins_with_a_choice_says_which_one_it_is() -> None:
    talk = Conversation().user("Bake some bread for the guests of tomorrow evening").edited("bread.md")
    talk.says("Two flours:\n\n1. rye\n2. spelt\n\nSpelt rises better. Which way do you lean?")
    talk.user("2 makes sense, but bake it darker than the last one and no seeds, never again")
    talk.edited("bread.md").says("It is in the oven.")

    assert section(talk, title="Decisions") == [
        "Which way do you lean? → 2 makes sense, but bake it darker than the last one and no seeds, never again (spelt)"
    ]


def test_what_an_agent_decided_stays_a_decision_after_a_change_of_agent() -> None:
    first = Conversation().user(GOAL).edited("middleware.py").says("Done.\n\nDecision: limits are kept in memory.")
    second = later_session(first, "s2").user("continue").edited("limits.py").says("The limits are counted now.")

    assert "limits are kept in memory." in section(first, second, title="Decisions")


def test_before_the_next_agent_has_answered_all_is_still_there() -> None:
    first = first_session()
    second = later_session(first, "s2").user("Read the handoff and continue with the next action")

    assert section(first, second, title="Open questions") == [QUESTION]
    assert section(first, second, title="Next action")[0] == STEP


def test_a_short_request_in_a_new_session_is_shown_before_what_the_project_was_at() -> None:
    first = first_session()
    second = later_session(first, "s2").user("Rename the product").edited("README.md").says("It is renamed.")

    assert section(first, second, title="Task") == ["Rename the product", f"Before that: {GOAL}"]


def test_a_limit_in_the_second_session_keeps_what_the_third_needs() -> None:
    first = first_session()
    second = later_session(first, "s2").user("429 please")
    second.ran("middleware.py", op="edit", name="Edit").edited("middleware.py")
    second.says("Now I write test_login.py for the refused case.", final=False)
    second.calls("pytest -q test_login.py").event(TurnEnd(reason="limit", message="You've hit your usage limit."))
    third = later_session(second, "s3", agent="claude-code").user("keep going")

    assert section(first, second, third, title="Task")[0] == GOAL
    assert section(first, second, third, title="Open questions") == []
    assert section(first, second, third, title="Next action")[:2] == [
        "Stopped by its usage limit at: Now I write test_login.py for the refused case.",
        "In flight when it stopped, no result recorded: `pytest -q test_login.py`",
    ]
    assert f"{QUESTION} → 429 please" in section(first, second, third, title="Decisions")


def test_an_order_that_a_limit_cut_off_is_the_current_step() -> None:
    talk = first_session().user("Also log refused requests to access.log")
    talk.event(TurnEnd(reason="limit", message="You've hit your usage limit."))

    assert section(talk, title="Task") == [GOAL, "Now: Also log refused requests to access.log"]
    assert section(talk, title="Next action")[0].endswith("Begin: Also log refused requests to access.log")


def test_a_new_goal_leads_and_the_old_one_is_named() -> None:
    talk = first_session()
    new = "New task. Translate the onboarding guide in docs/guide.md to French and check every link in it."
    talk.user(new).ran("docs/guide.md", op="edit", name="Edit").edited("docs/guide.md").says("The first page is there.")

    assert section(talk, title="Task") == [new]
    (also,) = section(talk, title="Also in progress")
    assert GOAL in also


def test_a_pasted_handoff_beside_a_request_costs_nothing() -> None:
    pasted = (
        "# [CARRYOVER] Last updated 2026-11-20T06:00:00Z from Codex\n# RESUME PROTOCOL: ask\n"
        "## Task\n- Sell the piano\n"
        "Full history: `carryover show abc`\n\nAdd a token bucket to login.py and cover it with tests."
    )
    talk = Conversation().user(pasted).says("It is there. I go on with the tests.")

    assert section(talk, title="Task") == ["Add a token bucket to login.py and cover it with tests."]


def test_a_line_of_the_protocol_in_a_pasted_log_blanks_nothing() -> None:
    log = "2026-11-20 06:00:00 INFO start\n# RESUME PROTOCOL: ask\n2026-11-20 06:00:01 ERROR bucket is empty"
    talk = first_session().user(f"Here is what it printed:\n\n{log}").says("I see it. The bucket starts empty.")

    assert section(talk, title="Task")[0] == GOAL


def test_a_dead_end_that_was_reported_is_a_failed_approach() -> None:
    talk = Conversation().user("Make discount() in cart.py return whole cents")
    talk.says("int() cuts off a cent, so that approach does not work; I go on with round().", final=False)
    talk.ran("cart.py", op="edit", name="Edit").edited("cart.py").says("It returns whole cents now, with round().")

    assert section(talk, title="Failed approaches") == [
        "int() cuts off a cent, so that approach does not work; I go on with round()."
    ]


def test_a_test_run_that_failed_by_its_surroundings_is_a_failed_approach() -> None:
    talk = Conversation().user("Store the buckets of the limiter in login.py")
    output = "E   redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379\n1 failed in 0.20s"
    talk.ran("pytest -q", output, status="error")
    talk.says("There is no server here. I keep them in memory instead.", final=False)
    talk.ran("login.py", op="edit", name="Edit").edited("login.py").ran("pytest -q", "3 passed in 0.10s").says("Done.")

    (line,) = section(talk, title="Failed approaches")
    assert "redis.exceptions.ConnectionError" in line


def test_sessions_of_two_agents_at_the_same_time_are_two_lines() -> None:
    first = Conversation().user(GOAL)
    first.ran("login.py", op="edit", name="Edit").edited("login.py")
    second = Conversation(session="s2", agent="codex", at_ms=first.at_ms - MINUTE_MS)
    second.user("Translate the guide in docs/guide.md to French").says("I begin with the first page.")
    for _ in range(3):
        first.ran("git status --short", " M login.py")
    first.says(f"The bucket works. {QUESTION}")

    assert section(first, second, title="Task")[0] == "Translate the guide in docs/guide.md to French"
    assert [line for line in section(first, second, title="Open questions") if QUESTION in line] != []


def test_what_was_taken_for_the_cause_on_the_way_is_overtaken_by_the_report() -> None:
    talk = Conversation().user("Find out why the oven in `oven.py` stops")
    talk.says("The issue is that `bell.py` rings too early.", final=False).calls("make").edited("oven.py")
    talk.says("The cause was that `sensor.py` reads pin 12. All tests pass.")

    assert [item.text for item in talk.line.findings] == ["The cause was that `sensor.py` reads pin 12."]


def test_a_cause_is_a_dead_end_once_the_user_says_that_the_fault_is_still_there() -> None:
    talk = Conversation().user("Find out why the oven in `oven.py` stops").edited("oven.py")
    talk.says("The cause was that `sensor.py` reads pin 12. It is mended.")
    talk.user("It still doesn't heat up at all.").edited("sensor.py").says("I will look at `door.py` now.")

    assert [item.text for item in talk.line.findings] == []
    assert [(item.text, item.rule) for item in talk.line.dead_ends] == [
        (
            "The cause was that `sensor.py` reads pin 12. → the user says that the fault is still there",
            "cause that the user refuted",
        )
    ]


def test_only_what_a_list_announced_is_kept_through_other_work() -> None:
    talk = Conversation().user("Build the oven in `oven.py`, with a door and a bell").edited("oven.py")
    talk.says("It is built. Next I will wire `till.py`.").user("Paint the door in `door.py` red, please").edited(
        "door.py"
    )
    talk.says("It is red. Next steps:\n- wire `bell.py`\n- print `labels.csv`").user(
        "And the handle in `handle.py` blue"
    )

    assert [item.text for item in talk.edited("handle.py").says("It is blue.").line.postponed] == [
        "wire `bell.py`",
        "print `labels.csv`",
    ]


OFFER = "If you want, I can also add a dashboard to `panel.html` and an alarm to `siren.py`."


def offered() -> Conversation:
    talk = Conversation().user(GOAL).ran("login.py", op="edit", name="Edit").edited("login.py")
    return talk.says(f"The limiter is in place. {OFFER}")


def fixed(talk: Conversation, prompt: str) -> Conversation:
    return talk.user(prompt).ran("login.py", op="edit", name="Edit").edited("login.py").says("The header is there now.")


def test_an_offer_stays_open_for_two_more_turns_and_waits_for_a_word() -> None:
    talk = offered()
    assert section(talk, title="Next action") == [f"Waits for the user's word on: {OFFER}"]
    line = f"Offered, not answered: {OFFER}"
    fixed(talk, "the Retry-After header is missing in login.py")
    assert line in section(talk, title="Open questions")
    fixed(talk, "the X-Limit header is missing in login.py")
    assert line in section(talk, title="Open questions")
    fixed(talk, "the X-Left header is missing in login.py")
    assert line not in section(talk, title="Open questions")


def test_a_yes_to_an_offer_makes_it_the_step() -> None:
    talk = offered().user("yes please").ran("panel.html", op="edit", name="Edit").edited("panel.html")
    talk.says("The dashboard is there.")

    assert section(talk, title="Task")[1].startswith("Agreed to: If you want, I can also add a dashboard")
    assert section(talk, title="Open questions") == []


def test_a_question_answered_in_words_gives_way_to_the_work_asked_for_next() -> None:
    talk = Conversation().user("Do you have any recommendations for `login.py`?")
    talk.says("It could count the tries in Redis. It could also keep them in memory.")
    talk.user("follow camelCase and add LIMIT and offers.")
    talk.ran("login.py", op="edit", name="Edit").edited("login.py").says("Both are in.")

    assert section(talk, title="Task") == ["follow camelCase and add LIMIT and offers."]


def test_what_a_list_of_a_mere_answer_says_is_not_left_open() -> None:
    text = "They differ:\n\n- The label is hardcoded in `login.py` for now\n\nThe other one is read."
    talk = Conversation().user("Compare both ways of `login.py`").says(text)
    worked = Conversation().user("Compare both ways of `login.py`").ran("./compare").says(text)

    assert section(talk, title="Open questions") == []
    assert section(worked, title="Open questions") == ["The label is hardcoded in `login.py` for now"]


def test_the_newest_request_that_nothing_came_of_yet_is_the_step() -> None:
    talk = (
        Conversation().user(GOAL).ran("login.py", op="edit", name="Edit").edited("login.py").says("The bucket works.")
    )
    talk.user("take the second part of it out")

    assert section(talk, title="Task") == [GOAL, "Now: take the second part of it out"]
    assert section(talk, title="Next action") == ["Begin: take the second part of it out"]


def test_a_polite_request_after_praise_is_not_what_was_announced() -> None:
    talk = first_session().user("excellent. now please run the doctor").ran("./doctor").says("It found two problems.")

    assert section(talk, title="Task") == [GOAL, "Then: excellent. now please run the doctor"]


@pytest.mark.parametrize("opener", ["continue", "weiter", "Read /home/dev/shop/.carryover/handoff.md"])
def test_a_session_that_was_told_to_continue_opens_nothing_by_its_next_short_request(opener: str) -> None:
    first = first_session()
    later = later_session(first, "s2").user(opener).says("Done with looking.").user("Update STATUS.md please")
    later.ran("STATUS.md", op="edit", name="Edit").edited("STATUS.md").says("It is up to date.")

    assert section(first, later, title="Task") == [GOAL, "Then: Update STATUS.md please"]


def test_a_plan_holds_over_a_change_of_agent() -> None:
    first = Conversation().user(GOAL)
    first.event(PlanUpdate(items=(PlanItem(text="Wire it", state="pending"),)))
    first.ran("login.py", op="edit", name="Edit").edited("login.py").says("The bucket works.")
    later = later_session(first, "s2").user("continue").says("I am on it.").user("No Redis in login.py.")
    later.ran("login.py", op="edit", name="Edit").edited("login.py").says("It is in memory.")

    assert section(first, later, title="Next action") == ["Plan (0 of 1 done), next: Wire it"]
