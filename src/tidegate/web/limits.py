"""Rate limits: a bucket a key, per process.

May decide: when to say "too many". Kept in memory: a restart forgets, several processes multiply; it protects the
node, it is no rule of the floor. Sign-in attempts are counted in the database instead.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tidegate.kernel.errors import RateLimited

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
