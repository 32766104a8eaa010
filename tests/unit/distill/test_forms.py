"""What was typed into a form, and what names it."""

from carryover import model
from carryover.distill.forms import filled_in, without_pastes
from carryover.text.pasted import as_pasted
from support.calls import calls
from support.conversation import Conversation

INPUT = "## User Input\n\n```text\n{}\n```\n\nYou **MUST** consider the user input before proceeding.\n\n"
PLAN = (
    "## Outline\n\n1. **Setup**: Run `setup-plan.sh --json` from the root and parse what it says of the paths.\n\n"
    "2. **Load context**:\n   - Read the design\n\n3. **Fill the plan**\n\n4. **Stop**\n\n"
)
RULES = "## Outline\n\nYou are updating the rules of the project.\n\n### Steps\n\n1. Load them.\n\n"
LONG = "   - Check what the template says of each part.\n" * 30


def test_commands_of_one_set_are_named_by_what_each_does() -> None:
    names = []
    for command in (PLAN, RULES):
        form = filled_in(INPUT.format("prices in cents") + command + LONG)
        assert form is not None
        assert form.typed == "prices in cents"
        assert f"template “{form.name}”, " in form.template
        names.append(form.name)

    assert names == [
        "1. Setup: Run `setup-plan.sh --json` from the root and…; 2. Load context:; 3. Fill the plan",
        "You are updating the rules of the project.; 1. Load them.",
    ]


def test_a_command_whose_place_was_left_empty_is_named_by_the_first_thing_it_does() -> None:
    form = filled_in(INPUT.format("$ARGUMENTS") + RULES + LONG + "make the rules shorter")

    assert form is not None
    assert (form.typed, form.name) == ("make the rules shorter", "You are updating the rules of the project.")


def test_a_form_that_does_nothing_below_its_next_heading_has_its_first_headings_name() -> None:
    form = filled_in(INPUT.format("") + "## Outline\n\n" + LONG)

    assert form is not None
    assert form.name == "User Input"


def prompt_of(text: str) -> str:
    return Conversation().event(model.UserPrompt(text=text, stored=True)).turn.prompt


def test_of_a_stored_prompt_only_what_was_typed_into_it_is_the_users() -> None:
    talk = Conversation().event(model.UserPrompt(text="\nFollow the workflow\nexactly.\n", stored=True))
    assert talk.turn.prompt == "stored prompt “Follow the workflow exactly.”, 28 characters"
    assert talk.turn.is_template
    persona = f"\nStay in character.{' Follow each step.' * 12}\n1. Load @flows/agents/editor.md whole\n2. Greet\n"
    assert prompt_of(persona).endswith("…”, 281 characters, with @flows/agents/editor.md")
    assert prompt_of("\n## User Input\n```text\nadd a cart\n```\n## Gist\n" + LONG) == "add a cart"


def test_where_a_colon_leads_to_a_paste_its_mark_is_not_shown() -> None:
    assert without_pastes(f"Why this:\n\n{as_pasted('no table of that name')}") == "Why this:\nno table of that name"


def test_of_a_long_paste_no_more_is_looked_at_for_the_line_that_is_shown() -> None:
    log = "2026-11-20 17:59 | INFO | loss {}\n"
    short, shorter, longer = (f"Why does it fail?\n\n{log.format(n) * n}" for n in (30, 3_000, 12_000))

    assert without_pastes(short) == "Why does it fail?"  # which makes its patterns
    assert calls(lambda: without_pastes(longer)) < 1.2 * calls(lambda: without_pastes(shorter))
    assert without_pastes(longer) == "Why does it fail?"
