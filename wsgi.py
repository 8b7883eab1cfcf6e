"""What servers start: `flask --app wsgi …` and `granian --interface wsgi wsgi:app`."""

import gc
import os
import sys
import time
from pathlib import Path

from portal.config import BadSetting

WITHOUT_PAGES = {"import", "import-undo", "migrate", "prepare"}


def command(words: list[str]) -> str | None:
    """Give the command of a line such as `flask --app wsgi COMMAND …`."""
    rest = iter(words[1:])
    for word in rest:
        if word in {"--app", "-A", "--env-file", "-e"}:
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return None


# What is read in here stays for good: looking for garbage in it, now or in each full collection later, is time lost.
gc.disable()
# Reading in all pages takes longer than bringing twenty thousand debts in, which needs none of them.
if command(sys.argv) == "start":
    from portal.start_commands import create_app
elif command(sys.argv) in WITHOUT_PAGES:
    from portal.bare import create_app
else:
    from portal.app import create_app

if command(sys.argv) not in {None, "start"}:
    from portal.terminal import told_plainly

    sys.excepthook = told_plainly
try:
    app = create_app()
except BadSetting as problem:
    sys.exit(f"Error: {problem}")
gc.freeze()
gc.enable()
# `flask start` brings the tables to today's while a server reads the portal in; it ends us if that doesn't succeed.
starting = os.environ.get("PORTAL_STARTING")
while starting and Path(starting).exists():
    time.sleep(0.02)
