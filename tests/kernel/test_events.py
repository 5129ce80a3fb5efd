"""Events: each reads back as it was written, and none can hold what describes a person."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import made
from tidegate.flow import STORY  # imports every stage, so that every event is known
from tidegate.kernel.errors import IntegrityError, Malformed
from tidegate.kernel.event import EVENTS, Code, Country, Event, Language, decode, encode, event, ids_in
from tidegate.kernel.ids import CaseId, ContentId, StaffId

KINDS = sorted(EVENTS)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_every_event_reads_back_as_it_was_written(kind: str, data: st.DataObject) -> None:
    happened: Event = data.draw(made.of_class(EVENTS[kind]))
    written = json.dumps(encode(happened))
    assert decode(kind, json.loads(written)) == happened


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_the_life_of_whatever_an_event_names_can_be_found(kind: str, data: st.DataObject) -> None:
    happened: Event = data.draw(made.of_class(EVENTS[kind]))
    named = {str(identity) for identity in ids_in(happened)}
    assert str(happened.subject) in named
    written = json.dumps(encode(happened))
    assert all(identity in written for identity in named)


def test_every_event_with_a_view_or_a_follower_is_registered() -> None:
    followed = {*STORY.projections, *STORY.with_it, *STORY.after_it}
    assert followed <= set(EVENTS.values())


@dataclass(frozen=True)
class Words:
    said: str


@pytest.mark.parametrize(
    "hint",
    [
        str,
        float,
        bytes,
        dict[str, int],
        list[int],
        object,
        Any,
        str | None,
        tuple[str, ...],
        tuple[ContentId, str],
        Words,
        tuple[Words, ...],
        complex,
        set[CaseId],
        type[int],
    ],
)
def test_an_event_may_hold_nothing_that_could_describe_a_person(hint: Any) -> None:
    body = {"__annotations__": {"content": ContentId, "said": hint}, "__module__": __name__}
    before = dict(EVENTS)
    with pytest.raises(TypeError, match="sealed detail"):
        event("test.describes")(type("Describes", (Event,), body))
    assert before == EVENTS


def test_no_two_events_have_one_name() -> None:
    with pytest.raises(TypeError, match=r"content\.erased"):

        @event("content.erased")
        class Another(Event):
            content: ContentId


def test_the_same_value_is_never_written_as_another_kind() -> None:
    for value in ("free text", 1.5, b"bytes", {"a": 1}, [1], object()):
        with pytest.raises(TypeError):
            encode(value)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "text",
        7,
        {},
        {"content": None, "reach": 1},
        {"content": "case_00000000000000000000000000", "reach": 1},
        {"content": "content_00000000000000000000000000", "reach": "many"},
        {"content": ["content_00000000000000000000000000"], "reach": 1},
        {"content": "content_00000000000000000000000000"},
    ],
)
def test_what_is_not_an_event_is_damage_and_says_so(data: object) -> None:
    with pytest.raises(IntegrityError, match="does not read back"):
        decode("content.reach_changed", data)


@pytest.mark.parametrize("shown", [None, {}, "all", [1], [{"content": "content_0"}]])
def test_damage_inside_a_list_is_damage_too(shown: object) -> None:
    data = {
        "vote": "vote_00000000000000000000000000",
        "case": "case_00000000000000000000000000",
        "voter": "staff_00000000000000000000000000",
        "measure": "keep",
        "ground": None,
        "provision": None,
        "exempt": "none",
        "label": None,
        "shown": shown,
    }
    with pytest.raises(IntegrityError):
        decode("decision.vote_cast", data)


def test_an_event_of_a_newer_release_says_to_upgrade() -> None:
    with pytest.raises(IntegrityError, match="Upgrade first"):
        decode("content.of_the_future", {})


@given(st.text(max_size=4))
def test_codes_take_their_fixed_form_and_nothing_else(text: str) -> None:
    kinds: tuple[type[Code], ...] = (Language, Country)
    for kind in kinds:
        good = text.isascii() and text.isalpha()
        good &= (text.islower() and len(text) in {2, 3}) if kind is Language else (text.isupper() and len(text) == 2)
        if good:
            assert kind.parse(text) == text
        else:
            with pytest.raises(Malformed, match="looks like"):
                kind.parse(text)


def test_the_first_field_says_what_an_event_is_about() -> None:
    for cls in EVENTS.values():
        hints = list(cls.__annotations__)
        assert hints, cls
    made_now = EVENTS["people.staff_added"](staff=StaffId.new(datetime.now().astimezone(), bytes), by=None)  # type: ignore[call-arg]
    assert isinstance(made_now.subject, StaffId)
