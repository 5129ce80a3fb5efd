"""What the tests of pages share: a picture that two people removed, and the software passkey of the tests of people."""

import sys
from pathlib import Path

import pytest

from console.console_story import Removed, flagged, remove
from running import Running
from tidegate.people.model import Role

sys.path.append(str(Path(__file__).parents[1] / "people"))


@pytest.fixture
def removed(node: Running) -> Removed:
    platform = node.platform()
    voters = [node.person(Role.REVIEWER, name=f"Voter {number}") for number in range(2)]
    content = flagged(platform)
    return Removed(platform, voters, content, remove(node, platform, voters, content))
