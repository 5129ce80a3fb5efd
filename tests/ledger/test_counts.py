"""The published counts: added up from leaves, in one form, saying what they do not prove."""

import json
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from ledger.published_log import Log, sample_leaf
from tidegate.ledger import counts
from tidegate.ledger.entry import Leaf, LeafContent, LeafKind, decode


def test_counts_of_an_empty_log_are_empty() -> None:
    document = Log().counts()
    assert (document["size"], document["rows"], document["totals"], document["accounts"]) == (0, [], {}, {})
    assert document["not_proven"]


@given(st.lists(st.integers(0, 500), max_size=60, unique=True))
def test_counts_do_not_depend_on_the_order(numbers: list[int]) -> None:
    leaves = [sample_leaf(number) for number in numbers]
    checkpoint = Log().checkpoint()
    document = counts.count(leaves, checkpoint)
    assert counts.written(document) == counts.written(counts.count(reversed(leaves), checkpoint))
    rows = document["rows"]
    assert isinstance(rows, list)
    assert sum(row["count"] for row in rows) == sum(leaf.count for leaf in leaves)
    assert rows == sorted(rows, key=lambda row: [row[column] for column in counts.COLUMNS])


def test_a_restoration_is_a_row_of_its_own_and_nothing_is_subtracted() -> None:
    removals = [sample_leaf(0), sample_leaf(1)]
    restoration = sample_leaf(9)
    assert restoration.cites == removals[0].leaf
    before = counts.count(removals, Log().checkpoint())
    after = counts.count([*removals, restoration], Log().checkpoint())
    assert after["totals"] == {"removal": 2, "restoration": 1}
    assert isinstance(before["rows"], list)
    assert isinstance(after["rows"], list)
    assert all(row in after["rows"] for row in before["rows"])
    assert len(after["rows"]) == len(before["rows"]) + 1


def test_accounts_are_counted_once_however_often_they_are_acted_on() -> None:
    def suspended(number: int, account: str) -> Leaf:
        return sample_leaf(5, leaf=f"{number:032x}", account=account)

    leaves = [suspended(1, "a" * 32), suspended(2, "a" * 32), suspended(3, "b" * 32)]
    document = counts.count(leaves, Log().checkpoint())
    assert document["totals"] == {"account_action": 3}
    assert document["accounts"] == {"account_action": 2}


def test_a_period_of_the_size_of_a_real_report_comes_out_to_the_digit() -> None:
    """25,000 posts, 4,000 videos, 200 accounts, and restorations that cite what they reverse."""
    tally = counts.Tally()
    day = date(2027, 6, 1)
    for number, (kind, content, amount) in enumerate(
        [
            (LeafKind.REMOVAL, LeafContent.TEXT, 25_000),
            (LeafKind.REMOVAL, LeafContent.VIDEO, 4_000),
            (LeafKind.ACCOUNT_ACTION, LeafContent.ACCOUNT, 200),
            (LeafKind.RESTORATION, LeafContent.VIDEO, 37),
        ]
    ):
        for place in range(amount):
            tag = f"{place:032x}" if content is LeafContent.ACCOUNT else None
            cites = f"{1:016x}{place:016x}" if kind is LeafKind.RESTORATION else None
            tally.add(
                Leaf(
                    leaf=f"{number:016x}{place:016x}",
                    kind=kind,
                    content_kind=content,
                    day=day,
                    account=tag,
                    cites=cites,
                    commitment="0" * 64,
                )
            )
    document = tally.document(Log().checkpoint())
    assert document["totals"] == {"account_action": 200, "removal": 29_000, "restoration": 37}
    assert document["accounts"] == {"account_action": 200}
    assert isinstance(document["rows"], list)
    assert {(row["kind"], row["content_kind"]): row["count"] for row in document["rows"]} == {
        ("removal", "text"): 25_000,
        ("removal", "video"): 4_000,
        ("account_action", "account"): 200,
        ("restoration", "video"): 37,
    }


def test_the_file_says_which_log_it_is_about() -> None:
    log = Log.of(12)
    data = counts.written(log.counts())
    document = json.loads(data)
    assert (document["version"], document["origin"], document["size"]) == (1, log.origin, 12)
    assert counts.size_of(data) == 12
    assert counts.written(counts.count(map(decode, log.entries), log.checkpoint())) == data


def test_what_is_no_counts_file_has_no_size() -> None:
    for data in (b"", b"[]", b"{}", b'{"size":true}', b'{"size":"3"}', b"\xff", b"[" * 100_000):
        assert counts.size_of(data) is None


def test_the_words_on_what_is_not_proven_are_part_of_the_version() -> None:
    """A reader compares the whole file: other words need another version, and a verifier that knows both."""
    assert len(counts.NOT_PROVEN) == 7
    assert all(sentence.endswith(".") for sentence in counts.NOT_PROVEN)
    for word in ("true", "everything", "right", "people", "accounts", "day", "same log"):
        assert any(word in sentence for sentence in counts.NOT_PROVEN)
