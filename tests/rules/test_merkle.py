"""The tree of a log against the definition of RFC 9162, and proofs that must not be accepted."""

from __future__ import annotations

import hashlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.evidence import merkle
from portal.evidence.merkle import Place


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162, section 2.1.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + defined_root(leaves[:k]) + defined_root(leaves[k:])).digest()


def entries(count: int) -> list[bytes]:
    return [number.to_bytes(4, "big") for number in range(count)]


class Tree:
    """Tiles in memory, grown in parts."""

    def __init__(self, *parts: int) -> None:
        self.size = 0
        self.tiles: dict[Place, bytes] = {}
        all_of_it = [merkle.leaf_hash(entry) for entry in entries(sum(parts))]
        for part in parts:
            self.tiles |= merkle.grown(self.size, all_of_it[self.size : self.size + part], self.tiles.__getitem__)
            self.size += part

    def node(self, level: int, index: int) -> bytes:
        place, first, end = merkle.tile_of(level, index)
        return merkle.folded(merkle.cut(self.tiles[place])[first:end])


# Figures of the CT test vectors: https://github.com/google/certificate-transparency, "reference" tree of eight leaves.
REFERENCE = [b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43"]
REFERENCE += [bytes(range(0x50, 0x58)), bytes(range(0x60, 0x70))]
REFERENCE_ROOT = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_the_reference_tree_has_its_root() -> None:
    assert defined_root(REFERENCE).hex() == REFERENCE_ROOT
    growing = merkle.Growing()
    growing.put(map(merkle.leaf_hash, REFERENCE))
    assert growing.root().hex() == REFERENCE_ROOT


@given(parts=st.lists(st.integers(0, 300), max_size=5))
def test_however_it_grew_its_root_is_that_of_the_definition(parts: list[int]) -> None:
    tree, growing = Tree(*parts), merkle.Growing()
    growing.put(map(merkle.leaf_hash, entries(tree.size)))
    assert merkle.root(tree.size, tree.node) == growing.root() == defined_root(entries(tree.size))
    assert set(tree.tiles) == set(Tree(tree.size).tiles)


@given(size=st.integers(1, 600), data=st.data())
def test_what_is_in_the_tree_is_proven_and_nothing_else(size: int, data: st.DataObject) -> None:
    tree = Tree(size)
    whole = merkle.root(size, tree.node)
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion(index, size, tree.node)
    leaf = merkle.leaf_hash(entries(size)[index])
    assert merkle.root_of_inclusion(leaf, index, size, proof) == whole
    assert len(proof) <= (size - 1).bit_length()
    assert merkle.root_of_inclusion(merkle.leaf_hash(b"another"), index, size, proof) != whole
    other = data.draw(st.integers(0, size - 1).filter(lambda at: at != index)) if size > 1 else index
    if other != index:
        with suppress(merkle.NotInTree):
            assert merkle.root_of_inclusion(leaf, other, size, proof) != whole
    for wrong in ([*proof, whole], *([proof[:-1]] if proof else [])):
        with suppress(merkle.NotInTree):
            assert merkle.root_of_inclusion(leaf, index, size, wrong) != whole


@given(older=st.integers(1, 600), more=st.integers(0, 600), flipped=st.integers(0, 12))
def test_a_tree_that_only_grew_proves_it_and_another_does_not(older: int, more: int, flipped: int) -> None:
    tree = Tree(older, more)
    roots = merkle.root(older, tree.node), merkle.root(tree.size, tree.node)
    proof = merkle.consistency(older, tree.size, tree.node)
    assert merkle.roots_of_consistency(older, tree.size, roots[0], proof) == roots
    if proof:
        proof[flipped % len(proof)] = hashlib.sha256(b"another").digest()
        assert merkle.roots_of_consistency(older, tree.size, roots[0], proof) != roots


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(merkle.NotInTree):
        merkle.inclusion(index, size, Tree(size).node)


@pytest.mark.parametrize(("older", "size"), [(0, 3), (4, 3)])
def test_no_tree_begins_with_nothing_or_with_more_than_it_has(older: int, size: int) -> None:
    with pytest.raises(merkle.NotInTree):
        merkle.consistency(older, size, Tree(size).node)
