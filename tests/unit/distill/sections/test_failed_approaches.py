"""What stands under Failed approaches."""

from __future__ import annotations

import pytest

from carryover import model
from support.conversation import GOAL, ROOT, section, session, under


def test_a_failed_call_stands_with_what_the_agent_said_right_after_unless_that_was_its_answer() -> None:
    talk = session("s1").user(GOAL).ran("pip install money", "ERROR: 401 from the registry", status="error")
    [line] = section(talk.says("The registry wants a token."), title="Failed approaches")
    assert line.endswith("→ ERROR: 401 from the registry")

    [line] = section(talk.ran("make").says("It is built."), title="Failed approaches")
    assert line.endswith("→ ERROR: 401 from the registry; claude-code then: “The registry wants a token.”")

    [line] = section(talk.ran("pip install money").says("It is installed."), title="Failed approaches")
    assert line.endswith("solved since) → ERROR: 401 from the registry")

    silent = session("s1").user(GOAL).ran("make cap", status="error").says("No rule.", final=False).ran("ls")
    assert under("Failed approaches", silent.says("Done.")).endswith("→ claude-code then: “No rule.”")


def test_what_was_reverted_stands_with_the_prompts_of_both_turns() -> None:
    talk = session("s1").user("Use floats.")
    for name in ("cart.py", "tax.py", "cap.py", "vat.py"):
        talk.event(model.FileEdit(path=f"{ROOT}/{name}", change="modify", diff="-cents\n+float"))
    talk.says("Done.").user("Cents, as I said!")
    for name in ("cart.py", "tax.py", "cap.py", "vat.py"):
        talk.event(model.FileEdit(path=f"{ROOT}/{name}", change="modify", diff="-float\n+cents"))
    [line] = section(talk.says("It is cents again."), title="Failed approaches")

    assert line == (
        "Reverted in turn 2 (“Cents, as I said!”, 1 min earlier): what turn 1 (“Use floats.”) had changed in "
        "cart.py, tax.py, cap.py and 1 more"
    )
    talk.event(model.FileEdit(path=f"{ROOT}/fee.py", change="modify", diff="-a\n+b")).user("No fee.")
    talk.event(model.FileEdit(path=f"{ROOT}/cart.py", change="modify", diff="-cents\n+float"))
    talk.event(model.FileEdit(path=f"{ROOT}/fee.py", change="modify", diff="-b\n+a"))
    assert "Reverted in turn 3 (“No fee.”): what turn 2 (“Cents, as I said!”) had changed in fee.py" in under(
        "Failed approaches", talk
    )


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("The registry wants a token. I build it from the sources instead.\n\nThat takes long.", "The registry wants"),
        ("No token here. I build it from the sources:", "No token here. I build"),
        ("Let me look at the registry:", ""),
    ],
)
def test_a_failure_keeps_what_the_agent_said_right_after(said: str, kept: str) -> None:
    talk = session("s1").user(GOAL).ran("pip install money", "ERROR: 401", status="error").says(said, final=False)
    [failure] = talk.ran("make").says("It is built.").digest.failures

    assert failure.words.startswith(kept) and (failure.words == "") == (kept == "")
    assert "takes long" not in failure.words and "built" not in failure.words


def test_what_is_said_after_another_call_is_not_about_the_failure() -> None:
    talk = session("s1").user(GOAL).ran("pip install money", "ERROR: 401", status="error").ran("ls", "cart.py")
    [failure] = talk.says("There is one file.").digest.failures

    assert failure.words == ""
    twice = session("s2").user(GOAL).ran("make", "no", status="error").says("A rule is missing.", final=False)
    assert twice.says("I add it.").digest.failures[0].words == "A rule is missing."
