"""Every agent: its sessions as trajectories are valid, and importing one gives the same trajectory again."""

from __future__ import annotations

import json
from pathlib import Path

from carryover.actions.exporting import session_trajectory
from carryover.actions.from_disk import temporary_ledger
from carryover.adapter.contract import Agent, Source
from carryover.facts import ProjectRoot
from carryover.importing.document import open_document
from carryover.ledger.queries import sessions
from contract.case import Case, Recording, naming, source_at
from support.atif import atif_violations


def _read(agent: Agent, recording: Recording) -> tuple[Agent, Source]:
    """How a recording is read; one that belongs into a project is imported."""
    if not agent.in_projects:
        return agent, source_at(agent, recording)
    document = open_document(recording.path, project="/home/dev/shop")
    return document.agent, document.source


def trajectories(agent: Agent, source: Source) -> dict[str, str]:
    """The trajectories of all sessions in this source, by session."""
    with temporary_ledger([source], {agent.id: agent}, find_root=ProjectRoot) as ledger:
        rows = sessions(ledger, limit=100)
        return {row.native_id: session_trajectory(ledger, row, full=True) for row in rows}


def test_a_trajectory_is_valid_and_importing_it_gives_it_again(agent: Agent, case: Case, tmp_path: Path) -> None:
    for number, recording in enumerate(case.recordings[:4]):
        with naming(recording):
            exported = trajectories(*_read(agent, recording))
            assert exported
            for session, text in exported.items():
                assert atif_violations(json.loads(text)) == []
                file = tmp_path / f"{number}.json"
                file.write_text(text, "utf-8")
                document = open_document(file)
                assert (document.agent.id, document.form) == (agent.id, "ATIF")
                again = trajectories(document.agent, document.source)
                assert again == {session: text}
