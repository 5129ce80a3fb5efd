"""Texts: how fast a post is matched against known texts, and what of edited ones is found.

``python -m benchmarks.texts --json``. Known texts and posts are made of invented words, common ones common and rare
ones rare as in a language, so that shingles repeat as they do there; in four scripts. Recall and false matches are
judged by brute force on a sample: rapidfuzz's best alignment of the known text in the post.

What it leaves out: texts of real languages, and the jail's own time (the letters are made in this process).
"""

import argparse
import json
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from uuid import UUID

from rapidfuzz import fuzz

from tidegate.content.model import Fingerprints
from tidegate.fingerprint.words.letters import normalise
from tidegate.fingerprint.words.text import sketch_of
from tidegate.kernel.ids import SignalId
from tidegate.match.words.alignment import DIFFERING
from tidegate.match.words.texts import Texts
from tidegate.signal.model import FingerprintKind, Label, Provenance, Signal, Standing

SCRIPTS = {
    "latin": "etaoinshrdlucmfwypvbgk",
    "cyrillic": "оеаинтсрвлкмдпуяыьгзбчйхжшю",
    "arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "chinese": "".join(map(chr, range(0x4E00, 0x5600))),
}
_WORDS = 20_000
_NOTHING = Fingerprints(sha256=b"")
_ALIKE = {"o": "\u043e", "e": "\u0435", "a": "\u0430", "c": "\u0441", "p": "\u0440"}
#: rapidfuzz's score (0 to 100) from which the brute force calls a known text part of a post.
_SAME = 100 - DIFFERING / 10
_QUERIES = 400
_OFTEN, _SOMETIMES, _SELDOM = 1 / 10, 1 / 15, 1 / 25
_SAMPLE = 120


class Language:
    """Makes texts of invented words in one script, from a seed."""

    def __init__(self, script: str, seed: int) -> None:
        self.chance = random.Random(f"{script} {seed}")
        letters = SCRIPTS[script]
        longest = 3 if script == "chinese" else 9
        self._blank = "" if script == "chinese" else " "
        self._words = ["".join(self.chance.choices(letters, k=self.chance.randint(1, longest))) for _ in range(_WORDS)]
        total = 0.0
        self._weights = [total := total + 1 / (rank + 2) for rank in range(_WORDS)]

    def text(self, words: int) -> str:
        """Write a text nobody wrote before."""
        return self._blank.join(self.chance.choices(self._words, cum_weights=self._weights, k=words))


def _signal(number: int, letters: str) -> Signal:
    return Signal(
        id=SignalId(UUID(int=number + 1)),
        kind=FingerprintKind.TEXT,
        value=letters.encode(),
        labels=frozenset({Label.INCITES}),
        provenance=Provenance.OWN,
        standing=Standing.CONFIRMED,
        decision=None,
        own_people=True,
        members=0,
        disputed=False,
        position=number + 1,
    )


def _edits(language: Language) -> dict[str, Callable[[str], str]]:
    """Name the ways a known text comes back."""
    chance, text = language.chance, language.text

    def words(known: str, change: Callable[[str], str]) -> str:
        return " ".join(change(word) for word in known.split(" "))

    return {
        "as it is": lambda known: known,
        "look-alike letters": lambda known: "".join(_ALIKE.get(letter, letter) for letter in known),
        "invisible characters": "\u200b".join,
        "capitals and accents": lambda known: "".join(f"{letter}\u0301" for letter in known.upper()),
        "a letter in fifteen wrong": lambda known: "".join(
            chance.choice("xyz") if chance.random() < _SOMETIMES else letter for letter in known
        ),
        "a word in ten put in": lambda known: words(
            known, lambda word: f"{word} {text(1)}" if chance.random() < _OFTEN else word
        ),
        "a word in ten left out": lambda known: words(known, lambda word: "" if chance.random() < _OFTEN else word),
        "inside a longer post": lambda known: f"{text(200)} {known} {text(200)}",
        "inside, a letter in twenty-five wrong": lambda known: (
            text(100)
            + "".join(chance.choice("xyz") if chance.random() < _SELDOM else letter for letter in known)
            + text(100)
        ),
        "half of it": lambda known: known[len(known) // 4 : 3 * len(known) // 4],
    }


def _timed(part: Texts, posts: Iterator[str]) -> dict[str, float]:
    times = []
    for post in posts:
        letters = normalise(post)
        start = time.perf_counter()
        part.search(_NOTHING, letters)
        times.append(1000 * (time.perf_counter() - start))
    times.sort()
    return {
        "median_ms": round(times[len(times) // 2], 3),
        "p99_ms": round(times[min(int(len(times) * 0.99), len(times) - 1)], 3),
        "queries": len(times),
    }


def _found(part: Texts, post: str) -> set[int]:
    return {match.signal.value.int - 1 for match in part.search(_NOTHING, normalise(post))}


def _recall(part: Texts, known: list[str], language: Language) -> dict[str, dict[str, float]]:
    """Compare what is found of each kind of edit with brute force on the same text."""
    out = {}
    for name, edit in _edits(language).items():
        found = by_sketch = brute = both = 0
        for _ in range(_SAMPLE):
            number = language.chance.randrange(len(known))
            post = edit(known[number])
            here = number in _found(part, post)
            there = fuzz.partial_ratio(normalise(known[number]), normalise(post)) >= _SAME
            sketch = Fingerprints(sha256=b"", sketch=sketch_of(normalise(post)).pack())
            by_sketch += any(match.signal.value.int - 1 == number for match in part.search(sketch, None))
            found, brute, both = found + here, brute + there, both + (here and there)
        out[name] = {
            "found": found / _SAMPLE,
            "brute_force": brute / _SAMPLE,
            "recall_of_brute_force": both / brute if brute else 1.0,
            "found_by_sketch": by_sketch / _SAMPLE,
        }
    return out


def _false_matches(part: Texts, known: list[str], language: Language) -> dict[str, float]:
    """Count matches of posts that nobody's known text is in, and ask brute force about each."""
    posts = [language.text(language.chance.randint(40, 400)) for _ in range(_QUERIES)]
    pairs = [(post, number) for post in posts for number in _found(part, post)]
    true = sum(fuzz.partial_ratio(normalise(known[number]), normalise(post)) >= _SAME for post, number in pairs)
    greeting, closing = language.text(18), language.text(14)
    shared = [f"{greeting} {language.text(60)} {closing}" for _ in range(200)]
    sharing = Texts()
    sharing.bring_forward([_signal(number, normalise(text)) for number, text in enumerate(shared[:100])])
    boilerplate = sum(len(_found(sharing, text)) for text in shared[100:])
    return {
        "posts": len(posts),
        "matches": len(pairs),
        "of_them_not_by_brute_force": len(pairs) - true,
        "posts_that_share_a_greeting_and_a_closing": 100,
        "matches_among_those": boilerplate,
    }


def measure(entries: int) -> dict[str, object]:
    """Run everything."""
    latin = Language("latin", 1)
    others = {script: Language(script, 1) for script in SCRIPTS if script != "latin"}
    known = [
        (others[script] if (script := latin.chance.choice(["latin"] * 7 + list(others))) != "latin" else latin).text(
            latin.chance.randint(40, 160)
        )
        for _ in range(entries)
    ]
    start = time.perf_counter()
    letters = [normalise(text) for text in known]
    normalised = time.perf_counter() - start
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    part = Texts()
    # Kernels are compiled or loaded before anything is measured.
    part.bring_forward([_signal(0, letters[0])])
    part.search(_NOTHING, letters[0])
    start = time.perf_counter()
    part.bring_forward([_signal(number, text) for number, text in enumerate(letters)][1:])
    built = time.perf_counter() - start
    plain = [text for text in known if text.isascii()]
    numbers = {text: number for number, text in enumerate(known)}
    short = (latin.text(latin.chance.randint(20, 60)) for _ in range(_QUERIES))
    long = (latin.text(1500) for _ in range(_QUERIES))
    megabyte = (latin.text(190_000) for _ in range(5))
    full = (" ".join(f"{latin.text(150)} {latin.chance.choice(plain)}" for _ in range(600)) for _ in range(5))
    one = latin.text(190_000)
    start = time.perf_counter()
    normalise(one)
    letters_of_one = time.perf_counter() - start
    sample = plain[: 20 * _SAMPLE]
    of_sample = Texts()
    of_sample.bring_forward([_signal(number, letters[numbers[text]]) for number, text in enumerate(sample)])
    return {
        "known_texts": entries,
        "letters_each": round(sum(map(len, letters)) / entries),
        "kept_hashes": sum(len(table) for table in part._state.tables),  # noqa: SLF001 -- what it holds is what is measured
        "build_s": round(built, 2),
        "normalise_all_s": round(normalised, 2),
        "megabytes_more": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024),
        "normalise_1_mb_ms": round(1000 * letters_of_one, 1),
        "query": {
            "short": _timed(part, short),
            "long": _timed(part, long),
            "known": _timed(part, (latin.chance.choice(known) for _ in range(_QUERIES))),
            "one_megabyte": _timed(part, megabyte),
            "one_megabyte_full_of_known_texts": _timed(part, full),
        },
        "edited": _recall(of_sample, sample, latin),
        "false": _false_matches(part, known, latin),
    }


def main() -> None:
    """Measure, and print what was found."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--entries", type=int, default=100_000, help="known texts")
    options.add_argument("--json", action="store_true", help="as JSON, and nothing else")
    chosen = options.parse_args()
    found = measure(chosen.entries)
    json.dump(found, sys.stdout, indent=None if chosen.json else 2, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
