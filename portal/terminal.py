"""What all `flask` commands share: mistakes told in a sentence, a bar of progress, the settings in use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import wraps
from types import TracebackType
from typing import Any

import click
from flask import current_app
from sqlalchemy.exc import OperationalError

from portal.config import Settings


class Sentence(click.ClickException):
    """Something that the person at the keyboard can put right, said in one sentence."""

    def format_message(self) -> str:
        """Give the sentence."""
        return str(self.message)


def plainly(
    sentences: Mapping[type[Exception], Callable[[Any], str]],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a decorator that turns what can go wrong by bad input into a sentence and exit status 1."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def run(*args: Any, **values: Any) -> Any:
            try:
                return command(*args, **values)
            except tuple(sentences) as problem:
                tell = next(tell for kind, tell in sentences.items() if isinstance(problem, kind))
                raise Sentence(tell(problem)) from problem

        return run

    return decorate


def told_plainly(kind: type[BaseException], problem: BaseException, trace: TracebackType | None) -> None:
    """Say in a sentence that the database can't be reached, whatever was asked of it; the rest as Python says it."""
    if isinstance(problem, OperationalError) and problem.statement is None and problem.orig is not None:
        click.echo(f"Error: the database can't be reached: {str(problem.orig).splitlines()[0]}", err=True)
        click.echo("Does it run, and is DATABASE_URL right?", err=True)
    else:
        sys.__excepthook__(kind, problem, trace)


def no_such_lender(problem: Any) -> str:
    """Say that a short name is no lender's."""
    return f"There is no lender called {problem.slug!r}."


def settings_in_use() -> Settings:
    """Give the settings of the application that the command belongs to."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings


of_lender = click.option("--lender", "slug", required=True, help="The lender's short name.")


def bar(label: str) -> Callable[[int, int], None]:
    """Give a function that draws progress on a terminal, and nothing where there is none."""
    drawn: Any = None

    def show(done: int, whole: int) -> None:
        nonlocal drawn
        if not sys.stderr.isatty():
            return
        if drawn is None:
            drawn = click.progressbar(length=max(whole, 1), label=label, file=sys.stderr)
            drawn.__enter__()
        drawn.update(min(done, whole) - drawn.pos)
        if done >= whole:
            drawn.render_finish()

    return show
