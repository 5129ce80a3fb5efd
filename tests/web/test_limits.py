"""Limits: what is too many, and one at a time."""

import pytest

from tidegate.kernel.errors import RateLimited
from tidegate.web.limits import Limits


def test_one_at_a_time_under_a_name_and_free_again_after_an_error() -> None:
    limits = Limits()
    with limits.alone("a"), limits.alone("b"):
        with pytest.raises(RateLimited), limits.alone("a"):
            pass
        with pytest.raises(RateLimited), limits.alone("a"):
            pass
    with pytest.raises(ValueError, match="inside"), limits.alone("a"):
        raise ValueError("inside")
    with limits.alone("a"):
        pass


def test_a_bucket_fills_evenly() -> None:
    now = 0.0
    limits = Limits(lambda: now)
    for _ in range(3):
        limits.take("who", 3)
    with pytest.raises(RateLimited) as refused:
        limits.take("who", 3)
    now += refused.value.retry_after
    limits.take("who", 3)
