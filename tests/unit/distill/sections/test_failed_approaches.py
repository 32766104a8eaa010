"""What stands under Failed approaches."""

from __future__ import annotations

from carryover import model
from support.conversation import ROOT, section, session, under


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
