"""What the examples on /design are made of: a form in each state, in English or Chinese, with made-up words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import count
from typing import Any

from wtforms import BooleanField, DateField, IntegerField, RadioField, SelectField, TextAreaField

from portal.money import Money
from portal.web.fields import Amount, Code, Form, Text

AMOUNT, FREQUENCY, REFERENCE, LANGUAGE = "amount", "frequency", "reference", "language"


def pick(language: str) -> Callable[[str, str], str]:
    """Give a function that takes the English or the Chinese of two texts."""
    return lambda english, chinese: chinese if language.startswith("zh") else english


def example_form(language: str, *, prefix: str, wrong: bool = False, filled: bool = False) -> Form:
    """Make a form with one field of each kind, empty, filled in or with something to put right."""
    t = pick(language)

    class Example(Form):
        """One field of each kind."""

        reference = Text(t("Reference", "编号"))
        email = Text(t("E-mail", "电子邮箱"))
        amount = Amount(t("Amount", "金额"))
        words = TextAreaField(t("What happened?", "发生了什么？"))
        language = SelectField(t("Language", "语言"), choices=["English", "简体中文"])
        due_on = DateField(t("From which day?", "从哪一天起？"))
        tick = BooleanField(t("You may call me about this", "可以为此给我打电话"))
        frequency = RadioField(t("How often?", "多久一次？"))
        code = Code(t("Code", "验证码"))
        day = IntegerField(t("Day", "日"))
        month = IntegerField(t("Month", "月"))
        year = IntegerField(t("Year", "年"))

    data: dict[str, Any] = {}
    if filled:
        data = {
            "reference": "LN-100111",
            "email": "somebody.with.a.very.long.name@a-long-example-company.example",
            "amount": "1.234,50",
            "words": t("The amount is not what I agreed to.", "金额和我当时同意的不一样。"),
            "frequency": "m",
            "code": "493027",
            "day": 27,
            "month": 3,
            "year": 1985,
            "tick": True,
        }
    made = Example(formdata=None, prefix=prefix, data=data)
    made.frequency.choices = [
        ("w", t("Every week", "每周")),
        ("f", t("Every two weeks", "每两周")),
        ("m", t("Every month", "每月")),
    ]
    if wrong:
        made.reference.errors = [t("Enter your reference. It is in our letter.", "请填写编号。它在我们的信函里。")]
        made.amount.errors = [
            t("Enter the amount in numbers, for example 50 or 62.50.", "请用数字填写金额，例如 50 或 62.50。")
        ]
        made.frequency.errors = [t("Choose how often.", "请选择多久一次。")]
        made.code.errors = [t("This code is not the one we sent.", "这不是我们发送的验证码。")]
        made.day.errors = [t("This day does not exist. Check day, month and year.", "没有这一天。请检查年、月、日。")]
        made.tick.errors = [t("Tick the box to go on.", "请勾选后继续。")]
        made.words.errors = [t("Tell us what happened.", "请告诉我们发生了什么。")]
    return made


def values(language: str, *, component: str) -> dict[str, Any]:
    """Give what every example may use: texts by language, money, days, forms that never share an id."""
    numbers = count(1)
    key = f"{component}-{language.partition('_')[0]}"

    def form(**state: bool) -> Form:
        return example_form(language, prefix=f"{key}-{next(numbers)}-", **state)

    def new_id() -> str:
        return f"{key}-{next(numbers)}"

    def usd(minor: int) -> Money:
        return Money(minor, "USD")

    def road(done: int, late: int, left: int) -> list[str]:
        states = ["paid"] * done + ["late"] * late + ["next"] * (left > 0 and not late) + ["left"] * left
        return states[: done + late + left]

    def falling(months: int, *, start: int = 900_000) -> list[tuple[date, Money]]:
        return [
            (date(2026 + month // 12, month % 12 + 1, 1), usd(start - start * month // months))
            for month in range(months + 1)
        ]

    return {
        "language": language.replace("_", "-"),
        "t": pick(language),
        "form": form,
        "new_id": new_id,
        "usd": usd,
        "date": date,
        "road_states": road,
        "falling": falling,
    }
