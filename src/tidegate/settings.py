"""Settings: ``tidegate.toml`` and ``TIDEGATE_*``, read once into one frozen value.

May decide: nothing below the safeguard floor. A setting may make the node stricter or describe the machine it runs on;
what would weaken a rule is refused here by name.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, HttpUrl, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from tidegate.decision.policy import LONGEST_UNDO, WIDEST_ALONE, Policy
from tidegate.exposure.rules import ExposurePolicy
from tidegate.kernel.errors import ConfigurationError
from tidegate.verdict.rules import LONGEST_HOLD
from tidegate.verdict.steps import HoldPolicy

_PREFIX = "TIDEGATE_"

Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """All settings of a node. Every one can be given as ``TIDEGATE_NAME`` or in ``tidegate.toml``."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, toml_file="tidegate.toml", frozen=True, extra="forbid", env_ignore_empty=True
    )

    data_directory: Path = Field(
        Path(".tidegate"),
        description="Keys, the public ledger's files, caches and, by default, the database.",
    )
    database_url: SecretStr | None = Field(
        None, description="PostgreSQL as the application's role; without it the embedded one is started."
    )
    database_owner_url: SecretStr | None = Field(
        None, description="PostgreSQL as the owning role, for migrations only."
    )
    database_connections: int = Field(20, ge=4, le=200, description="Most connections of one process.")

    host: str = Field("127.0.0.1", description="Address the three listeners bind to.")
    public_port: Port = Field(8440, description="Port of the public listener: notices, report, ledger.")
    platform_port: Port = Field(8441, description="Port of the platform listener: the API.")
    staff_port: Port = Field(8442, description="Port of the staff listener: the console.")
    public_url: HttpUrl = Field(
        HttpUrl("http://127.0.0.1:8440"),
        description="Where people outside reach the public listener; notices link there.",
    )
    staff_url: HttpUrl = Field(
        HttpUrl("http://127.0.0.1:8442"),
        description="Where staff reach the console; passkeys are bound to it.",
    )
    web_processes: int = Field(1, ge=1, le=64, description="How many web processes share the listeners.")

    ledger_origin: str = Field(
        "tidegate.example/ledger",
        pattern=r"^[a-z0-9.\-]+(/[a-z0-9.\-]+)*$",
        description="The log's name, for ever; without a scheme.",
    )
    publish_window_seconds: float = Field(3600, ge=0.2, le=86_400, description="How often queued leaves are published.")

    hold_seconds: float = Field(
        LONGEST_HOLD.total_seconds(), gt=0, description="How long a machine's hold lasts; at most 24 hours."
    )
    undo_seconds: float = Field(
        60,
        ge=0,
        le=LONGEST_UNDO.total_seconds(),
        description="How long a decision can be taken back before it takes effect.",
    )
    wide_reach: int = Field(
        WIDEST_ALONE, ge=0, description="Reach from which two people decide; may be lowered, never raised."
    )
    exposure_budget_minutes: int = Field(
        60,
        ge=5,
        le=240,
        description="Minutes a day that one person is shown pictures; a minute of severity 3 counts three.",
    )
    exposure_break_after_minutes: int = Field(
        20, ge=5, le=60, description="Minutes of looking without a break until one is due."
    )
    exposure_break_minutes: int = Field(10, ge=5, le=60, description="Minutes without looking that make a break.")
    unchecked_share: float = Field(
        0.1, ge=0, le=1, description="Share of undecodable or too large uploads that people look at."
    )
    match_without_record: bool = Field(
        False, description="Allow keys for POST /v1/match; such answers are counted in public."
    )
    match_per_minute: int = Field(60, ge=1, le=100_000, description="Most matches without a record per key and minute.")
    requests_per_minute: int = Field(6000, ge=1, description="Most requests per API key and minute.")

    clear_upload_days: int = Field(90, ge=1, le=365, description="Days the one row of a clear upload is kept.")
    largest_body_bytes: int = Field(
        512 * 2**20, ge=2**20, description="Most bytes of an upload; larger ones are refused unread."
    )
    largest_decoded_bytes: int = Field(
        32 * 2**20,
        ge=2**16,
        description="Most bytes that are decoded and kept; larger ones are matched exactly and answered `unchecked`.",
    )
    jail_children: int = Field(
        2, ge=1, le=64, description="Locked children that decode at the same time, per web process."
    )
    uploads_per_child: int = Field(
        16,
        ge=1,
        le=1000,
        description="Uploads under way for each locked child; more are answered 503 until some are done.",
    )
    uploads_bytes: int = Field(
        2**30,
        ge=2**26,
        description="Most bytes of uploads kept in memory at the same time, per web process; more are answered 503.",
    )
    jail_files_per_child: int = Field(
        50,
        ge=1,
        le=200,
        description="Files a locked child reads before a fresh one takes its place; fewer is safer and slower.",
    )
    largest_video_bytes: int = Field(
        256 * 2**20,
        ge=2**16,
        description="Most bytes of a video that is checked; larger ones are matched exactly and answered `unchecked`.",
    )
    longest_video_minutes: int = Field(
        240, ge=1, le=1440, description="Longest video that is checked; longer ones are answered `unchecked`."
    )
    video_children: int = Field(
        1, ge=1, le=64, description="Locked children that read videos at the same time, per process that does."
    )
    video_patience_seconds: float = Field(
        2, ge=0, le=30, description="How long an upload waits for the check of a video before it is answered 202."
    )
    jail_accept_missing: tuple[str, ...] = Field(
        (), description="Locks this kernel lacks and you accept to do without, by name."
    )
    webhook_timeout_seconds: float = Field(
        10, gt=0, le=60, description="How long a platform may take to answer a webhook."
    )
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="Least serious log line that is written."
    )

    @field_validator("hold_seconds")
    @classmethod
    def _hold_below_floor(cls, value: float) -> float:
        if value > LONGEST_HOLD.total_seconds():
            raise ValueError("a machine's hold lasts at most 24 hours (floor rule 1)")
        return value

    @field_validator("wide_reach")
    @classmethod
    def _reach_below_floor(cls, value: int) -> int:
        if value > WIDEST_ALONE:
            raise ValueError(f"may be lowered but never raised above {WIDEST_ALONE} (floor rule 4)")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it by name; we read no .env
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what the caller says first, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def hold_policy(self) -> HoldPolicy:
        """What concerns verdicts."""
        return HoldPolicy(hold_for=timedelta(seconds=self.hold_seconds), unchecked_share=self.unchecked_share)

    @property
    def policy(self) -> Policy:
        """What concerns decisions."""
        return Policy(wide_reach=self.wide_reach, undo_for=timedelta(seconds=self.undo_seconds))

    @property
    def exposure_policy(self) -> ExposurePolicy:
        """What concerns looking; that it is counted is no setting."""
        return ExposurePolicy(
            budget=timedelta(minutes=self.exposure_budget_minutes),
            break_after=timedelta(minutes=self.exposure_break_after_minutes),
            break_for=timedelta(minutes=self.exposure_break_minutes),
        )

    @property
    def keys_directory(self) -> Path:
        """Where the node's keys are."""
        return self.data_directory / "keys"

    @property
    def index_directory(self) -> Path:
        """Where the index's segments are."""
        return self.data_directory / "index"

    @property
    def ledger_directory(self) -> Path:
        """Where the public ledger's files are."""
        return self.data_directory / "ledger"


def read_settings(**given: Any) -> Settings:  # noqa: ANN401 - any setting
    """Read the settings.

    Raises:
        ConfigurationError: with one line for each mistake, naming the setting and how to give it.
    """
    lines = [
        f"{name}: no setting has this name (tidegate config check lists them)"
        for name in sorted(os.environ)
        if name.startswith(_PREFIX) and name.removeprefix(_PREFIX).lower() not in Settings.model_fields
    ]
    if lines:
        raise ConfigurationError("\n".join(lines))
    try:
        return Settings(**given)
    except ValidationError as error:
        for mistake in error.errors():
            name = ".".join(str(part) for part in mistake["loc"])
            known = name in Settings.model_fields
            hint = f"set TIDEGATE_{name.upper()} or {name} in tidegate.toml" if known else "no setting has this name"
            lines.append(f"{name}: {mistake['msg'].removeprefix('Value error, ')} ({hint})")
        raise ConfigurationError("\n".join(lines)) from error
    except ValueError as error:
        raise ConfigurationError(f"tidegate.toml is not valid TOML: {error}") from error
