"""Events: what happened, kept for ever, holding nothing personal.

May decide: which kinds of value an event may hold at all. Ids, closed enumerations, short codes from a fixed
alphabet, whole numbers, booleans, times, and tuples of these: nothing else can be written, so that an event never
carries a name, a caption, a hash or a reason. What describes a person or content lives in a sealed detail
(``db/sealing.py``) and can be erased; the event stays and the rebuild still works.
"""

import dataclasses
import re
import types
import typing
from collections.abc import Callable, Iterator
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Self, TypeVar, dataclass_transform, get_args, get_origin, get_type_hints

from tidegate.kernel.errors import IntegrityError, Malformed
from tidegate.kernel.ids import Id


class Code(str):
    """A short code with a fixed form, such as a language or a country. Subclasses give the form."""

    __slots__ = ()
    pattern: ClassVar[re.Pattern[str]]
    example: ClassVar[str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check the form of a code.

        Raises:
            Malformed: the text has another form.
        """
        if not cls.pattern.fullmatch(text):
            raise Malformed(f'A {cls.__name__.lower()} code looks like "{cls.example}".')
        return cls(text)


class Language(Code):
    """A primary language subtag (BCP 47, ISO 639)."""

    __slots__ = ()
    pattern = re.compile(r"[a-z]{2,3}")
    example = "en"


class Country(Code):
    """A country (ISO 3166-1 alpha-2)."""

    __slots__ = ()
    pattern = re.compile(r"[A-Z]{2}")
    example = "DE"


class Event:
    """Something that happened. The first field is the id of the thing it happened to."""

    kind: ClassVar[str]

    @property
    def subject(self) -> Id:
        """The thing it happened to."""
        first = dataclasses.fields(self)[0].name  # type: ignore[arg-type]  # every event is made a dataclass below
        value = getattr(self, first)
        assert isinstance(value, Id)
        return value


EVENTS: dict[str, type[Event]] = {}

EventType = TypeVar("EventType", bound=Event)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event(kind: str) -> Callable[[type[EventType]], type[EventType]]:
    """Make a class an event of this kind; its fields are checked when the module is imported."""

    def make(cls: type[EventType]) -> type[EventType]:
        made = dataclasses.dataclass(frozen=True, kw_only=True, slots=False)(cls)
        made.kind = kind
        for name, hint in get_type_hints(made).items():
            if get_origin(hint) is not ClassVar and not _allowed(hint):
                raise TypeError(f"{kind}.{name}: an event may hold no {hint}; put it in a sealed detail.")
        if kind in EVENTS:
            raise TypeError(f"Two events are called {kind}.")
        EVENTS[kind] = made
        return made

    return make


def _allowed(hint: object) -> bool:
    origin = get_origin(hint)
    if origin in {typing.Union, types.UnionType, tuple}:
        return all(part in {type(None), Ellipsis} or _allowed(part) for part in get_args(hint))
    if not isinstance(hint, type):
        return False
    if issubclass(hint, (Id, StrEnum, Code, bool, int, datetime, date)):
        return True
    return dataclasses.is_dataclass(hint) and all(_allowed(part) for part in get_type_hints(hint).values())


def encode(value: object) -> object:
    """Turn an event, or a value in one, into JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, (type, Id)):
        return {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (Id, StrEnum, Code)):
        return str(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    raise TypeError(f"An event may hold no {type(value).__name__}.")


def decode(kind: str, data: object) -> Event:
    """Read an event back from its JSON.

    Raises:
        IntegrityError: no event has this kind, or the data is not what such an event holds.
    """
    cls = EVENTS.get(kind)
    if cls is None:
        raise IntegrityError(f"This release knows no event {kind}: it was written by a newer one. Upgrade first.")
    try:
        made = _decode(cls, data)
    except (KeyError, TypeError, ValueError, Malformed, AssertionError) as error:
        raise IntegrityError(f"A {kind} event does not read back.", reference=kind) from error
    assert isinstance(made, Event)
    return made


def _decode(hint: object, data: object) -> object:
    origin = get_origin(hint)
    if origin in {typing.Union, types.UnionType}:
        if data is None:
            return None
        (inner,) = (part for part in get_args(hint) if part is not type(None))
        return _decode(inner, data)
    if origin is tuple:
        assert isinstance(data, list)
        return tuple(_decode(get_args(hint)[0], item) for item in data)
    assert isinstance(hint, type)
    if issubclass(hint, (datetime, date)):
        return hint.fromisoformat(str(data))
    if issubclass(hint, (Id, Code)):
        return hint.parse(str(data))
    if dataclasses.is_dataclass(hint):
        assert isinstance(data, dict)
        hints = get_type_hints(hint)
        # A field with a default came later: what older releases wrote has none.
        written = [field for field in dataclasses.fields(hint) if field.name in data or not _has_default(field)]
        return hint(**{field.name: _decode(hints[field.name], data[field.name]) for field in written})
    return hint(data)  # type: ignore[call-arg]  # what is left takes one argument: StrEnum, int, bool


def _has_default(field: "dataclasses.Field[object]") -> bool:
    return field.default is not dataclasses.MISSING


def ids_in(value: object) -> Iterator[Id]:
    """Give every id an event holds, so that the whole life of any of them can be found."""
    if isinstance(value, Id):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from ids_in(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from ids_in(getattr(value, field.name))
