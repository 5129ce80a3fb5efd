"""Broken files as a platform would send them: each is answered, by a verdict or as unchecked for one reason."""

from collections import Counter

import pytest

from fuzz.bombs import bombs
from fuzz.campaign import Files
from running import Running
from tidegate.content.model import ContentKind
from tidegate.fingerprint.model import Unchecked

TYPES = {
    ContentKind.PICTURE: "image/jpeg",
    ContentKind.VIDEO: "video/mp4",
    ContentKind.TEXT: "text/plain",
    ContentKind.LINK: "text/uri-list",
}
#: These take the whole of a request's time: the campaign shows them, one at a time.
SLOW = ("at the limit", "one pixel", "says it is larger", "many scans", "never end", "many large frames")


@pytest.mark.slow
def test_every_broken_file_has_a_verdict_or_one_reason(node: Running) -> None:
    files, platform = Files(3), node.platform()
    first = len(bombs())
    shown = [number for number in range(first) if not any(slow in files[number][0] for slow in SLOW)]
    answers: Counter[str] = Counter()
    for number in (*shown, *range(first, first + 120)):
        how, file = files[number]
        if not file.data:
            continue
        answer = platform.upload(
            file.data, headers={"content-type": TYPES[file.kind]}, platform_id=f"post-{number}", kind=file.kind.value
        )
        if answer.status_code == 202:
            # A video is checked later; that it was taken is all that is said now.
            answers["taken"] += 1
            continue
        assert answer.status_code == 200, f"{number} ({how}): {answer.status_code} {answer.text}"
        said = answer.json()
        assert said["verdict"] in {"clear", "unchecked"}, how
        assert (said["verdict"] == "unchecked") == (said.get("reason") in set(Unchecked)), how
        answers[said["verdict"]] += 1
    assert answers["clear"] > 10
    assert answers["unchecked"] > 10
