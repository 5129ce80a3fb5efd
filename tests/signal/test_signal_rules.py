"""What a signal is good for, and what may become one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import made
from tidegate.kernel.errors import Malformed, RuleBroken
from tidegate.signal import rules
from tidegate.signal.model import FingerprintKind, Label, Signal, Standing

any_signal = made.signals(1)


@given(any_signal)
def test_rule_1_holding_takes_everything_at_once(signal: Signal) -> None:
    others = signal.members >= 2 and signal.kind is not FingerprintKind.DOMAIN
    confirmed = signal.standing is Standing.CONFIRMED and (signal.own_people or others)
    solid = confirmed and not signal.disputed and signal.labels != frozenset({Label.GLORIFIES})
    assert rules.may_hold(signal) == solid
    if rules.may_hold(signal):
        assert rules.proposes(signal)


@given(any_signal)
def test_rule_15_what_was_imported_waits_for_people_or_two_members(signal: Signal) -> None:
    imported = replace(signal, own_people=False, members=0)
    assert not rules.may_hold(imported)
    assert not rules.may_hold(replace(imported, members=1))
    assert not rules.may_hold(replace(signal, standing=Standing.UNCONFIRMED))


@given(any_signal, st.sampled_from(Label))
def test_losing_support_never_gives_power(signal: Signal, label: Label) -> None:
    if not rules.may_hold(signal):
        weaker = (
            replace(signal, disputed=True),
            replace(signal, own_people=False),
            replace(signal, members=0),
            replace(signal, standing=Standing.WITHDRAWN),
            replace(signal, labels=frozenset({Label.GLORIFIES})),
        )
        assert not any(rules.may_hold(weak) for weak in weaker)
    more = replace(signal, labels=signal.labels | {label})
    assert rules.may_hold(more) >= rules.may_hold(signal)


@given(st.lists(st.sampled_from([label.value for label in Label]) | st.text(max_size=12), max_size=5))
def test_rule_14_only_the_closed_list_becomes_a_signal(words: list[str]) -> None:
    known = {label.value for label in Label}
    if words and set(words) <= known:
        read = rules.check_labels(words)
        assert {label.value for label in read} == set(words)
        assert list(read) == sorted(set(read))
    else:
        with pytest.raises(RuleBroken) as refusal:
            rules.check_labels(words)
        assert refusal.value.reference == "rule 14"


@given(made.values, st.sampled_from([FingerprintKind.SHA256, FingerprintKind.PDQ]))
def test_a_fingerprint_reads_back(value: bytes, kind: FingerprintKind) -> None:
    assert rules.check_value(kind, value.hex()) == (kind, value)
    assert rules.check_value(kind, value.hex().upper()) == (kind, value)


@given(st.sampled_from(["sha256", "pdq", "md5", ""]), st.text(max_size=70))
def test_other_text_is_no_fingerprint(kind: str, text: str) -> None:
    if len(text) == 64 and kind in {"sha256", "pdq"}:
        return
    with pytest.raises(Malformed, match="64 hexadecimal digits"):
        rules.check_value(kind, text)


@pytest.mark.parametrize("text", ["", "00" * 31, "00" * 33, "zz" * 32, "0x" + "00" * 31, "\u0660" * 64])
def test_a_fingerprint_has_64_hexadecimal_digits(text: str) -> None:
    with pytest.raises(Malformed, match="64 hexadecimal digits"):
        rules.check_value("sha256", text)


def test_blanks_inside_a_value_are_no_digits() -> None:
    with pytest.raises(Malformed):
        rules.check_value("sha256", " ".join(["00"] * 32))
