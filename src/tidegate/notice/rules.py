"""What must be said, and for how long one may object.

May decide: what a statement of reasons holds and the end of the complaint window (floor rule 5). There is no way here
not to tell: only a signed order may delay a notice, and orders are a stage of their own.

A statement holds every point of Regulation (EU) 2022/2065 Article 17(3): (a) measure, territory and duration; (b) the
facts, and whether someone's report or our own finding led there, never whose; (c) what was automated; (d) or (e) the
ground, law or house rule, with the rule's text as it stood then; (f) where one may turn.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from tidegate.case.model import Reason
from tidegate.content.model import Content
from tidegate.decision.model import DecisionIssued, Exempt, Measure, Provision
from tidegate.kernel.canonical import Json
from tidegate.notice import policy_text
from tidegate.verdict.model import VerdictGiven

#: Regulation (EU) 2022/2065 Article 20(1): at least six months from the day the person was informed.
COMPLAINT_WINDOW = timedelta(days=184)
#: Someone looked because someone asked, or because no machine could.
_FOUND_BY_PEOPLE = frozenset({Reason.FLAG, Reason.UNCHECKED})


class Initiative(StrEnum):
    """Who began it: someone's report, or our own finding."""

    REPORT = "report"
    OWN = "own"


class Redress(StrEnum):
    """Where one may turn; using one closes none of the others."""

    COMPLAINT = "complaint"
    OUT_OF_COURT = "out_of_court"
    COURT = "court"


def complaint_until(now: datetime) -> datetime:
    """Give the end of the time to complain."""
    return now + COMPLAINT_WINDOW


def days_left(until: datetime, now: datetime) -> int:
    """Count the days until something ends, the day under way as a whole one; 0 once it is over."""
    return max(0, -((now - until) // timedelta(days=1)))


def statement_of_hold(content: Content, verdict: VerdictGiven, now: datetime) -> dict[str, Json]:
    """State the reasons of a hold: a machine's, temporary, before anyone looked."""
    assert verdict.held_until is not None
    return {
        "measure": "hold",
        "from": now.isoformat(),
        "until": verdict.held_until.isoformat(),
        "found_by": str(verdict.reason),
        "initiative": Initiative.OWN,
        "automated_detection": True,
        "automated_decision": True,
        "people": 0,
        "exempt": None,
        **_ground(Provision.HOUSE_TERRORIST_CONTENT),
        **_about(content),
        **_redress(now),
    }


def statement_of_decision(content: Content, decision: DecisionIssued, now: datetime) -> dict[str, Json]:
    """State the reasons of a decision: people's."""
    assert decision.provision is not None
    return statement_of_measure(
        content,
        decision.measure,
        reason=decision.reason,
        provision=decision.provision,
        exempt=decision.exempt,
        people=decision.people,
        now=now,
    )


def statement_of_measure(
    content: Content,
    measure: Measure,
    *,
    reason: Reason,
    provision: Provision,
    exempt: Exempt,
    people: int,
    now: datetime,
) -> dict[str, Json]:
    """State the reasons of a measure people take; before they have taken it, this is the text they are shown."""
    assert measure is not Measure.KEEP
    return {
        "measure": str(measure),
        "from": now.isoformat(),
        "until": None,
        "found_by": str(reason),
        "initiative": Initiative.REPORT if reason is Reason.FLAG else Initiative.OWN,
        "automated_detection": reason not in _FOUND_BY_PEOPLE,
        "automated_decision": False,
        "people": people,
        "exempt": str(exempt),
        **_ground(provision),
        **_about(content),
        **_redress(now),
    }


def _ground(provision: Provision) -> dict[str, Json]:
    return {
        "ground": str(provision.ground),
        "provision": str(provision),
        "policy": policy_text.as_it_stands(provision),
    }


def _about(content: Content) -> dict[str, Json]:
    return {"content_kind": str(content.kind), "surface": str(content.surface), "territory": "everywhere"}


def _redress(now: datetime) -> dict[str, Json]:
    return {"redress": [str(way) for way in Redress], "complaint_until": complaint_until(now).isoformat()}
