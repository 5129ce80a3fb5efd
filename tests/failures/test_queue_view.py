"""What the queue rests on stays what its events say: for rows there were before it, and for many changes at once."""

import hashlib
import itertools
import random
import re
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

import httpx2
import psycopg

from acts import ask, held, make_known, picture
from failures.test_rebuild import differences, play
from running import Running


def backfill(migration: str, begins: str) -> str:
    """Give the statement that fills columns for what there was before they were."""
    text = (files("tidegate.db") / "migrations" / migration).read_text("utf-8")
    found = re.search(rf"^{begins} .*?;$", text, re.DOTALL | re.MULTILINE)
    assert found
    return found[0]


def test_what_stood_open_before_there_was_a_queue_stands_in_it_as_if_there_always_had_been(node: Running) -> None:
    play(node)
    platform = node.platform()
    for number in range(8):
        more = {"reach": 10 ** (number - 1)} if number > 1 else {}
        kind = {"account_class": "press"} if number % 3 == 0 else {}
        content = platform.verdict(
            picture(90 + number), platform_id=f"late-{number}", uploader="x", caption=str(number), **more, **kind
        )["content"]
        for _ in range(number):
            flag = {"content": content, "reporter": "someone", "words": "Look.", "trusted": number % 2 == 0}
            assert platform.client.post("/v1/flags", json=flag).status_code == 201
    held(node, platform, 77, platform_id="late-held", uploader="y", language="de")
    open_cases = ask(node, """SELECT count(*) AS n FROM "case" WHERE state <> 'closed'""")[0]["n"]
    assert open_cases >= 8
    assert differences(node) == {}
    owner = node.node.settings.database_owner_url
    assert owner is not None
    with psycopg.connect(owner.get_secret_value(), autocommit=True) as connection:
        connection.execute(
            """
            UPDATE "case" SET size = 0, reach = 0, held_until = NULL, distance = NULL, reports = 0,
                trusted_reports = 0, languages = '{}', place = NULL
            """
        )
        assert differences(node) == {"case": 2 * open_cases}, "it is found when they are wrong"
        connection.execute(backfill("0120_queue.sql", "WITH facts AS").encode())
        assert differences(node) == {}
        connection.execute(
            """
            UPDATE case_member
            SET reach = 0, language = NULL, held_until = NULL, reports = 0, trusted_reports = 0
            """
        )
        assert set(differences(node)) == {"case_member"}
        connection.execute(backfill("0186_case_sums.sql", "UPDATE case_member").encode())
    assert differences(node) == {}


def test_a_case_says_what_its_members_say_together(node: Running) -> None:
    """The sums that are kept up member by member are those of all members, however they came, changed and went."""
    chance = random.Random(1)
    platform = node.platform()
    data = picture(5)
    make_known(node, hashlib.sha256(data).digest())
    inside: list[str] = []
    for number in range(60):
        what = chance.choice(("come", "come", "reach", "flag", "words", "lapse", "delete"))
        if what == "come" or not inside:
            content = platform.verdict(
                data,
                platform_id=f"p{number}",
                uploader=f"u{number}",
                reach=chance.randrange(1000),
                language=chance.choice(("de", "fr", "ar", None)),
            )["content"]
            inside.append(content)
        elif what == "reach":
            platform.client.patch(f"/v1/content/{chance.choice(inside)}", json={"reach": chance.randrange(100_000)})
        elif what == "flag":
            flag = {"content": chance.choice(inside), "reporter": "r", "words": "w", "trusted": chance.random() < 0.5}
            assert platform.client.post("/v1/flags", json=flag).status_code == 201
        elif what == "words":
            platform.client.patch(f"/v1/content/{chance.choice(inside)}", json={"caption": str(chance.randrange(2))})
        elif what == "lapse":
            node.clock.forward(hours=5)
            node.work()
        else:
            # Other bytes in its place: it leaves.
            platform.verdict(picture(chance.randrange(100, 200)), platform_id=f"p{number - 1}", uploader="x")
    kept = ask(
        node,
        """
        SELECT id, size, reach, distance, held_until, reports, trusted_reports, languages
        FROM "case" WHERE state <> 'closed' ORDER BY id
        """,
    )
    assert len(kept) >= 3
    summed = ask(
        node,
        """
        SELECT c.id, count(*) AS size, max(n.reach) AS reach, min(m.distance) AS distance,
            min(h.expires_at) FILTER (WHERE h.state = 'held') AS held_until,
            sum((SELECT count(*) FROM flag f WHERE f.content = n.id AND f.state = 'raised'))::int AS reports,
            sum((SELECT count(*) FROM flag f WHERE f.content = n.id AND f.state = 'raised' AND f.trusted))::int
                AS trusted_reports,
            coalesce(array_agg(DISTINCT n.language ORDER BY n.language) FILTER (WHERE n.language IS NOT NULL), '{}')
                AS languages
        FROM "case" c JOIN case_member m ON m."case" = c.id JOIN content n ON n.id = m.content
        LEFT JOIN hold h ON h.content = n.id AND h.state = 'held'
        WHERE c.state <> 'closed' GROUP BY c.id ORDER BY c.id
        """,
    )
    assert kept == summed
    assert differences(node) == {}


def test_changes_at_the_same_moment_are_all_seen(node: Running) -> None:
    """Members of one case change, come and go at once: whoever is last has seen what the others wrote."""
    platform = node.platform()
    data = picture(5)
    make_known(node, hashlib.sha256(data).digest())
    members = [
        platform.verdict(data, platform_id=f"post-{number}", uploader=f"user-{number}")["content"]
        for number in range(6)
    ]
    numbers = itertools.count(100)

    def change(content: str) -> list[httpx2.Response]:
        client = node.platform(service=platform.service).client
        flag = {"content": content, "reporter": "someone", "words": "Look."}
        return [
            client.patch(f"/v1/content/{content}", json={"reach": next(numbers)}),
            client.post("/v1/flags", json=flag),
            client.patch(f"/v1/content/{content}", json={"reach": next(numbers)}),
        ]

    def come(number: int) -> list[httpx2.Response]:
        other = node.platform(service=platform.service)
        return [other.upload(data, platform_id=f"new-{number}", uploader=f"new-{number}", reach=next(numbers))]

    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(change, members), *pool.map(come, range(4))]
    assert {answer.status_code for those in answers for answer in those} <= {200, 201}
    (row,) = ask(node, 'SELECT * FROM "case"')
    widest = ask(node, "SELECT max(reach) AS reach, count(*) AS n FROM content")[0]
    assert (row["reach"], row["size"], row["reports"]) == (widest["reach"], widest["n"], len(members))
    assert differences(node) == {}
