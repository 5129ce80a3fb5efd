"""How a part of one text stands beside a part of another: from places they share to the span that is the same text.

May decide: which span of two texts is compared, and how many of its letters differ. Shared places are chained in order
(seed and chain, as in Li, minimap2, Bioinformatics 2018); what stands between two of them is compared letter by letter
(rapidfuzz's Levenshtein distance); the best run of the chain is the span. Everything is bounded: ``MOST_SEEDS`` places
of a text, and nothing longer than ``LONGEST_GAP`` letters is ever compared at once.
"""

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

import numpy as np
from rapidfuzz.distance import Levenshtein

from tidegate.fingerprint.words.letters import Places

#: Of the letters of a span, at most this many in a thousand may differ.
DIFFERING: Final = 200
MOST_SEEDS: Final = 2048
LONGEST_GAP: Final = 1024
#: How far apart two gaps may be in length, in letters; the kernel adds a share of the shorter.
SLACK: Final = 48
#: Letters looked at beyond the first and the last shared place.
_BEYOND: Final = 256
_ALLOWED: Final = DIFFERING / 1000


@dataclass(frozen=True, slots=True)
class Alignment:
    """A span of a query and of a known text (ends excluded), and how many edits lead from one to the other."""

    start: int
    end: int
    known_start: int
    known_end: int
    edits: int

    @property
    def letters(self) -> int:
        """Count the letters of the longer side."""
        return max(self.end - self.start, self.known_end - self.known_start)

    @property
    def differing(self) -> int:
        """Give the edits for a thousand letters, rounded up: only equal texts have 0."""
        return -(-1000 * self.edits // max(self.letters, 1))


def align(asked: str, known: str, asked_places: Places, known_places: Places) -> Alignment | None:
    """Find the best span of two texts that share places: longest, with few enough letters differing.

    Args:
        asked: letters of the query.
        known: letters of a known text.
        asked_places: where in ``asked`` a shared shingle begins.
        known_places: where in ``known`` the same shingle begins.
    """
    order = np.lexsort((known_places, asked_places))
    if len(order) > MOST_SEEDS:
        order = order[np.linspace(0, len(order) - 1, MOST_SEEDS).astype(np.int64)]
    from tidegate.match.words.kernels import chain

    seeds = list(
        zip(
            *(line.tolist() for line in chain(asked_places[order], known_places[order], LONGEST_GAP, SLACK)),
            strict=True,
        )
    )
    if not seeds:
        return None
    best = _best_run(asked, known, seeds)
    return _widened(asked, known, best)


def _best_run(asked: str, known: str, seeds: list[tuple[int, int]]) -> Alignment:
    """Find the longest run of a chain in which few enough letters differ, from seed to seed."""
    edits = [
        Levenshtein.distance(asked[start:end], known[known_start:known_end])
        for (start, known_start), (end, known_end) in pairwise(seeds)
    ]
    worths = [
        _ALLOWED * max(end - start, known_end - known_start) - cost
        for ((start, known_start), (end, known_end)), cost in zip(pairwise(seeds), edits, strict=True)
    ]
    first, last = _longest_worth_it(worths)
    return Alignment(*_ends(seeds[first], seeds[last]), sum(edits[first:last]))


def _ends(first: tuple[int, int], last: tuple[int, int]) -> tuple[int, int, int, int]:
    return first[0], last[0], first[1], last[1]


def _longest_worth_it(worths: list[float]) -> tuple[int, int]:
    """Give the bounds of the longest run whose sum is not negative, without losses at its ends."""
    sums = [0.0, *accumulate(worths)]
    #: Where a run may begin: only where the sum is lower than anywhere before.
    beginnings: list[int] = []
    for index, total in enumerate(sums):
        if not beginnings or total < sums[beginnings[-1]]:
            beginnings.append(index)
    first = last = 0
    for end in range(len(sums) - 1, -1, -1):
        while beginnings and sums[beginnings[-1]] <= sums[end]:
            begin = beginnings.pop()
            if end - begin > last - first:
                first, last = begin, end
    while first < last and worths[first] < 0:
        first += 1
    while first < last and worths[last - 1] < 0:
        last -= 1
    return first, last


def _widened(asked: str, known: str, span: Alignment) -> Alignment:
    """Add what stands beside the span on both ends as long as it is the same text."""
    room = min(len(asked) - span.end, len(known) - span.known_end, _BEYOND)
    after = _same_beginning(
        asked[span.end : span.end + room + SLACK], known[span.known_end : span.known_end + room + SLACK]
    )
    room = min(span.start, span.known_start, _BEYOND)
    before = _same_beginning(
        asked[max(span.start - room - SLACK, 0) : span.start][::-1],
        known[max(span.known_start - room - SLACK, 0) : span.known_start][::-1],
    )
    return Alignment(
        span.start - before[0],
        span.end + after[0],
        span.known_start - before[1],
        span.known_end + after[1],
        span.edits + before[2] + after[2],
    )


def _same_beginning(one: str, other: str) -> tuple[int, int, int]:
    """Say how many letters of two texts are the same text from their beginnings on, and with how many edits."""
    best = (0, 0, 0)
    best_worth = worth = 0.0
    edits = 0
    for block in Levenshtein.opcodes(one, other):
        letters = max(block.src_end - block.src_start, block.dest_end - block.dest_start)
        if block.tag == "equal":
            worth += _ALLOWED * letters
        else:
            worth += _ALLOWED * letters - letters
            edits += letters
        if worth > best_worth:
            best, best_worth = (block.src_end, block.dest_end, edits), worth
        # Were all that is left equal, it would still be worth less.
        elif worth + _ALLOWED * (len(one) - block.src_end) < best_worth:
            break
    return best
