"""What a scan is asked about: the files of a folder, the rows of a table, or lines, always in the same order.

May decide: what a line means. Files are named, never opened here.
"""

import csv
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tidegate.kernel.errors import Malformed

#: Values that can be asked about instead of files: 64 hexadecimal digits each.
VALUES = ("pdq", "sha256")
_DIGITS = 64
_PIECE, _LONGEST_LINE = 1 << 16, 1 << 20


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing asked about: a file, or a value.

    Attributes:
        place: where it stands; a scan goes on after a place.
        what: ``path``, ``pdq`` or ``sha256``.
        name: as it was given.
        path: of a file.
        value: of a value.
    """

    place: Any
    what: str
    name: str
    path: Path = Path()
    value: bytes | None = None


class Source(Protocol):
    """Where a scan's questions come from."""

    @property
    def name(self) -> str:
        """Name it, so that a state is not taken for another's."""

    def after(self, place: Any) -> Iterator[Asked]:  # noqa: ANN401 - a place of its own
        """Give everything after a place, in order; everything when it is None."""

    def count(self) -> int | None:
        """Say how many there are, where that can be known beforehand."""

    def left_out(self) -> str | None:
        """Say what was seen and is not asked about, if anything."""


class Folder:
    """All files below a folder, by name; links are not followed, for they may lead round in circles or elsewhere.

    A folder that cannot be read stands among the files: it cannot be checked either.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = f"folder {path.resolve()}"
        self._links: set[tuple[str, ...]] = set()

    def after(self, place: Any) -> Iterator[Asked]:  # noqa: ANN401 - see Source
        """Give the files after this one."""
        yield from self._below((), tuple(place or ()))

    def count(self) -> int | None:
        """Count the files."""
        return sum(1 for _ in self.after(None))

    def left_out(self) -> str | None:
        """Say that there were links."""
        if not self._links:
            return None
        return f"Links are not followed; there are {len(self._links)}. Scan what they lead to by its own name."

    def _below(self, parts: tuple[str, ...], after: tuple[str, ...]) -> Iterator[Asked]:
        try:
            found = sorted(os.scandir(self._path.joinpath(*parts)), key=lambda entry: entry.name)
        except OSError as error:
            if not parts:
                raise Malformed(f"{self._path} cannot be read: {error.strerror}.") from error
            if parts > after:
                yield Asked(list(parts), "path", str(Path(*parts)), self._path.joinpath(*parts))
            return
        for entry in found:
            mine = (*parts, entry.name)
            if entry.is_symlink():
                self._links.add(mine)
            if entry.is_dir(follow_symlinks=False):
                # Whole folders that come before are stepped over.
                if mine >= after[: len(mine)]:
                    yield from self._below(mine, after)
            elif mine > after and entry.is_file(follow_symlinks=False):
                yield Asked(list(mine), "path", str(Path(*mine)), self._path.joinpath(*mine))


class Table:
    """The rows of a CSV file, with a column ``path``, ``pdq`` or ``sha256``; paths are relative to the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = f"table {path.resolve()}"

    def after(self, place: Any) -> Iterator[Asked]:  # noqa: ANN401 - see Source
        """Give the rows after this one."""
        try:
            # Names of files need not be UTF-8.
            with self._path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
                rows = csv.DictReader(file)
                columns = [name for name in ("path", *VALUES) if name in (rows.fieldnames or ())]
                if not columns:
                    raise Malformed(
                        f"{self._path} needs a column path, pdq or sha256, named in its first line. "
                        "One file alone is scanned by its name, written to: tidegate scan -"
                    )
                for number, row in enumerate(rows, start=1):
                    what = next((name for name in columns if row[name]), None)
                    if number > (place or 0) and what is not None:
                        yield _asked(number, what, row[what].strip(), self._path.parent)
        except (OSError, UnicodeError, csv.Error) as error:
            raise Malformed(f"{self._path} cannot be read as a table: {error}.") from error

    def count(self) -> int | None:
        """Count the rows."""
        return sum(1 for _ in self.after(None))

    def left_out(self) -> None:
        """Nothing is."""


class Lines:
    """Lines, each a path, or ``pdq`` or ``sha256`` with a value after a blank or a comma."""

    name = "lines"

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines

    def after(self, place: Any) -> Iterator[Asked]:  # noqa: ANN401 - see Source
        """Give the lines after this one."""
        for number, line in enumerate(self._lines, start=1):
            text = line.rstrip("\r\n")
            if number <= (place or 0) or not text:
                continue
            word, _, rest = text.replace(",", " ", 1).partition(" ")
            if word in VALUES:
                yield _asked(number, word, rest.strip(), Path())
            else:
                yield _asked(number, "path", text, Path())

    def count(self) -> int | None:
        """Nobody knows how many will come."""
        return None

    def left_out(self) -> None:
        """Nothing is."""


def lines_from(descriptor: int) -> Iterator[str]:
    """Read lines as they come; names of files need not be UTF-8.

    Straight from the descriptor: a thread that waits for the next line must hold no lock that an ending process needs.

    Raises:
        Malformed: a line is longer than any name.
    """
    begun = b""
    while piece := os.read(descriptor, _PIECE):
        *whole, begun = (begun + piece).split(b"\n")
        yield from (line.decode("utf-8", "surrogateescape") for line in whole)
        if len(begun) > _LONGEST_LINE:
            raise Malformed("This is no list of names and values: a line is longer than a megabyte.")
    if begun:
        yield begun.decode("utf-8", "surrogateescape")


def source_of(given: str, lines: Iterable[str]) -> Source:
    """Say what was named: ``-`` for lines, a folder, or a table.

    Raises:
        Malformed: there is no such thing.
    """
    path = Path(given)
    if given == "-":
        return Lines(lines)
    if path.is_dir():
        return Folder(path)
    if path.is_file():
        return Table(path)
    raise Malformed(f"There is no {given}: name a folder, a CSV file, or - for lines from standard input.")


def _asked(number: int, what: str, text: str, folder: Path) -> Asked:
    if what == "path":
        return Asked(number, what, text, folder / text)
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(text) != _DIGITS or len(value) != _DIGITS // 2:
        raise Malformed(f"Line {number}: a {what} value has {_DIGITS} hexadecimal digits.", reference=what)
    return Asked(number, what, text, value=value)
