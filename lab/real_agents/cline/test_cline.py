"""What only Cline's terminal client does."""

from carryover.model import UserPrompt
from real_agents.lab import handoffs, recorded, shop
from real_agents.lab.box import wait_until
from real_agents.lab.rows import Row, newest
from real_agents.lab.shop import PROJECT
from real_agents.lab.tool import Tool


@newest("cline")
def test_a_prompt_that_was_taken_back_no_longer_counts(tool: Tool, row: Row) -> None:
    """Its session ends, and another begins with what was said before it."""
    shop.begin(tool)
    with tool.terminal(PROJECT) as terminal:
        for prompt, answer in (("Count the pears", "Thirty pears."), ("Sell the QUINCES", "They are sold.")):
            tool.script(answer)
            terminal.enter(prompt)
            terminal.wait(answer)
        wait_until(lambda: "QUINCES" in handoffs.read(tool.box, PROJECT))
        terminal.enter("/undo")
        terminal.wait("Restore to Checkpoint")
        terminal.choose("Enter", "Restore chat only")
        terminal.choose("Enter", "Restored to checkpoint")
        wait_until(lambda: len(tool.transcripts()) == 2)
        wait_until(lambda: "QUINCES" not in handoffs.read(tool.box, PROJECT))
        tool.script("They are kept.")
        terminal.enter("?")
        terminal.wait("They are kept")
        wait_until(lambda: "QUINCES?" in handoffs.read(tool.box, PROJECT))
    events = [event for session in recorded.sessions(tool.box) for event in session.events if not event.retracted]
    said = [event.body.text for event in events if isinstance(event.body, UserPrompt)]

    row.shown(f"prompts: {' / '.join(said)}")
    assert sorted(said) == ["Count the pears", "Sell the QUINCES?"]
