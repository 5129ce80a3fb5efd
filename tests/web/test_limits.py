"""Limits: what is too many, and one at a time."""

from contextlib import ExitStack

import pytest

from tidegate.kernel.errors import Busy, RateLimited
from tidegate.web.limits import Limits, Uploads


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


def test_an_upload_too_many_is_refused_before_it_arrives_and_let_in_once_there_is_room() -> None:
    uploads = Uploads(2, 100)
    with uploads.enter() as first, uploads.enter() as second:
        first.arrived()
        second.arrived()
        with pytest.raises(Busy), uploads.enter():
            raise AssertionError
    with uploads.enter() as third:
        third.arrived()


def test_those_who_arrive_slowly_keep_no_one_from_being_checked_and_are_limited_too() -> None:
    uploads = Uploads(1, 100)
    with ExitStack() as slow:
        for _ in range(7):
            slow.enter_context(uploads.enter())
        with uploads.enter() as quick:
            quick.arrived()
            with pytest.raises(Busy), uploads.enter():
                raise AssertionError
        last = slow.enter_context(uploads.enter())
        with pytest.raises(Busy), uploads.enter():
            raise AssertionError
        last.arrived()


def test_of_two_that_arrive_at_once_the_second_is_told_to_come_back() -> None:
    uploads = Uploads(1, 100)
    with uploads.enter() as first, uploads.enter() as second:
        first.arrived()
        with pytest.raises(Busy):
            second.arrived()


def test_what_all_uploads_keep_in_memory_has_an_end_and_one_alone_always_has_room() -> None:
    uploads = Uploads(4, 100)
    with uploads.enter() as first:
        first.keeps(60)
        first.keeps(150)
        with uploads.enter() as second, pytest.raises(Busy):
            second.keeps(1)
        first.keeps(90)
        with uploads.enter() as third:
            third.keeps(10)
            with pytest.raises(Busy):
                third.keeps(11)
    with uploads.enter() as fourth:
        fourth.keeps(100)
