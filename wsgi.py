"""What servers start: `flask --app wsgi …` and `granian --interface wsgi wsgi:app`."""

import gc
import sys

WITHOUT_PAGES = {"import", "import-undo", "start"}


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
if command(sys.argv) in WITHOUT_PAGES:
    from portal.bare import create_app
else:
    from portal.app import create_app

app = create_app()
gc.freeze()
gc.enable()
