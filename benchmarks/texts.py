"""Texts: how fast a post is matched against known texts, and what of edited ones is found.

``python -m benchmarks.texts --json``. Known texts and posts are made of invented words, common ones common and rare
ones rare as in a language, so that shingles repeat as they do there; in four scripts. Recall and false matches are
judged by brute force on a sample: rapidfuzz's best alignment of the known text in the post.

What the bar of a megabyte is held against: all the node does with it between its bytes and its matches: the letters
made in the jail and brought back, shingles, search, comparison letter by letter, and, where something is found, the
second way to the jail that says where in the text it stands. Median and longest of some in a row, one core at a time.
The texts are a megabyte of UTF-8 each: of languages, and of what somebody would send to slow a node.

What it leaves out: texts of real languages, HTTP and the database, and what exact bytes cost, which every kind has.
"""

import argparse
import asyncio
import json
import platform
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from rapidfuzz import fuzz

from benchmarks.made_signals import confirmed_signal
from tidegate.content.model import Fingerprints
from tidegate.fingerprint.compiled import keep_compiled
from tidegate.fingerprint.words.letters import normalise
from tidegate.fingerprint.words.text import fingerprint_in, locate_in, read_text
from tidegate.jail import Jail
from tidegate.match.words.alignment import DIFFERING
from tidegate.match.words.texts import Texts, warm
from tidegate.signal.model import FingerprintKind, Signal

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
_MEGABYTE = 1_000_000
#: Milliseconds.
_BAR = 20
_ROUNDS = 9
_PAUSE = 0.15


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
    return confirmed_signal(number + 1, FingerprintKind.TEXT, letters.encode())


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
        text = read_text(normalise(post))
        start = time.perf_counter()
        part.search(_NOTHING, text)
        times.append(1000 * (time.perf_counter() - start))
    times.sort()
    return {
        "median_ms": round(times[len(times) // 2], 3),
        "p99_ms": round(times[min(int(len(times) * 0.99), len(times) - 1)], 3),
        "queries": len(times),
    }


# --- a megabyte, all the way ---


def _cut(text: str) -> bytes:
    """Cut a text to a megabyte of UTF-8."""
    return text.encode()[:_MEGABYTE].decode(errors="ignore").encode()


def _megabytes(languages: Mapping[str, Language], known: Sequence[str]) -> dict[str, bytes]:
    """Name texts of a megabyte: of languages, and made to be slow."""
    latin = languages["latin"]
    chance, plain = latin.chance, latin.text(190_000)
    hangul = "".join(chance.choices([*map(chr, range(0xAC00, 0xD7A4)), *(" " * 900)], k=_MEGABYTE // 2))
    made = {script: language.text(330_000) for script, language in languages.items()}
    made |= {
        "hangul": hangul,
        "full of known texts": " ".join(f"{latin.text(150)} {chance.choice(known)}" for _ in range(1200)),
        "known texts alone": " ".join(chance.choice(known) for _ in range(3000)),
        "one known text, over and over": f"{known[0]} " * (_MEGABYTE // len(known[0]) + 1),
        "a phrase, over and over": "the bridge " * (_MEGABYTE // 11 + 1),
        "one letter": "a" * _MEGABYTE,
        "look-alike letters": "".join(_ALIKE.get(letter, letter) for letter in plain),
        "invisible characters and accents": "".join(f"{letter}\u200b\u0301" for letter in plain),
        "capitals and accents": "".join(f"{letter}\u0301" for letter in plain.upper()),
        "full-width letters": "".join(chr(ord(letter) + 0xFEE0) if letter != " " else letter for letter in plain),
        "emoji alone": "".join(chance.choices("😀👍🏽🔥🎉🚀🌍", k=_MEGABYTE // 3)),
        "emoji between words": plain.replace(" ", "🔥"),
        "an address in every sentence": ". ".join(
            f"{latin.text(20)} https://page{number % 900}.example/{latin.text(1)}" for number in range(7000)
        ),
        "another host in every word, more than are read": " ".join(f"page{number}.example" for number in range(70_000)),
        "dots between letters": "a.b " * (_MEGABYTE // 4),
        "slashes": "/" * _MEGABYTE,
        "http://, over and over": "http://" * (_MEGABYTE // 7),
        "every character": "".join(chr(code) for code in range(0x20, 0x50000) if not 0xD800 <= code < 0xE000),
        # A whole megabyte of it is more letters than are read at all, and so "too large".
        "three quarters of a megabyte of a character that is fifteen letters": "ﷺ" * (_MEGABYTE // 4),
    }
    return {name: _cut(text) for name, text in made.items()}


async def _all_the_way(part: Texts, texts: dict[str, bytes], cache: Path) -> dict[str, dict[str, object]]:
    """Time what a node does with a text, step by step (see ``Node.check``)."""
    jail = Jail(size=1, cache_directory=cache)
    await jail.start()
    told: dict[str, dict[str, object]] = {}
    for name, data in texts.items():
        rows, letters, matches = [], 0, 0
        for _ in range(_ROUNDS):
            begun = time.perf_counter()
            text = await fingerprint_in(jail, data)
            read = time.perf_counter()
            found = await asyncio.to_thread(part.search, _NOTHING, text)
            searched = time.perf_counter()
            if spans := [(match.span.start, match.span.end) for match in found if match.span is not None]:
                await locate_in(jail, data, spans)
            rows.append([1000 * each for each in (time.perf_counter() - begun, read - begun, searched - read)])
            letters, matches = len(text.letters), len(found)
            # A child that read its number of files is replaced meanwhile, as it would be between uploads.
            await asyncio.sleep(_PAUSE)
        whole, reading, searching = (sorted(column) for column in zip(*rows, strict=True))
        told[name] = {
            "median_ms": round(statistics.median(whole), 1),
            "longest_ms": round(whole[-1], 1),
            "of_it_letters_and_shingles_ms": round(statistics.median(reading), 1),
            "of_it_search_ms": round(statistics.median(searching), 1),
            "letters": letters,
            "matches": matches,
            "under_20_ms": statistics.median(whole) < _BAR,
        }
    await jail.stop()
    return told


def _megabyte_bar(told: dict[str, dict[str, object]]) -> dict[str, object]:
    over = [name for name, row in told.items() if not row["under_20_ms"]]
    return {
        "bar": f"a megabyte under {_BAR} ms, from bytes to matches: jail, shingles, search, comparison, places",
        "held_by": len(told) - len(over),
        "missed_by": over,
    }


# --- what is found ---


def _found(part: Texts, post: str) -> set[int]:
    return {match.signal.value.int - 1 for match in part.search(_NOTHING, read_text(normalise(post)))}


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
            sketch = Fingerprints(sha256=b"", sketch=read_text(normalise(post)).sketch.pack())
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


def measure(entries: int, cache: Path) -> dict[str, object]:
    """Run everything."""
    keep_compiled(cache)
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
    warm()
    signals = [_signal(number, text) for number, text in enumerate(letters)]
    start = time.perf_counter()
    part.bring_forward(signals)
    built = time.perf_counter() - start
    plain = [text for text in known if text.isascii()]
    numbers = {text: number for number, text in enumerate(known)}
    short = (latin.text(latin.chance.randint(20, 60)) for _ in range(_QUERIES))
    long = (latin.text(1500) for _ in range(_QUERIES))
    megabytes = asyncio.run(_all_the_way(part, _megabytes({"latin": latin, **others}, plain), cache))
    sample = plain[: 20 * _SAMPLE]
    of_sample = Texts()
    of_sample.bring_forward([_signal(number, letters[numbers[text]]) for number, text in enumerate(sample)])
    return {
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "known_texts": entries,
        "letters_each": round(sum(map(len, letters)) / entries),
        "kept_hashes": sum(len(table) for table in part._state.tables),  # noqa: SLF001 -- what it holds is what is measured
        "build_s": round(built, 2),
        "normalise_all_s": round(normalised, 2),
        "megabytes_more": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024),
        "query": {
            "short": _timed(part, short),
            "long": _timed(part, long),
            "known": _timed(part, (latin.chance.choice(known) for _ in range(_QUERIES))),
        },
        "megabyte": megabytes,
        "megabyte_bar": _megabyte_bar(megabytes),
        "edited": _recall(of_sample, sample, latin),
        "false": _false_matches(part, known, latin),
    }


def main() -> None:
    """Measure, and print what was found."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--entries", type=int, default=100_000, help="known texts")
    options.add_argument("--json", action="store_true", help="as JSON, and nothing else")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        found = measure(chosen.entries, Path(cache))
    json.dump(found, sys.stdout, indent=None if chosen.json else 2, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
