"""What is too much for each run of the tests has its turn: whose it is changes with the commit, so that all come up."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

ALL = os.environ.get("FAULTS") == "all"


@cache
def turn() -> int:
    """Give the number whose remainders tell whose turn it is: what TURN says, else a number of the commit's own."""
    said = os.environ.get("TURN")
    if said is None:
        root = Path(__file__).resolve().parents[1]
        asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True)
        said = str(int(asked.stdout[:8], 16)) if asked.returncode == 0 else "0"
    return int(said)
