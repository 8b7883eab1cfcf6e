"""Starts the portal as a person does, with `flask --app wsgi start`, for tests that need a real address."""

from __future__ import annotations

import csv
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 150


@dataclass(frozen=True)
class Person:
    """How one made-up person signs in."""

    name: str
    reference: str
    date_of_birth: str
    invite_url: str


class PortalProcess:
    """The portal with its worker and its stand-in for Stripe, on ports and in a folder of its own."""

    def __init__(self, *, database_url: str, folder: Path, host: str = "127.0.0.1") -> None:
        self.port, self.stand_in_port = _two_free_ports()
        self.url = f"http://{host}:{self.port}"
        self._environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "PORTAL_VAR": str(folder),
            "PORTAL_DEMO": "1",
            "PORT": str(self.port),
            "BASE_URL": self.url,
            "STAND_IN_PORT": str(self.stand_in_port),
        }
        self._told: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> PortalProcess:
        """Start everything, and wait until it says that it runs.

        :raises RuntimeError: if it ends or stays silent; the text is what it said.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "start"],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(ready,))
        self._reader.start()
        if not ready.wait(PATIENCE_SECONDS) or self._process.poll() is not None:
            self.stop()
            raise RuntimeError("The portal did not start:\n" + self.said)
        return self

    def _read(self, ready: threading.Event) -> None:
        # Somebody has to read all it says, or it stands still when the pipe is full.
        assert self._process is not None and self._process.stdout is not None
        for line in self._process.stdout:
            self._told.append(line)
            if "The portal runs at" in line:
                ready.set()
        ready.set()

    @property
    def said(self) -> str:
        """Everything that it printed so far."""
        return "".join(self._told)

    def people(self) -> tuple[Person, ...]:
        """Give the made-up people of the demo, each with a fresh link."""
        told = self._told_by("-m", "flask", "--app", "wsgi", "demo", "--json")
        return tuple(Person(**person) for person in told["debtors"])

    def staff(self) -> list[dict[str, str]]:
        """Give how the made-up staff signs in: role, email, password, totp_secret each."""
        found: list[dict[str, str]] = self._told_by("-m", "flask", "--app", "wsgi", "demo", "--json")["staff"]
        return found

    def walkers(self, language: str) -> list[Person]:
        """Give people of the demo with one debt each who read a language and whom nobody else signs in as; no links."""
        with (Path(self._environment["PORTAL_VAR"]) / "made-up-portfolio.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        debts = Counter(row["person"] for row in rows)
        shown = {row["person"] for row in rows[:6]}
        return [
            Person(name=row["name"], reference=row["account"], date_of_birth=row["born"], invite_url="")
            for row in rows
            if debts[row["person"]] == 1
            and row["person"] not in shown
            and row["language"].startswith(language[:2])
            and 1_000 < float(row["principal"]) < 9_000
        ]

    def invite(self, person: Person) -> Person:
        """Make a link for somebody."""
        words = [sys.executable, "-m", "flask", "--app", "wsgi", "invite", person.reference, "--lender", "linden"]
        done = subprocess.run(words, cwd=ROOT, env=self._environment, capture_output=True, text=True, check=True)
        return replace(person, invite_url=re.findall(r"http\S+/i/\S+", done.stdout)[0])

    def scene(self, *, again: dict[str, dict[str, str]] | None = None) -> dict[str, Any]:
        """Add the people of `tests/scene.py`, or sign them in once more; gives their addresses and cookies."""
        return self._told_by("-m", "tests.scene", *([json.dumps(again)] if again else []))

    def _told_by(self, *words: str) -> dict[str, Any]:
        done = subprocess.run([sys.executable, *words], cwd=ROOT, env=self._environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{words}: {done.stderr}")
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def stop(self) -> None:
        """End it as an operator would, and everything that it started."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=5)
        if self._reader is not None:
            self._reader.join(timeout=5)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None


def _two_free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
