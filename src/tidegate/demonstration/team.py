"""The people of the demonstration: a small browser each, and what they do at the console.

May decide: how the people of the story vote. They come in by one-time links, keep a cookie, read the token out of
each page's form and send the form back, as a browser does; nothing here reaches past the pages.
"""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import httpx2

from tidegate.demonstration.processes import Processes
from tidegate.kernel.errors import Unavailable
from tidegate.signal.model import FingerprintKind

_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_TRY_FOR_SECONDS = 120.0
_SETTLED = {httpx2.codes.FORBIDDEN, httpx2.codes.CONFLICT}


class Staff:
    """Someone on the staff, with a browser of their own."""

    def __init__(self, processes: Processes, name: str) -> None:
        self.name = name
        self._processes = processes
        self._client = httpx2.Client(base_url=processes.staff, timeout=30, trust_env=False)

    def close(self) -> None:
        """Close the browser."""
        self._client.close()

    def sign_in(self, link: str | None = None) -> None:
        """Come in by a one-time link, asking for another when one was used up by a try that got no answer."""

        def attempt() -> bool:
            nonlocal link
            link = link or self._processes.command("people", "link", self.name)
            page = self._client.get(link)
            token = re.search(r'name="token" value="([^"]+)"', page.text)
            answer = self._client.post("/sign-in/link", data={"token": token[1] if token else ""})
            link = None
            return answer.status_code == httpx2.codes.SEE_OTHER

        self._keep_trying("sign in", attempt)

    def page(self, path: str) -> str:
        """Read a page, coming in again when the session is gone."""
        read: list[str] = []

        def attempt() -> bool:
            answer = self._client.get(path, headers={"accept": "text/html"})
            if answer.status_code == httpx2.codes.UNAUTHORIZED:
                self.sign_in()
                return False
            read.append(answer.text)
            return answer.status_code == httpx2.codes.OK

        self._keep_trying(f"open {path}", attempt)
        return read[-1]

    def send(self, page: str, path: str, **form: Any) -> httpx2.Response:  # noqa: ANN401 - a form's fields
        """Send a form of a page; an answer that says it was done before is as good as one that says it was done."""
        answers: list[httpx2.Response] = []

        def attempt() -> bool:
            token = _CSRF.search(self.page(page))
            data = {"csrf": token[1] if token else "", **form}
            answer = self._client.post(path, data=data, headers={"accept": "application/json"})
            answers.append(answer)
            return answer.status_code < httpx2.codes.BAD_REQUEST or answer.status_code in _SETTLED

        self._keep_trying(f"send {path}", attempt)
        return answers[-1]

    def _keep_trying(self, what: str, attempt: Callable[[], bool]) -> None:
        began = time.monotonic()
        while time.monotonic() - began < _TRY_FOR_SECONDS:
            try:
                if attempt():
                    return
            except httpx2.HTTPError:
                pass
            time.sleep(0.2)
        raise Unavailable(f"{self.name} could not {what}.")


class Team:
    """Everyone the story needs, and the API key its platform was given."""

    REVIEWERS = ("Reviewer Ada", "Reviewer Ben")
    JUDGES = ("Judge Cleo", "Judge Dan")
    POLICY_LEAD = "Policy lead Finn"
    OTHERS = ("Senior Eva", POLICY_LEAD, "Legal officer Gus", "Auditor Hana")
    ADMINISTRATORS = ("First administrator", "Administrator Iris")
    ROLES: ClassVar = {
        "Reviewer Ada": "reviewer",
        "Reviewer Ben": "reviewer",
        "Judge Cleo": "appeal_reviewer",
        "Judge Dan": "appeal_reviewer",
        "Senior Eva": "senior_reviewer",
        POLICY_LEAD: "policy_lead",
        "Legal officer Gus": "legal_officer",
        "Auditor Hana": "auditor",
    }

    def __init__(self, processes: Processes, key: str) -> None:
        self._processes = processes
        self.key = key
        self.reviewers = [Staff(processes, name) for name in self.REVIEWERS]
        self.judges = [Staff(processes, name) for name in self.JUDGES]
        self.policy_lead = Staff(processes, self.POLICY_LEAD)
        headers = {"authorization": f"Bearer {key}"}
        self._api = httpx2.Client(base_url=processes.api, timeout=30, trust_env=False, headers=headers)

    def close(self) -> None:
        """Close every browser."""
        for staff in [*self.reviewers, *self.judges, self.policy_lead]:
            staff.close()
        self._api.close()

    # --- letting people in ---

    @classmethod
    def hire(cls, processes: Processes) -> "Team":
        """Let everyone in: two administrators give each role, and one lets the platform in."""
        first, second = (Staff(processes, name) for name in cls.ADMINISTRATORS)
        first.sign_in(processes.first_link())
        _add(first, second.name)
        first.send("/people", f"/people/{_id_of(first, second.name)}/administrator")
        second.sign_in()
        for name, role in cls.ROLES.items():
            _add(first, name)
            first.send("/people", f"/people/{_id_of(first, name)}/roles", role=role, change="grant")
        for proposal in sorted(set(re.findall(r"/people/proposals/(proposal_\w+)/approve", second.page("/people")))):
            second.send("/people", f"/people/proposals/{proposal}/approve")
        key = _platform_key(first, f"{processes.platform}/tidegate")
        first.close()
        second.close()
        team = cls(processes, key)
        for staff in [*team.reviewers, *team.judges]:
            staff.sign_in()
        return team

    def write(self, path: Path) -> None:
        """Keep what a second start needs."""
        path.touch(mode=0o600)
        path.write_text(json.dumps({"key": self.key}))

    @classmethod
    def read(cls, processes: Processes, path: Path) -> "Team":
        """Read what an earlier start kept."""
        return cls(processes, json.loads(path.read_text())["key"])

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Name everyone on the staff."""
        return (*cls.ADMINISTRATORS, *cls.ROLES)

    # --- what they do ---

    def vote(self, voter: Staff, case: str) -> None:
        """Have someone vote to remove everything in view of a case, answering every question."""
        page = voter.page(f"/cases/{case}")
        shown = sorted(set(re.findall(r'name="shown" value="([^"]+)"', page)))
        voter.send(
            f"/cases/{case}",
            f"/cases/{case}/votes",
            measure="remove",
            exempt="none",
            ground="house_rule",
            provision="house_terrorist_content",
            label="instructs",
            words="It is the picture this demonstration is about.",
            shown=shown,
        )

    def open_appeal(self) -> str | None:
        """Give a complaint that waits to be judged."""
        found = re.search(r"/appeals/(appeal_\w+)", self.judges[0].page("/appeals"))
        return found[1] if found else None

    def judge(self, judge: Staff, appeal: str) -> None:
        """Have someone find that it never was terrorist content."""
        judge.send(
            f"/appeals/{appeal}",
            f"/appeals/{appeal}/judgements",
            outcome="not_terrorist",
            words="The picture shows a bridge. Nothing in it asks for, praises or explains violence.",
        )

    def known_as(self, kind: FingerprintKind) -> bool:
        """Say whether there is a confirmed signal of a kind: a video becomes known once all of it was read."""
        return "/signals/signal_" in self.policy_lead.page(f"/signals?standing=confirmed&kind={kind}")

    # --- what the platform may read ---

    def case_of(self, content: str) -> str | None:
        """Give the case a content is in now."""
        case = None
        for item in self._life(content):
            if item["event"] == "case.joined":
                case = str(item["data"]["case"])
            elif item["event"] in {"case.left", "decision.issued"}:
                case = None
        return case

    def decision_of(self, case: str, content: str) -> str | None:
        """Give the decision that was issued about a content in a case."""
        for item in self._life(content):
            if item["event"] == "decision.issued" and item["data"]["case"] == case:
                return str(item["data"]["decision"])
        return None

    def lapsed(self, content: str) -> bool:
        """Say whether the node wrote down that a hold lapsed."""
        return any(item["event"] == "verdict.hold_lapsed" for item in self._life(content))

    def verdict_of(self, content: str) -> str | None:
        """Give the node's verdict as it is now."""
        verdict: str | None = self._api.get(f"/v1/content/{content}").raise_for_status().json()["verdict"]
        return verdict

    def knows(self, content: str) -> bool:
        """Say whether what the node acknowledged is there."""
        return self._api.get(f"/v1/content/{content}").status_code == httpx2.codes.OK

    def _life(self, content: str) -> list[dict[str, Any]]:
        life: list[dict[str, Any]] = self._api.get(f"/v1/content/{content}").raise_for_status().json()["life"]
        return life


def _add(administrator: Staff, name: str) -> None:
    """Add someone, unless an earlier try did."""
    if name not in administrator.page("/people"):
        administrator.send("/people", "/people", name=name)


def _id_of(administrator: Staff, name: str) -> str:
    page = administrator.page("/people")
    found = re.search(rf'href="/people/(staff_\w+)"><bdi>{re.escape(name)}<', page)
    if found is None:
        raise Unavailable(f"{name} is not on the page of people.")
    return found[1]


def _platform_key(administrator: Staff, webhook_url: str) -> str:
    """Let the platform in and give its API key, shown once."""
    service = re.compile(r"/services/(service_\w+)/keys")
    if not service.search(administrator.page("/keys")):
        administrator.send("/keys", "/services", name="The pretend platform", webhook_url=webhook_url)
    found = service.search(administrator.page("/keys"))
    if found is None:
        raise Unavailable("The platform is not on the page of keys.")
    answer = administrator.send(
        "/keys", f"/services/{found[1]}/keys", label="demonstration", scopes=["content", "flag", "instruction"]
    )
    key = re.search(r"tidegate_[A-Za-z0-9_-]{40,}", answer.text)
    if key is None:
        raise Unavailable("The page that shows the API key once did not show it.")
    return key[0]
