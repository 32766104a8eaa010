"""`carryover import` of a file that another person shared: shows what it is, asks, and records it as their words."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from carryover.actions.context import now_ms, project_root, state_dir
from carryover.actions.importing import is_recorded, record_note
from carryover.actions.recorded import refuse_excluded
from carryover.actions.sharing import SOURCE, name_of, opened, texts_of, title_of
from carryover.cli.arguments import agreed
from carryover.cli.share import contents
from carryover.config import load_config
from carryover.errors import ExitCode, UserError
from carryover.importing.document import note_id
from carryover.paths import expanded
from carryover.sync.bundle import Bundle
from carryover.terminal.output import harmless, local_time, print_json


def import_share(args: argparse.Namespace) -> int:
    """Imports the one file that `args` names."""
    if len(args.files) > 1 or args.agent is not None or args.again:
        raise UserError(
            "A file that someone shared is imported alone, without --agent and --again. Nothing was imported.",
            ExitCode.USAGE,
        )
    state, root = state_dir(), project_root(args.project, must_exist=True)
    refuse_excluded(root, load_config(state.config))
    path = Path(os.path.abspath(expanded(args.files[0])))  # noqa: PTH100 (a link keeps its name)
    bundle = opened(path, state, args.identity)
    _refuse_expired(bundle, path, anyway=args.expired)
    title, texts = title_of(bundle), texts_of(bundle)
    session = note_id(root, SOURCE, "".join(texts))
    is_new = not is_recorded(state, session)
    if is_new and not args.dry_run:
        _show(bundle)
        if not agreed(f"Take this into {harmless(root)}, as another person's words?", "imported", ask=not args.yes):
            print("Nothing was imported.", file=sys.stderr)
            return ExitCode.INTERRUPTED
        session, is_new = record_note(state, root, SOURCE, title, texts)
    elif is_new:
        _show(bundle)
    if args.json:
        stored = is_new and not args.dry_run
        print_json({"session": session, "project": root, "title": title, "from": name_of(bundle), "new": stored})
    elif not is_new:
        print(f"· Imported already, as {session}; `carryover show {session}` prints it.")
    elif args.dry_run:
        print("Nothing was stored.")
    else:
        print(f"✓ {title}")
        print(f"  Recorded as {session}: the handoff names it for a week, and `carryover show {session}` prints it.")
    return ExitCode.OK


def _refuse_expired(bundle: Bundle, path: Path, *, anyway: bool) -> None:
    if bundle.expires_ms is None or now_ms() < bundle.expires_ms or anyway:
        return
    raise UserError(
        f"{path} expired on {local_time(bundle.expires_ms)}: {name_of(bundle)} thought that it would be out of date by "
        "then. Nothing was imported. Ask for a new one, or read it with --expired.",
        ExitCode.REFUSED,
    )


def _show(bundle: Bundle) -> None:
    print(f"From     {name_of(bundle)} on {bundle.host}: so it says, and nothing proves it", file=sys.stderr)
    for line in contents(bundle):
        print(harmless(line), file=sys.stderr)
