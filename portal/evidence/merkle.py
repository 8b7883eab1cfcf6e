"""RULES  The Merkle tree of a log: roots, proofs that an entry is in it, proofs that it only grew.

Hashes are 32 bytes, SHA-256. Hashes of complete subtrees lie in tiles of up to 256 side by side: tile (0, n) holds
leaves 256 n to 256 n + 255, tile (1, n) the roots of 256 full tiles of level 0, and so on, so that any node is found by
one read and at most 255 hashings.

Sources: RFC 9162, section 2.1 (hashes and proofs); https://c2sp.org/tlog-tiles (tiles).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

HEIGHT = 8
WIDTH = 1 << HEIGHT
SIZE_OF_HASH = 32
# The root of a tree without leaves.
EMPTY = hashlib.sha256(b"").digest()
# Gives the hash of the complete subtree of 2**level leaves that begins at leaf index * 2**level.
Node = Callable[[int, int], bytes]


class NotInTree(ValueError):
    """A proof was asked for that no tree of this size can give."""


def leaf_hash(entry: bytes) -> bytes:
    """Give the hash of a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def parent(left: bytes, right: bytes) -> bytes:
    """Give the hash of a node over two others."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(size: int, node: Node) -> bytes:
    """Give the root of the tree of the first `size` leaves."""
    return _range(0, size, node) if size else EMPTY


def inclusion(index: int, size: int, node: Node) -> list[bytes]:
    """Give the proof that leaf `index` is in the tree of the first `size` leaves, from the leaf up.

    :raises NotInTree: if it has no such leaf.
    """
    if not 0 <= index < size:
        raise NotInTree(f"leaf {index} is not among {size}")
    found: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            found.append(_range(middle, end, node))
            end = middle
        else:
            found.append(_range(start, middle, node))
            start = middle
    return found[::-1]


def consistency(older: int, size: int, node: Node) -> list[bytes]:
    """Give the proof that the tree of `size` leaves begins with that of `older`.

    :raises NotInTree: if the older one is empty or has more leaves.
    """
    if not 0 < older <= size:
        raise NotInTree(f"a tree of {size} leaves does not begin with one of {older}")
    found: list[bytes] = []
    start, end = 0, size
    whole = True
    while end != older:
        middle = start + _split(end - start)
        if older <= middle:
            found.append(_range(middle, end, node))
            end = middle
        else:
            found.append(_range(start, middle, node))
            start, whole = middle, False
    return ([] if whole else [_range(start, end, node)]) + found[::-1]


def root_of_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Give the root to which a proof leads; it is in the tree if that is the tree's (RFC 9162, 2.1.3.2).

    :raises NotInTree: if the proof can't be one of such a tree.
    """
    if not 0 <= index < size:
        raise NotInTree("the leaf is not in a tree of this size")
    at, last, result = index, size - 1, leaf
    for hashed in proof:
        if last == 0:
            raise NotInTree("the proof is too long")
        if at & 1 or at == last:
            result = parent(hashed, result)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            result = parent(result, hashed)
        at, last = at >> 1, last >> 1
    if last:
        raise NotInTree("the proof is too short")
    return result


def roots_of_consistency(older: int, size: int, older_root: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Give the roots of the older and the newer tree to which a proof leads (RFC 9162, 2.1.4.2).

    :raises NotInTree: if the proof can't be one of such trees.
    """
    if not 0 < older <= size or (older == size) != (not proof):
        raise NotInTree("the proof does not fit these sizes")
    if older == size:
        return older_root, older_root
    path = list(proof) if older & (older - 1) else [older_root, *proof]
    at, last = older - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path[0]
    for hashed in path[1:]:
        if last == 0:
            raise NotInTree("the proof is too long")
        if at & 1 or at == last:
            first, second = parent(hashed, first), parent(hashed, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = parent(second, hashed)
        at, last = at >> 1, last >> 1
    if last:
        raise NotInTree("the proof is too short")
    return first, second


def _split(count: int) -> int:
    """Give the largest power of two below a count of two or more."""
    return 1 << ((count - 1).bit_length() - 1)


def _range(start: int, end: int, node: Node) -> bytes:
    """Give the hash over leaves from `start` up to `end`, as it stands in the tree."""
    count = end - start
    if not count & (count - 1):
        level = count.bit_length() - 1
        return node(level, start >> level)
    middle = start + _split(count)
    return parent(_range(start, middle, node), _range(middle, end, node))


@dataclass(frozen=True, slots=True)
class Place:
    """Which tile."""

    level: int
    index: int


def tile_of(level: int, index: int) -> tuple[Place, int, int]:
    """Give the tile in which a node lies, and from which to before which of its hashes are below that node."""
    above = level % HEIGHT
    first = index << above
    return Place(level // HEIGHT, first >> HEIGHT), first & (WIDTH - 1), (first & (WIDTH - 1)) + (1 << above)


def folded(hashes: Sequence[bytes]) -> bytes:
    """Give the hash over a power of two of hashes side by side."""
    row = list(hashes)
    while len(row) > 1:
        row = [parent(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def cut(tile: bytes) -> list[bytes]:
    """Give the hashes of a tile."""
    return [tile[at : at + SIZE_OF_HASH] for at in range(0, len(tile), SIZE_OF_HASH)]


def grown(size: int, leaves: Sequence[bytes], tile: Callable[[Place], bytes]) -> dict[Place, bytes]:
    """Give the tiles that change when leaves are put behind the first `size`, as they are afterwards.

    `tile` gives one as it is before; only those that are begun and not full are asked for.
    """
    changed: dict[Place, bytes] = {}
    level, at, new = 0, size, list(leaves)
    while new:
        place, used = Place(level, at >> HEIGHT), at & (WIDTH - 1)
        row = cut(tile(place))[:used] if used else []
        row += new
        full: list[bytes] = []
        for number, start in enumerate(range(0, len(row), WIDTH)):
            part = row[start : start + WIDTH]
            changed[Place(level, place.index + number)] = b"".join(part)
            if len(part) == WIDTH:
                full.append(folded(part))
        level, at, new = level + 1, at >> HEIGHT, full
    return changed


class Growing:
    """The root of a tree to which one leaf after another is put, in as many hashes as it has levels."""

    def __init__(self) -> None:
        self.size = 0
        self._whole: list[tuple[int, bytes]] = []

    def put(self, leaves: Iterable[bytes]) -> None:
        """Put leaves behind those that are there."""
        for leaf in leaves:
            level, hashed = 0, leaf
            while self._whole and self._whole[-1][0] == level:
                hashed = parent(self._whole.pop()[1], hashed)
                level += 1
            self._whole.append((level, hashed))
            self.size += 1

    def root(self) -> bytes:
        """Give the root so far."""
        if not self._whole:
            return EMPTY
        hashed = self._whole[-1][1]
        for _level, before in reversed(self._whole[:-1]):
            hashed = parent(before, hashed)
        return hashed
