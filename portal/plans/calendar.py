"""The dates of a plan as a calendar file: one all-day event a payment, with a reminder the morning before.

Others may see a calendar, so its titles say neither to whom nor, unless somebody asks for it, how much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from icalendar import Alarm, Calendar, Event

# Before midnight of the day on which the payment is due: nine in the morning of the day before.
THE_MORNING_BEFORE = timedelta(hours=-15)


@dataclass(frozen=True, slots=True)
class Date:
    """One payment of a plan as a calendar shows it."""

    number: int
    on: date
    title: str


def calendar_file(
    *, plan: str, host: str, name: str, dates: Sequence[Date], words: str, url: str, language: str, made_at: datetime
) -> bytes:
    """Give an iCalendar file (RFC 5545) of the dates of a plan; the same payment has the same UID in each file.

    `words` is what stands below each title, `url` where the plan is found.
    """
    calendar = Calendar()
    calendar.add("prodid", f"-//{host}//repayment portal//{language.upper()}")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    for each in dates:
        event = Event()
        event.add("uid", f"{plan}-{each.number}@{host}")
        event.add("dtstamp", made_at)
        event.add("dtstart", each.on)
        event.add("dtend", each.on + timedelta(days=1))
        event.add("summary", each.title, parameters={"language": language})
        event.add("description", f"{words}\n{url}", parameters={"language": language})
        event.add("url", url)
        event.add("class", "PRIVATE")
        event.add("transp", "TRANSPARENT")
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", each.title)
        alarm.add("trigger", THE_MORNING_BEFORE)
        event.add_component(alarm)
        calendar.add_component(event)
    return calendar.to_ical()
