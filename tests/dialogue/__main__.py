"""How often handoffs say things in their place through ordinary talk, by kind and language; or one dialogue in full.

Run `PYTHONPATH=tests python -m dialogue --help` at the top of the checkout.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from carryover.model import AssistantMessage, UserPrompt
from dialogue.checks import handed_over, outcomes, rates
from dialogue.scenario import LANGUAGES, Dialogue, dialogue


def _measure(seeds: Iterable[int], missed: str | None) -> None:
    found = [one for seed in seeds for one in outcomes(dialogue(seed))]
    for name in ("all", *LANGUAGES):
        shown = rates(one for one in found if name in ("all", one.dialogue.language))
        print(f"{name:4}", "  ".join(f"{kind} {rate:.3f}" for kind, rate in sorted(shown.items())))
    for one in found:
        if not one.met and one.expected.kind == missed:
            print(f"{one.dialogue.seed} {one.dialogue.language} {one.expected.mark}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dialogue", description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--count", type=int, default=800, help="number of dialogues")
    parser.add_argument("--missed", metavar="KIND", help="list the dialogues in which this kind is missed")
    parser.add_argument("--show", type=int, metavar="SEED", help="print one dialogue, its handoff and what is checked")
    options = parser.parse_args()
    if options.show is not None:
        _show(dialogue(options.show))
    else:
        _measure(range(options.first, options.first + options.count), options.missed)


def _show(made: Dialogue) -> None:
    for session in made.sessions:
        print(f"=== {session.id} {session.agent}")
        for event in session.events:
            match event.body:
                case UserPrompt(text=text):
                    print(f"\n> {text}")
                case AssistantMessage(text=text):
                    print(f"  {text}")
                case body:
                    print(f"  ({type(body).__name__} {getattr(body, 'subject', '') or getattr(body, 'reason', '')})")
    print(f"\n{handed_over(made.sessions, compacted=made.compacted) or 'no handoff'}")
    for one in outcomes(made):
        verb = "in" if one.expected.present else "not in"
        print(f"{'ok  ' if one.met else 'MISS'} {one.expected.kind}: {one.expected.mark} {verb}", end=" ")
        print(one.expected.section or "any section")


if __name__ == "__main__":
    main()
