"""What the demonstration leaves open, so that whoever signs in finds something to decide.

May decide: nothing; it posts, flags, votes and objects over HTTP as the story does. It happens after the story is told
and counted, and only where somebody may come to look.
"""

from dataclasses import dataclass

import httpx2

from tidegate.demonstration.pictures import Edit, edited, picture
from tidegate.demonstration.story import Story


@dataclass(frozen=True, slots=True)
class Flagged:
    """A picture nobody knows, and what a reader says of it."""

    seed: int
    account: str
    caption: str
    reach: int
    words: str
    label: str | None = None


#: What a queue looks like on an ordinary day: several languages, much and little reach, right and wrong reports.
FLAGGED = (
    Flagged(31, "olek", "Stary most, widok z brzegu", 40, "I have seen this one before.", "glorifies"),
    Flagged(32, "samira", "الجسر القديم عند الغروب، من نافذتي", 250_000, "انظروا إلى هذا من فضلكم", "solicits_group"),
    Flagged(33, "noa", "הגשר הישן בבוקר", 1_200, "Please look at the text under it.", "incites"),
    Flagged(34, "lin", "清晨的老桥,拍摄于河边", 9_000, "这张图看起来不对劲。", "instructs"),
    Flagged(35, "daily-herald", "The bridge before it is rebuilt: our report", 80_000, "Why is this still up?"),
    Flagged(36, "mallory", "<script>alert('caption')</script> \"'> {{ 7*7 }}", 3, "<b>bold claim</b>", "glorifies"),
)
_KNOWN, _WAITING, _SKETCH = 21, 22, 23
_CAPTION = "The bridge at first light"


class OpenWork(Story):
    """Goes on where the story ended."""

    def leave(self) -> None:
        """Leave a queue, a case that waits for its second person, a held post and a complaint.

        Raises:
            Unavailable: a step did not happen in time; says which.
        """
        self._say("Some work is left open for you: flagged pictures, a held post, a complaint.")
        known = picture(_KNOWN)
        first = self._flag("mira", known, "Look closely at this one.", reach=300)
        self._vote(self._case(first), self._content(first), self._team.reviewers)
        link = self.until("the notice is in the inbox", lambda: self._notice(first))
        self.until("the complaint is filed", lambda: self._complain(link, picture(_SKETCH)))
        waiting = self._flag("olek", picture(_WAITING), "This is how it begins.", reach=5_000)
        self._team.vote(self._team.reviewers[1], self._case(waiting))
        for item in FLAGGED:
            self._flag(item.account, picture(item.seed), item.words, item.label, caption=item.caption, reach=item.reach)
        self._publish_post("olek", edited(known, Edit.RESIZED), caption=_CAPTION)
        self._publish_post("noa", known, caption=_CAPTION)

    def _case(self, post: str) -> str:
        return self.until("the flagged picture is in the queue", lambda: self._team.case_of(self._content(post)))

    def _flag(
        self, account: str, data: bytes, words: str, label: str | None = "glorifies", *, reach: int, caption: str = ""
    ) -> str:
        post = self._publish_post(account, data, caption=caption or _CAPTION, reach=reach)
        said = {"reporter": "reader-2", "words": words, "label": label}

        def flagged() -> bool:
            answer = self._platform.post(f"/posts/{post}/flag", json=said)
            return answer.status_code == httpx2.codes.CREATED

        self.until("the post is flagged", flagged)
        return post
