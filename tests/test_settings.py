"""Settings: each mistake is explained, and none lowers the floor."""

import math
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidegate.decision.policy import WIDEST_ALONE
from tidegate.kernel.errors import ConfigurationError
from tidegate.settings import Settings, read_settings
from tidegate.verdict.rules import LONGEST_HOLD


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hold_seconds", "86401"),
        ("hold_seconds", "1e9"),
        ("hold_seconds", "inf"),
        ("hold_seconds", "nan"),
        ("hold_seconds", "0"),
        ("hold_seconds", "-1"),
        ("wide_reach", "100001"),
        ("wide_reach", "-1"),
        ("undo_seconds", "601"),
        ("undo_seconds", "-1"),
        ("undo_seconds", "nan"),
        ("unchecked_share", "1.1"),
        ("unchecked_share", "nan"),
        ("publish_window_seconds", "0"),
        ("publish_window_seconds", "nan"),
        ("webhook_timeout_seconds", "0"),
        ("webhook_timeout_seconds", "nan"),
        ("database_connections", "1"),
        ("clear_upload_days", "0"),
        ("public_port", "70000"),
        ("public_port", "door"),
        ("public_url", "not an address"),
        ("staff_url", "ftp://example.org"),
        ("ledger_origin", "https://example.org/log"),
        ("ledger_origin", "Upper.example"),
        ("log_level", "loud"),
        ("match_without_record", "perhaps"),
        ("largest_body_bytes", "10"),
        ("requests_per_minute", "0"),
    ],
)
def test_each_mistake_names_its_setting_and_how_to_give_it(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"TIDEGATE_{name.upper()}", value)
    with pytest.raises(ConfigurationError) as refusal:
        read_settings()
    (line,) = refusal.value.message.splitlines()
    assert line.startswith(f"{name}: ")
    assert f"set TIDEGATE_{name.upper()} or {name} in tidegate.toml" in line


@given(st.floats())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rule_1_no_setting_makes_a_hold_longer_than_a_day(seconds: float) -> None:
    try:
        found = read_settings(hold_seconds=seconds)
    except ConfigurationError:
        assert math.isnan(seconds) or seconds <= 0 or seconds > LONGEST_HOLD.total_seconds()
    else:
        assert timedelta() <= found.hold_policy.hold_for <= LONGEST_HOLD


@given(st.integers())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rule_4_no_setting_raises_the_reach_one_person_decides_about(reach: int) -> None:
    try:
        found = read_settings(wide_reach=reach)
    except ConfigurationError:
        assert not 0 <= reach <= WIDEST_ALONE
    else:
        assert found.policy.wide_reach == reach


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "tidegate.toml").write_text('hold_seconds = 90000\nwide_reach = 200000\ncolour = "red"\n')
    with pytest.raises(ConfigurationError) as refusal:
        read_settings()
    lines = refusal.value.message.splitlines()
    assert len(lines) == 3
    assert any("at most 24 hours (floor rule 1)" in line for line in lines)
    assert any("never raised above 100000 (floor rule 4)" in line for line in lines)
    assert any(line.startswith("colour: ") and "no setting has this name" in line for line in lines)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "tidegate.toml").write_text("hold_seconds = = 3")
    with pytest.raises(ConfigurationError, match="not valid TOML"):
        read_settings()


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tidegate.toml").write_text("undo_seconds = 5\nwide_reach = 7\n")
    monkeypatch.setenv("TIDEGATE_UNDO_SECONDS", "9")
    found = read_settings()
    assert (found.undo_seconds, found.wide_reach) == (9, 7)
    assert read_settings(undo_seconds=11).undo_seconds == 11


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_DATABASE_URL", "postgresql://app:swordfish@db/tidegate")
    found = read_settings()
    assert "swordfish" not in repr(found)
    assert "swordfish" not in str(found.model_dump())


def test_every_setting_says_what_it_is_for() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert len(field.description) > 10


def test_defaults_are_the_floor_itself_or_stricter() -> None:
    found = read_settings()
    assert found.hold_policy.hold_for <= LONGEST_HOLD
    assert found.policy.wide_reach <= WIDEST_ALONE
    assert not found.match_without_record
    assert found.jail_accept_missing == ()
