"""Jails for tests: one for those that leave it as it was, and as many others as wanted."""

from collections.abc import Iterator
from typing import Any

import pytest
from held_jail import HeldJail, MakeJail


@pytest.fixture(scope="session")
def shared() -> Iterator[HeldJail]:
    held = HeldJail(size=1)
    yield held
    held.stop()


@pytest.fixture
def make_jail() -> Iterator[MakeJail]:
    made: list[HeldJail] = []

    def make(**settings: Any) -> HeldJail:
        made.append(HeldJail(**settings))
        return made[-1]

    yield make
    for held in made:
        held.stop()
