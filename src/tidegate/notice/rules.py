"""What must be said, and for how long one may object.

May decide: what a statement of reasons holds and the end of the complaint window (floor rule 5). There is no way here
not to tell: only a signed order may delay a notice, and orders are a stage of their own.
"""

from datetime import datetime, timedelta

from tidegate.content.model import Content
from tidegate.decision.model import DecisionIssued, Measure
from tidegate.kernel.canonical import Json
from tidegate.verdict.model import VerdictGiven

#: Regulation (EU) 2022/2065 Article 20(1): at least six months from the day the person was informed.
COMPLAINT_WINDOW = timedelta(days=184)


def complaint_until(now: datetime) -> datetime:
    """Give the end of the time to complain."""
    return now + COMPLAINT_WINDOW


def statement_of_hold(content: Content, verdict: VerdictGiven, now: datetime) -> dict[str, Json]:
    """State the reasons of a hold: a machine's, temporary, before anyone looked."""
    assert verdict.held_until is not None
    return {
        "measure": "hold",
        "from": now.isoformat(),
        "until": verdict.held_until.isoformat(),
        "found_by": str(verdict.reason),
        "automated_detection": True,
        "automated_decision": True,
        "people": 0,
        "ground": "house_rule",
        "provision": "house_terrorist_content",
        "exempt": None,
        **_about(content),
    }


def statement_of_decision(content: Content, decision: DecisionIssued, now: datetime) -> dict[str, Json]:
    """State the reasons of a decision: people's."""
    assert decision.measure is not Measure.KEEP
    return {
        "measure": str(decision.measure),
        "from": now.isoformat(),
        "until": None,
        "found_by": str(decision.reason),
        "automated_detection": decision.reason.value not in {"flag", "unchecked"},
        "automated_decision": False,
        "people": decision.people,
        "ground": str(decision.ground),
        "provision": str(decision.provision),
        "exempt": str(decision.exempt),
        **_about(content),
    }


def _about(content: Content) -> dict[str, Json]:
    return {"content_kind": str(content.kind), "surface": str(content.surface), "territory": "everywhere"}
