"""What the queue rests on stays what its events say: for rows there were before it, and for many changes at once."""

import hashlib
import itertools
import re
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

import httpx2
import psycopg

from acts import ask, held, make_known, picture
from failures.test_rebuild import differences, play
from running import Running


def backfill() -> str:
    """Give the statement that fills the queue's columns for the cases there were before it."""
    text = (files("tidegate.db") / "migrations" / "0120_queue.sql").read_text("utf-8")
    found = re.search(r"^WITH facts AS .*?;$", text, re.DOTALL | re.MULTILINE)
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
        connection.execute(backfill().encode())
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
