"""Limits of one process: how often someone may ask, and how many uploads are under way at once.

May decide: when to say "too many". Kept in memory: a restart forgets, several processes multiply; it protects the
node, it is no rule of the floor. Sign-in attempts are counted in the database instead.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tidegate.kernel.errors import Busy, RateLimited

_MOST_BUCKETS = 100_000


class Limits:
    """Token buckets that fill evenly over a minute."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._buckets: dict[str, tuple[float, float]] = {}
        self._inside: set[str] = set()

    def take(self, who: str, per_minute: int) -> None:
        """Use one of what someone has left.

        Raises:
            RateLimited: nothing is left; says when there will be.
        """
        now = self._monotonic()
        left, since = self._buckets.pop(who, (float(per_minute), now))
        left = min(per_minute, left + (now - since) * per_minute / 60)
        if left < 1:
            self._buckets[who] = (left, now)
            raise RateLimited(
                "At most %(most)s a minute: wait as long as Retry-After says.",
                values={"most": per_minute},
                retry_after=max(1, round((1 - left) * 60 / per_minute)),
            )
        self._buckets[who] = (left - 1, now)
        if len(self._buckets) > _MOST_BUCKETS:
            # The oldest entry stands first, because every use moves an entry to the end.
            del self._buckets[next(iter(self._buckets))]

    @contextmanager
    def alone(self, who: str) -> Iterator[None]:
        """Let one request at a time in under a name.

        Raises:
            RateLimited: another one is inside.
        """
        if who in self._inside:
            raise RateLimited("The one before is still arriving: wait until it is answered.", retry_after=5)
        self._inside.add(who)
        try:
            yield
        finally:
            self._inside.discard(who)


#: So many uploads may be arriving for each that may be checked: a slow sender keeps no one from being checked.
_ARRIVING = 8


class Uploads:
    """How many uploads are under way; one too many is refused before its bytes are read, so that no one waits long.

    What all of them keep in memory has an end, too: one that would go beyond it is refused where it does.
    """

    def __init__(self, most_checked: int, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: dict[UploadUnderWay, int] = {}
        self._most_checked = most_checked
        self._most_arriving = most_checked * _ARRIVING
        self._arriving: set[UploadUnderWay] = set()
        self._checked: set[UploadUnderWay] = set()

    @contextmanager
    def enter(self) -> Iterator["UploadUnderWay"]:
        """Let an upload begin to arrive; it has left when the block ends.

        Raises:
            Busy: there is no room.
        """
        if len(self._checked) >= self._most_checked or len(self._arriving) >= self._most_arriving:
            raise Busy
        upload = UploadUnderWay(self)
        self._arriving.add(upload)
        try:
            yield upload
        finally:
            self._arriving.discard(upload)
            self._checked.discard(upload)
            self._kept.pop(upload, None)

    def keep(self, upload: "UploadUnderWay", count: int) -> None:
        """Take note of how many bytes of an upload are in memory now. Where it is the only one, it always has room.

        Raises:
            Busy: all together are too many.
        """
        self._kept[upload] = count
        if self._most_bytes < sum(self._kept.values()) > count:
            raise Busy

    def check(self, upload: "UploadUnderWay") -> None:
        """Have an upload that has arrived checked.

        Raises:
            Busy: others arrived meanwhile.
        """
        if len(self._checked) >= self._most_checked:
            raise Busy
        self._arriving.discard(upload)
        self._checked.add(upload)


class UploadUnderWay:
    """One upload, from its first byte to its answer."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    def arrived(self) -> None:
        """Say that all its bytes are here.

        Raises:
            Busy: see ``Uploads.check``.
        """
        self._uploads.check(self)

    def keeps(self, count: int) -> None:
        """Say how many bytes of it are in memory now.

        Raises:
            Busy: see ``Uploads.keep``.
        """
        self._uploads.keep(self, count)
