"""Where a notice stands: exactly one step is now, and the last word is never claimed too early."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

import made
from made import NOW
from tidegate.appeal.model import Appeal, Outcome, State
from tidegate.console.public.notice_life import Final, Place, StepName, final, steps
from tidegate.kernel.ids import AppealId, ContentId, NoticeId
from tidegate.notice.model import Ended

OPEN = Appeal(
    id=made.number(AppealId, 1),
    notice=made.number(NoticeId, 1),
    content=made.number(ContentId, 1),
    state=State.OPEN,
    outcome=None,
    opened_at=NOW,
    due_at=NOW + timedelta(days=14),
    evidence=0,
    votes=(),
)

appeals = (
    st.none() | st.just(OPEN) | st.sampled_from(Outcome).map(lambda o: replace(OPEN, state=State.DECIDED, outcome=o))
)
endings = st.none() | st.sampled_from(Ended)
windows = st.timedeltas(timedelta(days=-10), timedelta(days=184)).map(lambda left: NOW + left)


@given(endings, appeals, windows)
def test_exactly_one_step_is_where_it_stands(ended: Ended | None, appeal: Appeal | None, until: datetime) -> None:
    way = steps(ended, appeal, issued_at=NOW, ended_at=NOW if ended else None, complaint_until=until, now=NOW)
    places = [step.place for step in way]
    assert places.count(Place.NOW) == 1
    now = places.index(Place.NOW)
    assert set(places[:now]) <= {Place.DONE}
    assert set(places[now + 1 :]) <= {Place.AHEAD}
    assert way[0].name is StepName.RESTRICTED


@given(endings, appeals, st.booleans(), windows)
def test_nothing_is_called_final_that_can_still_be_contested_here(
    ended: Ended | None, appeal: Appeal | None, held: bool, until: datetime
) -> None:
    found = final(ended, appeal, held=held, complaint_until=until, now=NOW)
    if found is Final.TOO_LATE:
        assert until < NOW
        assert appeal is None
    if found is Final.UPHELD:
        assert appeal is not None
        assert appeal.outcome is Outcome.UPHELD
    if ended is None and appeal is not None and appeal.state is State.OPEN:
        assert found is Final.CONTESTED
    if found is Final.OVER:
        assert ended is not None or (appeal is not None and appeal.outcome is not Outcome.UPHELD)
