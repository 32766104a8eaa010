"""Shows Carryover at work, in a throw-away folder: `make run`, or `python -m carryover.cli.demo`."""
