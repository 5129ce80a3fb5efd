"""Every page there is, who may read it, and a node where something of everything has happened.

A new page is added here once; the tests over HTTP, those in a real browser and the screenshots all read this list.
"""

import re

from console.console_story import HTML, complain, first_case, flagged, remove, vote
from running import Browser, Running
from tidegate.enforcement import store as instructions
from tidegate.people.model import Role
from tidegate.run import DOORS
from tidegate.signal import store as signals
from tidegate.web.door import Door, Listener

#: staff page -> who reads it
STAFF_PAGES: dict[str, list[str]] = {
    "/": ["reviewer", "judge", "lead", "administrator", "auditor"],
    "/policy": ["lead", "administrator", "auditor"],
    "/sign-in": ["reviewer"],
    "/sign-in/link": ["reviewer"],
    "/account": ["reviewer"],
    "/queue": ["reviewer", "judge", "auditor"],
    "/cases/{case}": ["reviewer", "judge", "auditor"],
    "/decisions/{decision}": ["reviewer", "auditor"],
    "/appeals": ["judge", "auditor"],
    "/appeals/{appeal}": ["judge", "auditor"],
    "/signals": ["lead", "auditor"],
    "/signals/{signal}": ["lead", "auditor"],
    "/signals/import": ["lead"],
    "/instructions": ["administrator", "auditor"],
    "/instructions/{instruction}": ["administrator", "auditor"],
    "/people": ["administrator"],
    "/people/{person}": ["administrator"],
    "/keys": ["administrator"],
    "/record": ["auditor"],
    "/record/views": ["auditor"],
    "/go": ["reviewer", "administrator"],
    "/alarms": ["administrator", "lead", "auditor"],
}
#: a page once more, in another state
STAFF_VARIANTS: dict[str, list[str]] = {
    "/cases/{closed}": ["reviewer"],
    "/queue?waits=anyone": ["reviewer"],
    "/record?about={decision}": ["auditor"],
}
#: what is read by programs, or is part of a page
STAFF_FILES = {
    "/static/{name}",
    "/queue/rows",
    "/alarms/list",
    "/record/events.csv",
    "/live",
    "/cases/{case}/content/{content}/picture",
    "/cases/{case}/content/{content}/words",
    "/appeals/{appeal}/evidence/{number}",
    "/cases/{case}/status",
}

PUBLIC_PAGES = {"/", "/report", "/ledger", "/ledger/entries/{index}", "/notice/{token}"}
PUBLIC_FILES = {
    "/static/{name}",
    "/ledger/{path:path}",
    "/report/counts.json",
    "/report/counts.csv",
    "/notice/{token}/receipt.json",
}
#: leads elsewhere
PUBLIC_FILES |= {"/notice/{token}/complaint"}


def declared(listener: Listener) -> set[str]:
    """Name everything to read of a listener."""
    assert DOORS
    return {route.path for route in Door.every if route.listener is listener and route.method == "GET"}


def readers(node: Running) -> dict[str, Browser]:
    """Sign in one person for each name in the lists above."""
    return {
        "reviewer": node.person(Role.REVIEWER),
        "judge": node.person(Role.APPEAL_REVIEWER),
        "lead": node.person(Role.POLICY_LEAD),
        "administrator": node.sign_in(node.administrators()[0]),
        "auditor": node.person(Role.AUDITOR),
    }


def tell(node: Running, *, words: str = "A bridge.", complaint: str = "This is my news report.") -> dict[str, str]:
    """Let something of everything happen, with these words of users; give the ids that addresses need."""
    platform = node.platform(webhook_url="http://127.0.0.1:1/hook")
    reviewers = [node.person(Role.REVIEWER), node.person(Role.SENIOR_REVIEWER)]
    content = flagged(platform, platform_id="decided", caption=words)
    case = first_case(reviewers[0])
    link = remove(node, platform, reviewers, content)
    page = reviewers[0].get(f"/cases/{case}", headers=HTML).text
    decision = re.findall(r'href="/decisions/(decision_[a-z0-9]+)"', page)[0]
    assert complain(node, link, complaint).status_code == 303
    judge = node.person(Role.APPEAL_REVIEWER)
    appeal = re.findall(r'href="/appeals/(appeal_[a-z0-9]+)"', judge.get("/appeals", headers=HTML).text)[0]
    judge.submit(f"/appeals/{appeal}/judgements", outcome="use_allowed", words="It reports.")
    open_content = flagged(platform, 5, platform_id="open", caption=words, link="https://example.org/x")
    open_case = first_case(reviewers[0])
    assert vote(reviewers[0], open_case).status_code == 303
    node.loop.run(node.node.publisher.publish())
    (given, *_) = node.do(instructions.newest)
    (signal, *_) = node.do(signals.newest)
    return {
        "signal": str(signal.id),
        "instruction": str(given.id),
        "person": str(reviewers[0].staff),
        "case": open_case,
        "closed": case,
        "content": open_content,
        "decision": decision,
        "appeal": appeal,
        "token": link.rpartition("/")[2],
        "index": "0",
    }
