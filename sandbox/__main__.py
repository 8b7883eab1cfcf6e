"""Start the stand-in: `python -m sandbox --port 8420 --data var/stripe.sqlite`."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from werkzeug.serving import make_server

from sandbox.acts import MODES
from sandbox.server import create_server


def main() -> int:
    """Serve until SIGTERM or SIGINT, then finish in order."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A stand-in for Stripe.")
    parser.add_argument("--port", type=int, default=8420, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--data", type=Path, required=True, help="SQLite file that remembers everything")
    parser.add_argument(
        "--delivery",
        choices=MODES,
        default=os.environ.get("SANDBOX_DELIVERY", "normal"),
        help="how webhooks go out (also SANDBOX_DELIVERY); tests use hostile",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the disorder in hostile delivery")
    parser.add_argument("--public-url", default="", help="address of this server as browsers see it")
    parser.add_argument("--retry-seconds", type=float, default=0.5, help="wait before the first further try; doubles")
    parser.add_argument("--most-tries", type=int, default=8, help="tries for each delivery")
    given = parser.parse_args()

    logging.basicConfig(level=logging.WARNING, format="sandbox: %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    given.data.parent.mkdir(parents=True, exist_ok=True)
    app = create_server(
        given.data,
        mode=given.delivery,
        seed=given.seed,
        public_url=given.public_url,
        retry_seconds=given.retry_seconds,
        most_tries=given.most_tries,
    )
    try:
        server = make_server(given.host, given.port, app, threaded=True)
    except (OSError, SystemExit):
        sys.stderr.write(f"sandbox: port {given.port} of {given.host} is taken\n")
        return 1
    courier = app.config["COURIER"]
    courier.start()

    def stop(signum: int, frame: FrameType | None) -> None:
        # shutdown() waits for the loop that this handler interrupts, so another thread must ask for it.
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    host = f"[{given.host}]" if ":" in given.host else given.host
    sys.stdout.write(f"Stand-in for Stripe at http://{host}:{server.port} (webhooks: {given.delivery})\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    courier.stop()
    app.config["ACTS"].memory.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
