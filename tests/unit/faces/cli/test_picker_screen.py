"""The full-screen list, played in this process with keys from prompt_toolkit's pipe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import msgspec
import pytest
from prompt_toolkit.application import create_app_session, get_app
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from carryover.faces.cli import picker_screen
from carryover.faces.cli.picker import arguments_for
from carryover.faces.cli.picker_screen import Choice, Screen
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import project_by_root
from carryover.model import LAST, AssistantMessage
from carryover.past.latest import Latest
from carryover.past.live_search import LONGEST_QUERY, ListQuery, LiveSearch, listing_of
from support.scribe import writing
from support.terminal import CTRL_C, DOWN, ENTER, RIGHT

ESCAPE = "\x1b"
TAB = "\t"
SHIFT_TAB = "\x1b[Z"
ALT_Q = "\x1bq"
PASTE = "\x1b[200~{}\x1b[201~"
WHEEL_DOWN = "\x1b[<65;5;4M"
CLICK_ON_FIRST = "\x1b[<0;5;3M\x1b[<0;5;3m"
STEPS = "\n".join(["The steps:", *(f"step {number}" for number in range(20))])
SHOP = "/home/ada/shop"
"""There are two sessions in it, `s1` and `s2`; `s3` is in another project, `s4` in none."""


class Played(DummyOutput):
    """Presses the keys of each step once its words are on the screen."""

    def __init__(self, press: Callable[[str], None], steps: list[tuple[str, str]], size: Size) -> None:
        self._press = press
        self._steps = steps
        self._size = size

    def get_size(self) -> Size:
        return self._size

    def flush(self) -> None:
        if self._steps and self._steps[0][0] in drawn():
            self._press(self._steps.pop(0)[1])


def drawn() -> str:
    screen = get_app().renderer.last_rendered_screen
    rows = screen.data_buffer if screen is not None else {}
    return "\n".join("".join(rows[y][x].char for x in sorted(rows[y])) for y in sorted(rows))


@pytest.fixture
def live(ledger_path: Path) -> Iterator[LiveSearch]:
    async def fill() -> None:
        async with writing(ledger_path) as scribe:
            await scribe.tell(
                scribe.event("Say hello.", session="s4", cwd=None),
                scribe.event("Sort the notes.", session="s3", cwd="/home/ada/notes"),
                scribe.event("Add a discount.", session="s1", cwd=SHOP),
                scribe.event(AssistantMessage(text="The discount\x1b[8m rounds down."), session="s1", cwd=SHOP),
                scribe.event("Wire it into checkout.", session="s2", cwd=SHOP),
                scribe.event(AssistantMessage(text=STEPS), session="s2", cwd=SHOP),
            )

    asyncio.run(fill())
    with closing(connect_read_only(ledger_path)) as db:
        live = LiveSearch(db, project_by_root(db, SHOP), agent=None, since_ms=None, kinds=())
        live.agents = {"made-up": "Made Up", "codex": "Codex"}
        yield live


Play = Callable[..., Choice | None]


@pytest.fixture
def play(live: LiveSearch, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Shows a screen; what it draws is in `screen.drawn`."""
    monkeypatch.setattr(picker_screen, "drawing", nullcontext)

    def played(
        *steps: tuple[str, str], screen: Screen | None = None, types: bool = False, **size: int
    ) -> Choice | None:
        with create_pipe_input() as keys:
            output = Played(keys.send_text, list(steps), Size(size.get("rows", 30), size.get("columns", 100)))
            with create_app_session(input=keys, output=output):
                return (screen or Screen(live, types=types)).choice()

    return played


def test_letters_act_on_the_chosen_session(play: Play, live: LiveSearch) -> None:
    choice = play(("show s2", DOWN), ("show s1", "r"))

    assert choice is not None and choice.item.line == "Add a discount."
    assert arguments_for(live, choice) == ["resume", "--run", "--", "s1"]


def test_what_is_typed_is_searched_and_enter_shows_the_turn(play: Play, live: LiveSearch) -> None:
    choice = play(("show s2", "discqr"), ("> discqr", "\x7f\x7f"), ("2 found", ENTER), types=True)

    assert choice is not None
    assert arguments_for(live, choice) == ["show", "--turn", "1", "--", "s1"]


def test_an_arrow_leads_from_the_query_to_the_first_row(play: Play, live: LiveSearch) -> None:
    choice = play(("show s2", "/disc"), ("2 found", f"{DOWN}y"))

    assert choice is not None and choice.item.kind == "prompt"
    assert arguments_for(live, choice) == ["handoff", "--session=s1", "--copy", "--", SHOP]


def test_escape_goes_back_one_step_at_a_time(play: Play) -> None:
    steps = (("show s2", "/disc"), ("2 found", f"{DOWN}?"), ("── keys", ESCAPE), ("--turn 1", ESCAPE))

    assert play(*steps, ("Wire it", ESCAPE)) is None


def test_all_projects_are_on_a_key_and_the_chosen_session_stays_chosen(play: Play, live: LiveSearch) -> None:
    choice = play(("show s2", DOWN), ("show s1", "a"), ("Sort the notes.", ENTER))

    assert choice is not None and choice.item.session == "s1"
    assert live.project.label == "all"


@pytest.mark.parametrize("columns", [40, 100])
def test_tab_leads_to_the_filters_which_the_arrows_change(play: Play, live: LiveSearch, columns: int) -> None:
    first = (("show s2", TAB), ("> ", TAB), ("‹ agent: any ›", f"{RIGHT}{TAB}"), ("‹ project: ", RIGHT))
    play(*first, ("Sort the notes.", f"{TAB}{SHIFT_TAB}{DOWN}q"), columns=columns)

    assert (live.agent.value, live.project.label) == ("made-up", "/home/ada/notes")


def test_another_agent_is_chosen_in_a_second_list_where_the_own_one_is_last(play: Play, live: LiveSearch) -> None:
    choice = play(("show s2", "c"), ("› Codex", ESCAPE), ("show s2", "c"), ("› Made Up", f"{DOWN}{ENTER}"))

    assert choice is not None
    assert arguments_for(live, choice) == ["to", "--session=s2", "--", "made-up", SHOP]


def test_q_leaves_the_second_list_too(play: Play) -> None:
    assert play(("show s2", "c"), ("› Made Up", "q")) is None


def test_what_cannot_be_done_is_said(play: Play, live: LiveSearch) -> None:
    live.agents = {}
    steps = (
        *(("show s2", "c"), ("No agent that takes a first prompt", "a"), ("Say hello.", "G")),
        *(("show s4", "y"), ("has no handoff", "c"), ("no agent can take it over", "/xylophone")),
        *(("Nothing that is recorded", ENTER), ("Nothing is listed", f"{DOWN}q")),
    )

    assert play(*steps) is None


def test_outside_a_project_all_are_listed_which_is_said(live: LiveSearch, ledger_path: Path, play: Play) -> None:
    with closing(connect_read_only(ledger_path)) as db:
        outside = LiveSearch(db, None, agent=None, since_ms=None, kinds=())

        assert play(("Say hello.", "a"), ("all are listed", "q"), screen=Screen(outside, types=False)) is None


def test_pasted_text_is_typed_on_one_line_and_never_a_command(play: Play) -> None:
    assert play(("show s2", PASTE.format("q\nnotes\x1b[31m")), ("> q notes", f"{DOWN}q")) is None


def test_what_a_terminal_types_in_place_of_a_paste_fills_no_memory(play: Play, live: LiveSearch) -> None:
    """One that knows no brackets around it gives each letter as a key, before each of which the query is kept."""
    screen = Screen(live, types=True)
    with pytest.raises(KeyboardInterrupt):
        play(("show s2", "z" * 20_000), ("zzzz", CTRL_C), screen=screen)

    query = screen.query_field.buffer
    assert sum(len(text) for text, _ in query._undo_stack) < LONGEST_QUERY**2 + 20_000


def test_the_mouse_chooses(play: Play) -> None:
    choice = play(("show s2", WHEEL_DOWN), ("show s1", CLICK_ON_FIRST), ("show s2", f"{WHEEL_DOWN}{ENTER}"))

    assert choice is not None and choice.item.session == "s1"


def test_a_letter_with_alt_is_no_command(play: Play) -> None:
    choice = play(("show s2", f"{ALT_Q}{DOWN}"), ("show s1", ENTER))

    assert choice is not None and choice.item.session == "s1"


def test_the_preview_scrolls_while_the_list_has_the_focus(play: Play) -> None:
    assert play(("show s2", "/steps"), ("--turn 1", f"{DOWN}d"), ("  step 10", "u"), ("  step 0", "q"), rows=12) is None


def test_it_is_as_it_was_when_it_is_shown_again(play: Play, live: LiveSearch) -> None:
    screen = Screen(live, types=True)
    first = play(("show s2", "disc"), ("2 found", f"{DOWN}{DOWN}{ENTER}"), screen=screen)
    again = play(("> disc", ENTER), screen=screen)

    assert first == again and first is not None and first.item.kind == "answer"


@pytest.mark.parametrize(("columns", "rows"), [(30, 8), (250, 60)])
def test_small_and_large_terminals_are_served(play: Play, columns: int, rows: int) -> None:
    choice = play(("Wire it", "/disc"), ("2 found", ENTER), columns=columns, rows=rows)

    assert choice is not None and choice.item.session == "s1"


def test_nothing_is_done_with_a_row_of_an_older_answer(play: Play) -> None:
    assert play(("show s2", f"disc{ENTER}"), ("Still searching.", f"{DOWN}q"), types=True) is None


def test_why_nothing_can_be_listed_is_said(play: Play, live: LiveSearch, tmp_path: Path) -> None:
    live.listings = Latest(tmp_path / "none.sqlite", listing_of)

    assert play(("There is no ledger", "q")) is None


def test_a_session_is_named_so_that_it_is_no_other_one(live: LiveSearch, ledger_path: Path) -> None:
    with closing(connect_read_only(ledger_path)) as db:
        answer = listing_of(db, ListQuery("rounds down")).items[0]
    assert answer.hit is not None
    by_subagent = answer._replace(hit=msgspec.structs.replace(answer.hit, subagent_id="a1"))

    assert arguments_for(live, Choice("resume", answer._replace(session=LAST))) == [
        *("resume", "--run", "--", "made-up:last")
    ]
    assert arguments_for(live, Choice("show", by_subagent)) == ["show", "--turn", "1", "--full", "--", "s1"]
