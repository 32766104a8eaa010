"""Which key switches our hooks off, so that doctor can say it."""

from __future__ import annotations

import json
from typing import Final

import pytest

from real_agents.copilot import hooked
from real_agents.copilot.client import COPILOT_HOME, EACH_VERSION, CopilotBox
from real_agents.copilot.requests import told
from real_agents.copilot.work import TASK
from real_agents.lab import handoffs, product
from real_agents.lab.rows import Row

pytestmark = pytest.mark.real_agents

OFF: Final = {"disableAllHooks": True}
SAYS_OFF: Final = "all hooks are switched off"


@EACH_VERSION
def test_only_that_of_their_own_file(copilot: CopilotBox, row: Row) -> None:
    """That of the settings changes nothing, in the terminal and with `-p`."""
    hooked.start(copilot)
    copilot.ask(TASK)
    product.settle(copilot.box)
    copilot.box.write(COPILOT_HOME / "settings.json", json.dumps(OFF))
    by_settings = [len(_one_shot(copilot)), len(_in_terminal(copilot))]
    doctor = copilot.box.run(product.CARRYOVER, "doctor").out
    own = json.loads(copilot.box.here(hooked.HOOKS).read_text("utf-8"))
    copilot.box.write(hooked.HOOKS, json.dumps({**own, **OFF}))
    by_file = [len(_one_shot(copilot)), len(_in_terminal(copilot))]
    doctor_then = copilot.box.run(product.CARRYOVER, "doctor").out

    row.shown(f"handoffs with it in the settings {by_settings}, in the file {by_file}")
    assert (by_settings, by_file) == ([1, 1], [0, 0])
    assert SAYS_OFF not in doctor
    assert SAYS_OFF in doctor_then


def _one_shot(copilot: CopilotBox) -> list[str]:
    return handoffs.injected(hooked.first_request(copilot, "Hello"))


def _in_terminal(copilot: CopilotBox) -> list[str]:
    copilot.script("Aye.")
    with copilot.terminal() as terminal:
        terminal.enter("And now")
        terminal.wait("Aye", 60)
    return handoffs.injected(told(copilot.requests()[-1]))
