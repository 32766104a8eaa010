"""A prompt that is typed again where an earlier one was: after `/rewind`, or Escape before an answer."""

from __future__ import annotations

import pytest

from agents.claude_code.session import Session
from carryover.model import FileEdit, Retracted, UserPrompt


def rewound() -> Session:
    """Two answered prompts; then the user goes back to before the second, and types another (2.1.332)."""
    session = Session()
    session.user("Make a pear cost two")
    session.says("Two coins.", stop="end_turn", parentUuid="u1")
    session.user("Make it nine", parentUuid="u2")
    session.runs("Write", "File created successfully at: /home/dev/shop/nine.py", file_path="/home/dev/shop/nine.py")
    session.says("Nine coins. Is that right?", stop="end_turn", parentUuid="u5")
    session.user("Three then", parentUuid="u2")
    return session


def test_what_was_said_since_the_earlier_prompt_is_taken_back() -> None:
    session = rewound()
    [taken] = session.all(Retracted)
    gone = [event.body for event in session.events if event.key in taken.keys]
    assert [getattr(body, "text", "") for body in gone] == ["Make it nine", "Nine coins. Is that right?"]
    assert [edit.path for edit in session.all(FileEdit)] == ["/home/dev/shop/nine.py"]
    # Once more, from before all of them but the first.
    session.says("Three coins.", stop="end_turn", parentUuid="u7")
    session.user("Four then", parentUuid="u2")
    assert len(session.all(Retracted)[-1].keys) == 2


def test_a_command_of_the_users_own_in_place_of_a_prompt_takes_it_back() -> None:
    """The prompt that follows has another place (a run of 2.1.332)."""
    session = rewound()
    session.says("Three coins.", stop="end_turn", parentUuid="u7")
    session.user("<bash-input>make prices</bash-input>", parentUuid="u2")
    session.user("<bash-stdout>2</bash-stdout><bash-stderr></bash-stderr>", parentUuid="u9")
    session.user("And a plum", parentUuid="u10")

    taken = session.all(Retracted)[-1]
    gone = [getattr(event.body, "text", "") for event in session.events if event.key in taken.keys]
    assert gone == ["Three then", "Three coins."]


def test_a_prompt_at_another_place_takes_nothing_back() -> None:
    session = rewound()
    session.says("Three coins.", stop="end_turn", parentUuid="u7")
    session.user("And a plum", parentUuid="u8")
    session.user("And a fig", parentUuid=None)
    session.user("And a nut", parentUuid=None)
    assert len(session.all(Retracted)) == 1


def test_turns_that_the_client_wrote_again_take_nothing_back() -> None:
    """Older clients append them with their old time (2.0.28, 2.1.11)."""
    session = Session()
    for _ in range(2):
        for turn, before in enumerate(("u0", "u2")):
            session.user("Make a pear cost two", parentUuid=before, timestamp=f"2026-11-20T06:0{turn}:01.000Z")
            session.says("Two coins.", parentUuid="u1", timestamp=f"2026-11-20T06:0{turn}:02.000Z")
    assert len(session.all(UserPrompt)) == 4
    assert session.all(Retracted) == []


def test_a_prompt_stands_while_a_call_that_followed_it_runs() -> None:
    """Another terminal continues the same session: a client that is interrupted, or rewinds, ends its calls first."""
    session = Session()
    session.user("Make a pear cost two")
    session.says("Two coins.", stop="end_turn", parentUuid="u1")
    session.user("Make it nine", parentUuid="u2")
    session.calls("Bash", command="make prices")
    session.user("Three then", parentUuid="u2")
    assert session.all(Retracted) == []


@pytest.mark.parametrize(("answered", "stands"), [(True, True), (False, False)])
def test_a_recap_takes_back_only_a_prompt_without_an_answer(answered: bool, stands: bool) -> None:
    """A terminal that is left open writes it by itself, while another one continues the session from the same place.
    After Escape before an answer it is the first record in place of the prompt (2.1.138, 2.1.156, 2.1.219)."""
    session = Session()
    session.user("Make a pear cost two")
    session.says("Two coins.", stop="end_turn", parentUuid="u1")
    session.user("Make it nine", parentUuid="u2")
    if answered:
        session.says("Nine coins.", stop="end_turn", parentUuid="u3")
    session.record("system", subtype="away_summary", content="A pear costs two.", parentUuid="u2")
    assert (session.all(Retracted) == []) is stands


def test_an_answer_takes_back_no_prompt_that_another_terminal_was_given_meanwhile() -> None:
    session = Session()
    session.user("Make a pear cost two")
    session.user("Are you there?", parentUuid="u1")
    session.says("Two coins.", stop="end_turn", parentUuid="u1")
    assert session.all(Retracted) == []


def test_a_result_takes_back_no_prompt_that_another_terminal_was_given_meanwhile() -> None:
    session = Session()
    session.user("Make a pear cost two")
    call = session.calls("Bash", command="make prices")
    session.user("Are you there?", parentUuid="u2")
    session.result(call, "2", parentUuid="u2")
    assert session.all(Retracted) == []


def with_skill(session: Session, below: str, words: str) -> str:
    """A skill that a sub-agent carries out, as a run of 2.1.332 has it; gives the id of the caveat above it, whose time
    may be later than those of the two records below."""
    late = {"timestamp": f"2026-11-20T06:00:{session.number + 4:02d}.000Z"}
    session.user("<local-command-caveat>The command below was run ...", isMeta=True, parentUuid=below, **late)
    caveat = f"u{session.number}"
    session.user(f"/audit {words}", parentUuid=caveat, origin={"kind": "human"})
    launched = "<local-command-stdout>Running in the background as @audit</local-command-stdout>"
    session.record("system", subtype="local_command", content=launched, parentUuid=f"u{session.number}")
    return caveat


TAGS = "<command-message>fix</command-message>\n<command-name>/fix</command-name>\n<command-args>%s</command-args>"
PLAN = "<command-name>/plan</command-name>\n<command-message>plan</command-message>\n<command-args>%s</command-args>"


@pytest.mark.parametrize("form", ["%s", TAGS, PLAN], ids=["words", "command", "plan"])
def test_what_is_typed_in_place_of_a_skill_is_a_request_and_takes_the_skill_back(form: str) -> None:
    """It stands below the caveat of the skill, like what the client answers itself (2.1.111, 2.1.332; not `/plan`)."""
    session = Session()
    session.user("Make a pear cost two")
    session.says("Two coins.", stop="end_turn", parentUuid="u1")
    caveat = with_skill(session, "u2", "the till")
    session.says("I wait for the audit.", stop="end_turn", parentUuid=f"u{session.number}")
    session.user("And the drawer", parentUuid=f"u{session.number}")
    session.user(form % "the plums", parentUuid=caveat)

    assert [prompt.text for prompt in session.all(UserPrompt)][-1] == "the plums"
    [taken] = session.all(Retracted)
    gone = [getattr(event.body, "text", "") for event in session.events if event.key in taken.keys]
    assert gone == ["the till", "I wait for the audit.", "And the drawer"]


def test_a_skill_in_place_of_another_prompt_takes_that_back() -> None:
    session = rewound()
    session.says("Three coins.", stop="end_turn", parentUuid="u7")
    caveat = with_skill(session, "u2", "the till")
    with_skill(session, f"u{session.number}", "the drawer")
    assert len(session.all(Retracted)) == 2

    with_skill(session, caveat, "the safe")
    taken, gone = session.all(Retracted)[-1], ["the till", "the drawer"]
    assert [getattr(event.body, "text", "") for event in session.events if event.key in taken.keys] == gone
