"""Where the built style sheet and pictures are: names carry their content's hash, so they can be kept for ever."""

from __future__ import annotations

import json
import re
from pathlib import Path

from flask import Flask
from whitenoise import WhiteNoise

BUILD = Path(__file__).resolve().parents[2] / "static" / "build"
_HASHED = re.compile(r"\.[0-9a-f]{12}\.")


class NotBuilt(Exception):
    """The static files are missing; `make run` and `make test` build them."""


def content(name: str) -> bytes:
    """Give a built file by its plain name.

    :raises NotBuilt: if it was not built.
    """
    return (BUILD / _manifest()[name]).read_bytes()


def _manifest() -> dict[str, str]:
    manifest_file = BUILD / "manifest.json"
    if not manifest_file.exists():
        raise NotBuilt("static/build is missing: run `make setup` once.")
    manifest: dict[str, str] = json.loads(manifest_file.read_text())
    return manifest


def install(app: Flask) -> None:
    """Serve the built files under /static/ and give templates `asset(name)`.

    :raises NotBuilt: if they were not built.
    """
    manifest = _manifest()
    app.jinja_env.globals["asset"] = lambda name: f"/static/{manifest[name]}"
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=str(BUILD),
        prefix="static/",
        immutable_file_test=lambda _path, url: bool(_HASHED.search(url)),
    )
