"""The platform's REST API, one file per noun."""

from tidegate.api import content, flags, hma, instructions, match, signals

DOORS = (content.door, flags.door, signals.door, instructions.door, match.door, *hma.DOORS)
