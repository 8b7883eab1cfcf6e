"""What servers start: `flask --app wsgi …` and `granian --interface wsgi wsgi:app`."""

import gc

from portal.app import create_app

app = create_app()
# What is there now stays for good: without this each full collection walks over all modules again.
gc.collect()
gc.freeze()
