"""RULES: how long one waits after wrong answers, so that guessing is slow and nobody is locked out for ever.

Every fifth wrong answer locks a door, and each time for longer; what is refused while it is locked doesn't count. The
door that somebody guesses at is locked for its owner too, so each person has others: the link, a passkey, a phone call.
"""

from __future__ import annotations

import ipaddress
from datetime import timedelta

TRIES = 5
FIRST_WAIT = timedelta(minutes=30)
LONGEST_WAIT = timedelta(hours=24)
# Wrong answers older than this are forgotten.
MEMORY = timedelta(days=7)
# Codes are sent again and again to whoever mistypes; only the third set of five makes the next code wait.
FREE_CODE_TRIES = 10
CODE_MEMORY = timedelta(days=1)

TRIES_FROM_ONE_ADDRESS = 100
TRIES_FROM_ONE_NETWORK = 200
ADDRESS_MEMORY = timedelta(minutes=30)
# When so many wrong answers come from anywhere, only networks from which somebody has signed in before may go on.
BRAKE_TRIES = 300
BRAKE_MEMORY = timedelta(minutes=10)

# Questions whether a message is ours.
QUESTIONS = 20
QUESTION_MEMORY = timedelta(minutes=10)


def wait_after(wrong: int) -> timedelta:
    """Give how long a door stays locked after so many wrong answers; no time between two locks.

    >>> [wait_after(n).total_seconds() / 3600 for n in (4, 5, 6, 10, 15, 20)]
    [0.0, 0.5, 0.0, 1.0, 2.0, 4.0]
    """
    if wrong <= 0 or wrong % TRIES:
        return timedelta(0)
    doublings = min(wrong // TRIES - 1, 10)
    return min(FIRST_WAIT * 2**doublings, LONGEST_WAIT)


def left_after(wrong: int) -> int:
    """Give how many tries are left before the door locks.

    >>> [left_after(n) for n in (0, 1, 4, 5, 9)]
    [5, 4, 1, 5, 1]
    """
    return TRIES - wrong % TRIES


def code_wait_after(wrong: int) -> timedelta:
    """Give how long the next code waits after so many wrong codes in a day.

    >>> [code_wait_after(n).total_seconds() / 60 for n in (9, 10, 14, 15, 20)]
    [0.0, 30.0, 30.0, 60.0, 120.0]
    """
    return wait_after(wrong - wrong % TRIES - FREE_CODE_TRIES + TRIES) if wrong >= FREE_CODE_TRIES else timedelta(0)


def networks(address: str) -> tuple[str, str]:
    """Give the household and the neighbourhood of a network address: what one person can easily have many of.

    >>> networks("203.0.113.7"), networks("2001:db8:1:2:3::4")
    (('203.0.113.7/32', '203.0.113.0/24'), ('2001:db8:1:2::/64', '2001:db8:1::/48'))
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown", "unknown"
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    near, far = (32, 24) if ip.version == 4 else (64, 48)
    return tuple(str(ipaddress.ip_network(f"{ip}/{length}", strict=False)) for length in (near, far))  # type: ignore[return-value]
