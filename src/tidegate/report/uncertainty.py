"""How sure a share is: the exact interval of Clopper and Pearson, from the tails of the binomial distribution.

May decide: nothing. The interval holds whatever the true share is: over many repetitions at least this part of the
intervals hold it. It says nothing about whether the cases counted are like those nobody counted.
"""

import math
from collections.abc import Callable
from functools import lru_cache

CONFIDENCE = 0.95
#: Finer than any page shows.
_FINE = 1e-10
_STEPS = 60


@lru_cache(maxsize=1024)
def interval(found: int, of: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Give the interval for the share behind ``found`` out of ``of``; nothing seen leaves everything possible."""
    if not 0 <= found <= of:
        raise ValueError(f"{found} cannot be a part of {of}")
    if of == 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    share = found / of
    # Beyond the share seen, each tail is far more than the part to be cut off, so the bound lies on this side.
    low = 0.0 if found == 0 else _where(lambda p: at_least(found, of, p) - tail, 0.0, share)
    high = 1.0 if found == of else _where(lambda p: tail - at_most(found, of, p), share, 1.0)
    return low, high


def at_least(found: int, of: int, p: float) -> float:
    """Give the chance of seeing this many or more."""
    return at_most(of - found, of, 1 - p)


def at_most(found: int, of: int, p: float) -> float:
    """Give the chance of seeing this many or fewer."""
    if found >= of or 1 - p >= 1:
        return 1.0
    if found < 0 or p >= 1:
        return 0.0
    if found > of * p:
        # The terms are added away from the peak, where each is smaller than the one before and few matter.
        return 1 - _falling(of - found - 1, of, 1 - p)
    return _falling(found, of, p)


def _falling(found: int, of: int, p: float) -> float:
    term = math.exp(
        math.lgamma(of + 1)
        - math.lgamma(found + 1)
        - math.lgamma(of - found + 1)
        + found * math.log(p)
        + (of - found) * math.log1p(-p)
    )
    total, odds = term, (1 - p) / p
    for number in range(found, 0, -1):
        term *= number / (of - number + 1) * odds
        total += term
        if term < total * 1e-16:
            break
    return total


def _where(rising: Callable[[float], float], low: float, high: float) -> float:
    """Find where a rising function crosses zero."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if rising(middle) < 0:
            low = middle
        else:
            high = middle
        if high - low < _FINE:
            break
    return (low + high) / 2
