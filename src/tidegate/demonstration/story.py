"""The story, step by step: each says what happens, does it over HTTP as its actor would, and waits until it happened.

May decide: nothing; it only asks, as a user, a platform, a reviewer or a person who objects. Every step looks first
whether it has happened already, so that a node killed in the middle changes nothing but the time it takes.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from tidegate.demonstration.kinds import Known, a_link, a_text, a_video
from tidegate.demonstration.pictures import Edit, bomb, broken, edited, picture
from tidegate.demonstration.processes import Processes, Say
from tidegate.demonstration.team import Staff, Team
from tidegate.kernel.errors import Unavailable

Found = TypeVar("Found")

PATIENCE_SECONDS = 150.0
#: The press account is protected: its post is looked at by people and never held by a machine.
ACCOUNTS = {"ida": "ordinary", "bela": "ordinary", "carl": "ordinary", "daily-herald": "press"}
CAPTION = "look at this"


@dataclass(slots=True)
class Told:
    """What the story found, for the report."""

    submitted: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    cases: set[str] = field(default_factory=set)
    decisions: set[str] = field(default_factory=set)
    removed: int = 0
    restored: int = 0
    lapsed: int = 0
    notices: int = 0
    appeals: int = 0
    receipt: bytes = b""


class Story:
    """Plays the story once."""

    def __init__(self, processes: Processes, team: Team, unrelated: Sequence[bytes], say: Say) -> None:
        self._processes, self._team, self._say = processes, team, say
        self._unrelated = unrelated
        self._platform = httpx2.Client(base_url=processes.platform, timeout=60, trust_env=False)
        self._public = httpx2.Client(base_url=processes.public, timeout=30, trust_env=False)
        self.told = Told()

    def close(self) -> None:
        """Close what was opened."""
        self._platform.close()
        self._public.close()

    def play(self) -> Told:
        """Play every step in order.

        Raises:
            Unavailable: a step did not happen in time; says which.
        """
        known = picture(seed=1)
        for account, kind in ACCOUNTS.items():
            self._platform.put(f"/accounts/{account}", json={"class": kind})
        first = self._flag_and_confirm(known)
        held, press, alike, unattended = self._come_back(known)
        self._others()
        self._decide(held, alike)
        for known_thing in (a_video(), a_text(), a_link()):
            self._same_of(known_thing)
        self._lapse(unattended)
        self._object(first)
        self._say(f"  the press's post stays up while people look: {self._post(press)['state']}")
        self._publish(first)
        self._count()
        return self.told

    # --- the steps ---

    def _flag_and_confirm(self, known: bytes) -> str:
        self._say("A picture nobody knows is posted; the node finds nothing, and it is published.")
        post = self._publish_post("ida", known)
        self._expect(post, "published", "clear")
        self._say("A reader flags it. Two reviewers look, the second without seeing the first one's vote.")
        answer = self._platform.post(f"/posts/{post}/flag", json={"reporter": "reader-1", "words": "this looks wrong"})
        answer.raise_for_status()
        case = self.until("the flagged picture is in the queue", lambda: self._team.case_of(self._content(post)))
        self._vote(case, self._content(post), self._team.reviewers)
        self.until("the platform took it down", lambda: self._post(post)["state"] == "removed")
        self._say("  removed: from now on it is known.")
        return post

    def _come_back(self, known: bytes) -> tuple[list[str], str, list[str], str]:
        self._say(f"The same bytes come back from three accounts, one of them press; then {len(Edit)} edits of them.")
        held = [self._publish_post(account, known) for account in ("bela", "carl")]
        press = self._publish_post("daily-herald", known)
        alike = [self._publish_post("bela", edited(known, edit)) for edit in Edit]
        unattended = self._publish_post("carl", known, caption="with other words")
        for post in [*held, unattended]:
            self._expect(post, "held", "hold")
        self._expect(press, "published", "review")
        for post in alike:
            self._expect(post, "published", "review")
        self._say("  held: the exact bytes. Shown while people look: the press, and the look-alikes.")
        return held, press, alike, unattended

    def _others(self) -> None:
        self._say(f"{len(self._unrelated)} unrelated pictures are posted, a broken file and a decompression bomb.")
        for data in self._unrelated:
            self._expect(self._publish_post("ida", data), "published", "clear")
        for data in (broken(), bomb()):
            self._expect(self._publish_post("ida", data), "published", "unchecked")
        self._say("  clear, and for the last two: could not be checked, which is never the same as clear.")

    def _same_of(self, known: Known) -> None:
        self._say(f"A {known.kind} nobody knows is posted and flagged; two reviewers find it to be known from now on.")
        first = self._publish_post("ida", known.first, kind=known.kind)
        self._expect(first, "published", "clear")
        flag = {"reporter": "reader-1", "words": "this looks wrong"}
        self._platform.post(f"/posts/{first}/flag", json=flag).raise_for_status()
        case = self.until("it is in the queue", lambda: self._team.case_of(self._content(first)))
        self._vote(case, self._content(first), self._team.reviewers)
        self.until("the platform took it down", lambda: self._post(first)["state"] == "removed")
        self.until("it is known", lambda: self._team.known_as(known.found_by))
        for again in known.again:
            self._expect(self._publish_post("bela", again, kind=known.kind), "published", "review")
        self._expect(self._publish_post("carl", known.other, kind=known.kind), "published", "clear")
        self._say(f"  it comes back {known.disguise}: people look. Something else of its kind is clear.")

    def _decide(self, held: Sequence[str], alike: Sequence[str]) -> None:
        self._say("A reviewer decides about the held pair, another about the look-alikes.")
        for posts, reviewer in ((held, self._team.reviewers[0]), (alike, self._team.reviewers[1])):
            case = self.until("they are in the queue", lambda posts=posts: self._team.case_of(self._content(posts[0])))  # type: ignore[misc]
            self._vote(case, self._content(posts[0]), [reviewer])
        for post in [*held, *alike]:
            self.until("the platform took them down", lambda post=post: self._post(post)["state"] == "removed")  # type: ignore[misc]
        self._say("  signed instructions delivered and acknowledged; every uploader has a notice.")

    def _object(self, first: str) -> None:
        self._say("The first uploader opens the link in the notice and objects: it is a bridge.")
        link = self.until("the notice is in the inbox", lambda: self._notice(first))
        self.until("the complaint is filed", lambda: self._complain(link))
        self._say("Two people who had no part in it judge the complaint, and reverse.")
        appeal = self.until("the complaint is before them", self._team.open_appeal)
        for judge in self._team.judges:
            self._team.judge(judge, appeal)
        self.told.appeals += 1
        self.until("the picture is back", lambda: self._post(first)["state"] == "published")
        again = self._publish_post("ida", picture(seed=1), caption="once more")
        self._expect(again, "published", "clear")
        self._say("  the picture is back and its signal withdrawn: the same bytes are clear now.")

    def _lapse(self, unattended: str) -> None:
        self._say("Nobody looked at one of the held posts. Its time (shortened here) runs out.")
        self.until("the hold lapsed on the platform", lambda: self._post(unattended)["state"] == "published")
        self.until("the node wrote that down", lambda: self._lapsed(unattended))
        self._say("  shown again, by the platform's own clock.")

    def _publish(self, first: str) -> None:
        self._say("What happened is published in the ledger, and the uploader's receipt proves their case is in it.")
        link = self.until("the notice is in the inbox", lambda: self._notice(first))

        def receipt() -> bytes | None:
            answer = self._public.get(f"{link.removeprefix(self._processes.public)}/receipt.json")
            good = answer.status_code == httpx2.codes.OK and answer.json()["status"] == "published"
            return answer.content if good else None

        self.told.receipt = self.until("the receipt is published", receipt)

    def _count(self) -> None:
        """Count what the platform's own list says, and check that nothing it was told is lost."""
        listed = self._platform.get("/published.json").raise_for_status().json()
        happened = Counter(item["what"] for item in listed["happenings"])
        self.told.removed, self.told.restored = happened["removed"], happened["restored"]
        self.told.notices = sum(len(self._inbox(account)) for account in ACCOUNTS)
        self.until("all of it is in the published counts", self._counted)
        for item in listed["posts"]:
            if item["content"] is not None:
                self.until("what was acknowledged is there", lambda item=item: self._team.knows(item["content"]))  # type: ignore[misc]

    def _counted(self) -> bool:
        totals = self._public.get("/ledger/counts.json").raise_for_status().json()["totals"]
        told = self.told
        wanted = {"removal": told.removed, "restoration": told.restored, "lapsed": told.lapsed, "appeal_decided": 1}
        return all(totals.get(kind, 0) >= count for kind, count in wanted.items())

    # --- how it is asked ---

    def until(self, what: str, ask: Callable[[], Found | None]) -> Found:
        """Ask until there is an answer.

        Raises:
            Unavailable: there was none in time.
        """
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE_SECONDS:
            with suppress(httpx2.HTTPError):
                found = ask()
                if found:
                    return found
            time.sleep(0.15)
        raise Unavailable(f"This did not happen within {PATIENCE_SECONDS:.0f} seconds: {what}.")

    def _publish_post(
        self, account: str, data: bytes, *, kind: str = "picture", caption: str = CAPTION, reach: int = 25
    ) -> str:
        answer = self._platform.post(
            "/posts",
            data={"account": account, "caption": caption, "reach": str(reach), "kind": kind},
            files={"file": ("post", data)},
        )
        post = str(answer.raise_for_status().json()["id"])
        checked = self.until("the node gave its verdict", lambda: self._checked(post))
        self.told.submitted += 1
        self.told.verdicts[checked["verdict"]] += 1
        return post

    def _checked(self, post: str) -> dict[str, Any] | None:
        shown = self._post(post)
        return shown if shown["verdict"] and not shown["upload_waiting"] else None

    def _post(self, post: str) -> dict[str, Any]:
        shown: dict[str, Any] = self._platform.get(f"/posts/{post}").raise_for_status().json()
        return shown

    def _content(self, post: str) -> str:
        return str(self._post(post)["content"])

    def _expect(self, post: str, state: str, verdict: str) -> None:
        shown = self._post(post)
        if shown["verdict"] == "unchecked" != verdict:
            # What checks it was away for a moment, or too slow: the node tries again by itself.
            self.until("the node tried again", lambda: self._team.verdict_of(self._content(post)) == verdict)
            shown = self._post(post) | {"verdict": verdict}
        if shown["verdict"] != verdict or (shown["state"] != state and state != "held"):
            raise Unavailable(f"A post should be {state} ({verdict}); it is {shown['state']} ({shown['verdict']}).")

    def _vote(self, case: str, content: str, voters: Sequence[Staff]) -> None:
        self.told.cases.add(case)
        for voter in voters:
            self._team.vote(voter, case)
        self.told.decisions.add(self.until("the decision is issued", lambda: self._team.decision_of(case, content)))

    def _inbox(self, account: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (
            self._platform.get(f"/accounts/{account}/inbox").raise_for_status().json()["notices"]
        )
        return found

    def _notice(self, post: str) -> str | None:
        account = self._post(post)["account"]
        links = [notice["url"] for notice in self._inbox(account) if notice["post"] == post]
        return links[0] if links else None

    def _complain(self, link: str, *pictures: bytes) -> bool:
        path = link.removeprefix(self._processes.public)
        answer = self._public.post(
            f"{path}/complaint",
            data={"words": "This is a picture of a bridge, for a school project."},
            files=[("files", ("sketch.jpg", data, "image/jpeg")) for data in pictures] or None,
            headers={"accept": "application/json"},
        )
        # Once it is filed, filing it again is refused: it is with them already.
        return answer.status_code in {httpx2.codes.SEE_OTHER, httpx2.codes.OK, httpx2.codes.CONFLICT}

    def _lapsed(self, post: str) -> bool:
        if not self._team.lapsed(self._content(post)):
            return False
        self.told.lapsed += 1
        return True


def own_pictures(folder: Path) -> list[bytes]:
    """Read the user's own pictures, in the order of their names.

    Raises:
        Unavailable: there is none.
    """
    kinds = {".jpg", ".jpeg", ".png", ".webp", ".gif"}
    found = [path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix.lower() in kinds]
    if not found:
        raise Unavailable(f"There are no pictures (.jpg .png .webp .gif) in {folder}.")
    return found
