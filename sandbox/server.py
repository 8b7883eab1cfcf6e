"""The stand-in as one Flask application: the API, the hosted page, the control, over one memory and one courier."""

from __future__ import annotations

import logging
from pathlib import Path

from flask import Flask, Response, jsonify, request
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from sandbox.acts import Acts
from sandbox.api import Faults, api
from sandbox.control import control
from sandbox.delivery import Courier
from sandbox.memory import Memory
from sandbox.page import NoSuchPage, no_such_page, page
from sandbox.stamps import Authority, stamps

_LOG = logging.getLogger(__name__)


def create_server(
    data: str | Path,
    *,
    mode: str = "normal",
    seed: int = 1,
    public_url: str = "",
    retry_seconds: float = 0.5,
    most_tries: int = 8,
) -> Flask:
    """Make the application; its courier runs when `start()` is called on `config["COURIER"]`."""
    app = Flask(__name__, static_url_path="/assets")
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    memory = Memory(data)
    acts = Acts(memory, default_mode=mode, seed=seed)
    app.config.update(
        ACTS=acts,
        FAULTS=Faults(),
        COURIER=Courier(memory, acts, retry_seconds=retry_seconds, most_tries=most_tries),
        AUTHORITY=Authority(Path(f"{data}.tsa.pem")),
        PUBLIC_URL=public_url.rstrip("/"),
        MAX_CONTENT_LENGTH=1_000_000,
    )
    for blueprint in (api, page, control, stamps):
        app.register_blueprint(blueprint)

    @app.errorhandler(Exception)
    def trouble(error: Exception) -> Response:
        if isinstance(error, HTTPException):
            status, message = error.code or 500, error.name
        else:
            _LOG.exception("The stand-in failed at %s %s", request.method, request.path)
            status, message = 500, f"The stand-in failed: {error}"
        if request.path.startswith(("/v1/", "/_sandbox/")):
            kind = "api_error" if status >= 500 else "invalid_request_error"
            answer = jsonify({"error": {"type": kind, "message": message}})
            answer.status_code = status
            return answer
        return no_such_page(NoSuchPage())

    return app
