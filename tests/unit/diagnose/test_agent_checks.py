from __future__ import annotations

from carryover.diagnose.checks import findings
from support.reports import CLAUDE, CODEX, HEALTHY, LEDGER, changed


def test_what_the_ledger_holds_anyway_is_said_where_an_agent_deletes_transcripts() -> None:
    report = changed(HEALTHY, agents=(changed(CLAUDE, keeps_days=7),), ledger=changed(LEDGER, gone_sources=3))

    [found] = findings(report)

    assert found.why == "The ledger holds 12 sessions, 3 of whose transcripts are gone; it keeps what it has read."


def test_the_setting_that_lets_an_agent_delete_transcripts_is_the_agents_own() -> None:
    [found] = findings(changed(HEALTHY, agents=(changed(CODEX, keeps_days=9, kept_by="history.days"),)))

    assert found.what == "Codex CLI deletes transcripts that are older than 9 days (`history.days`)."
    assert found.do == "Raise `history.days` in ~/.codex/hooks.json if you want the transcripts themselves."


def test_an_agent_that_was_not_selected_or_is_not_here_is_not_judged() -> None:
    broken = changed(CLAUDE, problem="settings.json can't be used.")

    assert findings(changed(HEALTHY, agents=(CODEX, changed(broken, selected=False)))) == ()
    assert findings(changed(HEALTHY, agents=(CODEX, changed(broken, state="missing")))) == ()
