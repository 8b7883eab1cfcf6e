"""Identifiers that are made by the thousand are as good as those that are made one by one."""

from __future__ import annotations

import time
import uuid

from portal.bulk import dashed, new_ids


def test_they_sort_as_they_were_made_and_none_comes_twice() -> None:
    made = [id_ for count in (0, 1, 2_000, 1, 9_000, 5) for id_ in new_ids(count)]
    assert len(set(made)) == len(made) == 11_007
    assert sorted(made) == made


def test_they_are_of_the_seventh_version_and_tell_the_time() -> None:
    before = time.time_ns() // 1_000_000
    for id_ in new_ids(5_000):
        read = uuid.UUID(id_)
        assert (read.version, read.variant, read.hex, str(read)) == (7, uuid.RFC_4122, id_, dashed(id_))
        assert 0 <= (read.int >> 80) - before < 60_000


def test_nobody_can_guess_the_next() -> None:
    first, second = new_ids(2)
    assert first[-12:] != second[-12:]
