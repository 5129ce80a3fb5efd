"""The jail for videos: they take memory and time that no picture may.

May decide: what a child that reads a video may use. It is started when the first video comes: most processes of a node
never see one.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tidegate.jail import Jail, Limits

#: A frame of the largest size is 50 MB, and decoders keep up to 17 of them beside the file itself.
_LIMITS: Final = Limits(memory=3 << 30, cpu_seconds=120, requests=1)
_ENGINE: Final = "tidegate.fingerprint.video.decoder"


class VideoJail:
    """The jail for videos. One child a part, so that no file meets what another left behind."""

    def __init__(self, cache_directory: Path | None = None, accept_missing: Sequence[str] = (), size: int = 1) -> None:
        self._jail = Jail(
            size=size,
            engines=[_ENGINE],
            limits=_LIMITS,
            cache_directory=cache_directory,
            accept_missing=accept_missing,
            # A part takes seconds, so whoever waits for a child waits longer than for a picture's.
            patience=180.0,
        )
        self._starting = asyncio.Lock()
        self._started = False

    async def open(self) -> Jail:
        """Give the jail, started."""
        async with self._starting:
            if not self._started:
                await self._jail.start()
                self._started = True
        return self._jail

    async def close(self) -> None:
        """Stop it, if it was ever started."""
        async with self._starting:
            if self._started:
                await self._jail.stop()
                self._started = False
