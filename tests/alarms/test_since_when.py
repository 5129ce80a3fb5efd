"""Since when something waits: right for what was there before the column was."""

from importlib import resources

import psycopg

from console.console_story import flagged, picture
from running import Running, Urls


def test_older_verdicts_get_the_time_of_their_event(node: Running, urls: Urls) -> None:
    platform = node.platform()
    flagged(platform)
    for name in ("one", "two"):
        node.clock.forward(hours=3)
        platform.verdict(b"no picture " + name.encode(), platform_id=name)
    node.clock.forward(hours=1)
    platform.verdict(b"still no picture", platform_id="one")  # another revision
    platform.verdict(picture(5), platform_id="three")
    script = (resources.files("tidegate.db") / "migrations" / "0150_operations.sql").read_text("utf-8")
    asked = "SELECT content, revision, given_at FROM verdict ORDER BY content, revision"
    with psycopg.connect(urls.owner) as connection:
        before = connection.execute(asked).fetchall()
        assert len(before) >= 3
        assert len({at for _, _, at in before}) >= 3
        connection.execute("ALTER TABLE verdict DROP COLUMN given_at")
        connection.execute("DROP INDEX event_kind, event_actor, event_at, exposure_at")
        connection.execute(script.encode())
        assert connection.execute(asked).fetchall() == before
