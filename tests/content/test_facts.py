"""What is sealed of a content reads back, of this release and of those before it."""

from hypothesis import given
from hypothesis import strategies as st

from made import number
from tidegate.content.facts import facts_of, fingerprints_of, read_words, with_words, words_of
from tidegate.content.model import (
    AccountClass,
    ContentKind,
    Fingerprints,
    Submission,
    Surface,
    Words,
    WordsRead,
)
from tidegate.kernel.ids import ServiceId

SUBMISSION = Submission(
    service=number(ServiceId, 1),
    kind=ContentKind.TEXT,
    platform_id="p",
    uploader="u",
    account_class=AccountClass.ORDINARY,
    surface=Surface.PUBLIC,
    reach=1,
    caption="A bridge.",
)
DIGESTS = st.lists(st.binary(min_size=8, max_size=8), max_size=4).map(tuple)
WORDS = st.builds(Words, read=st.sampled_from(WordsRead), sketch=st.binary(max_size=20), leads_to=DIGESTS)


@given(WORDS, DIGESTS, st.binary(max_size=20))
def test_what_was_computed_reads_back(words: Words, leads_to: tuple[bytes, ...], sketch: bytes) -> None:
    fingerprints = Fingerprints(sha256=bytes(32), sketch=sketch, leads_to=leads_to)
    facts = facts_of(SUBMISSION, fingerprints, words)
    assert fingerprints_of(facts) == fingerprints
    assert read_words(facts) == read_words(words_of(facts)) == words
    assert read_words(with_words(facts, Words())) == Words()


def test_older_releases_computed_nothing_of_words() -> None:
    facts = facts_of(SUBMISSION, Fingerprints(sha256=bytes(32)), Words())
    del facts["words"], facts["leads_to"]
    assert read_words(facts) == Words()
    assert words_of(facts) == {"caption": "A bridge.", "link": ""}
    assert fingerprints_of(facts) == Fingerprints(sha256=bytes(32))
