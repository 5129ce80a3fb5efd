"""What is accepted, and how long it is kept: never less than the floor."""

import unicodedata
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import made
from made import NOW
from tidegate.content import rules
from tidegate.content.model import AccountClass, ContentKind, Standing, Submission, Surface
from tidegate.kernel.errors import Malformed, RuleBroken
from tidegate.kernel.ids import ServiceId

moments = st.none() | made.times
GOOD = Submission(
    service=made.number(ServiceId, 1),
    kind=ContentKind.PICTURE,
    platform_id="post-1",
    uploader="user-1",
    account_class=AccountClass.ORDINARY,
    surface=Surface.PUBLIC,
    reach=10,
)


def kept(
    removed: datetime | None, left_up: datetime | None, complaint: datetime | None, *, contested: bool
) -> datetime | None:
    return rules.kept_until(removed_at=removed, left_up_at=left_up, complaint_until=complaint, contested=contested)


@given(moments, moments, moments)
def test_rule_7_nothing_contested_is_ever_destroyed(
    removed: datetime | None, left_up: datetime | None, complaint: datetime | None
) -> None:
    until = kept(removed, left_up, complaint, contested=True)
    assert until is None
    assert not rules.may_erase(made.content(1), until, NOW + timedelta(days=100_000))


@given(moments, moments, moments)
def test_rule_7_it_is_kept_until_the_latest_of_all_times(
    removed: datetime | None, left_up: datetime | None, complaint: datetime | None
) -> None:
    until = kept(removed, left_up, complaint, contested=False)
    if removed is None and left_up is None:
        assert until is None, "what nobody decided is not destroyed"
        return
    assert until is not None
    if removed is not None:
        assert until >= removed + timedelta(days=183)
    if complaint is not None:
        assert until >= complaint + timedelta(days=30)
    if left_up is not None:
        assert until >= left_up + timedelta(days=30)


@given(made.times, moments, made.times, st.timedeltas(timedelta(), timedelta(days=900)))
def test_rule_7_a_later_time_never_means_an_earlier_end(
    removed: datetime, left_up: datetime | None, complaint: datetime, later: timedelta
) -> None:
    until = kept(removed, left_up, complaint, contested=False)
    assert until is not None
    for longer in (
        kept(removed + later, left_up, complaint, contested=False),
        kept(removed, left_up, complaint + later, contested=False),
    ):
        assert longer is not None
        assert longer >= until


@given(st.sampled_from(Standing), moments, made.times)
def test_rule_7_a_key_is_destroyed_once_and_not_early(
    standing: Standing, until: datetime | None, now: datetime
) -> None:
    may = rules.may_erase(made.content(1, standing=standing), until, now)
    assert may == (standing is not Standing.ERASED and until is not None and until <= now)


@given(st.text(max_size=40))
def test_text_from_outside_is_normal_short_and_printable(text: str) -> None:
    good = (
        len(text) > 0
        and len(text.encode("utf-8", "surrogatepass")) <= 30
        and unicodedata.is_normalized("NFC", text)
        and not any(unicodedata.category(sign) in {"Cc", "Cs"} and sign not in "\n\t" for sign in text)
    )
    if good:
        rules.check_text("caption", text, most=30, needed=True)
    else:
        with pytest.raises(Malformed) as refusal:
            rules.check_text("caption", text, most=30, needed=True)
        assert refusal.value.reference == "caption"
        assert refusal.value.message.startswith("caption ")


@pytest.mark.parametrize("account", AccountClass)
def test_rule_13_private_messages_are_refused_for_everyone(account: AccountClass) -> None:
    with pytest.raises(RuleBroken, match="never checked") as refusal:
        rules.check_submission(replace(GOOD, surface=Surface.PRIVATE, account_class=account))
    assert refusal.value.reference == "rule 13"


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("platform_id", {"platform_id": ""}),
        ("platform_id", {"platform_id": "x" * 513}),
        ("uploader", {"uploader": ""}),
        ("uploader", {"uploader": "a\x00b"}),
        ("caption", {"caption": "e\u0301"}),
        ("caption", {"caption": "\ud800"}),
        ("link", {"link": "x" * 20_001}),
        ("reach", {"reach": -1}),
        ("reach", {"reach": 10**11}),
    ],
)
def test_each_mistake_names_its_field(field: str, change: dict[str, object]) -> None:
    with pytest.raises(Malformed) as refusal:
        rules.check_submission(replace(GOOD, **change))  # type: ignore[arg-type]  # by parameter
    assert refusal.value.reference == field


def test_what_is_well_formed_is_accepted() -> None:
    rules.check_submission(replace(GOOD, caption="Zwei Zeilen\n\tund \u00e4 \U0001f309", reach=10**10))
