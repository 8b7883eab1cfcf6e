"""What servers start: `flask --app wsgi …` and `granian --interface wsgi wsgi:app`."""

from portal.app import create_app

app = create_app()
