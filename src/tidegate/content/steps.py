"""Changing and forgetting content. May decide: nothing; ``rules`` say what is accepted and how long it is kept."""

from datetime import datetime

from tidegate.content import rules, store
from tidegate.content.facts import facts_part, with_words, words_of, words_part
from tidegate.content.model import (
    STANDINGS,
    Content,
    ContentBytesMissing,
    ContentBytesWanted,
    ContentDeletedByUser,
    ContentEdited,
    ContentErased,
    ContentReachChanged,
    NoBytes,
    Standing,
    Submission,
    Words,
    WordsRead,
)
from tidegate.db.sealing import erase, read_detail, write_detail
from tidegate.db.transaction import Transaction
from tidegate.kernel.errors import NotFound
from tidegate.kernel.ids import AskId, ContentId, ServiceId
from tidegate.kernel.states import follow


async def of_service(tx: Transaction, content: ContentId, service: ServiceId) -> Content:
    """Load a content of a service for change.

    Raises:
        NotFound: this service has no such content with a recorded life.
    """
    loaded = await store.load(tx, content, lock=True)
    if loaded is None or loaded.service != service or loaded.standing is Standing.ERASED:
        raise NotFound("Your service has no such content here, or it was clear and is only counted.")
    return loaded


async def submission_of(tx: Transaction, content: Content) -> Submission | None:
    """Give what the platform said of a content's present revision; None when it was erased."""
    facts = await store.facts(tx, content)
    if facts is None:
        return None
    return Submission(
        service=content.service,
        kind=content.kind,
        platform_id=facts["platform_id"],
        uploader=facts["uploader"],
        account_class=content.account_class,
        surface=content.surface,
        reach=content.reach,
        caption=facts["caption"],
        link=facts["link"],
        language=content.language,
    )


async def ask_for_bytes(tx: Transaction, content: Content) -> None:
    """Ask the platform for the bytes of a content that people must look at and that are not here; once is enough."""
    known = await store.wanted(tx, content.id)
    if not content.bytes_kept and content.standing is Standing.SHOWN and known is None:
        await tx.append(
            ContentBytesWanted(
                ask=tx.new(AskId), content=content.id, revision=content.revision, service=content.service
            )
        )


async def do_without_bytes(tx: Transaction, content: ContentId, revision: int, cause: NoBytes) -> None:
    """Write down that bytes that were wanted will not come; nothing happens when they are not wanted any more."""
    known = await store.wanted(tx, content)
    if known is not None and known.revision == revision:
        await tx.append(ContentBytesMissing(content=content, revision=revision, cause=cause))


async def change_reach(tx: Transaction, content: Content, reach: int) -> None:
    """Take in how many people a content reaches now; wide reach needs two people (floor rule 4).

    Raises:
        Malformed: not a number of people.
    """
    rules.check_reach(reach)
    if reach != content.reach:
        await tx.append(ContentReachChanged(content=content.id, reach=reach))


async def edit(tx: Transaction, content: Content, *, caption: str | None, link: str | None) -> bool:
    """Take in other words around a content, to be read as soon as that can be done; say whether they are others.

    Raises:
        Malformed: too long or not in normal form C.
    """
    part = facts_part(content.revision)
    facts = await read_detail(tx, content.id, part)
    if facts is None:
        return False
    before = words_of(facts)
    for field, text in (("caption", caption), ("link", link)):
        if text is not None:
            rules.check_text(field, text, most=rules.MOST_WORDS_BYTES)
            facts[field] = text
    if words_of(facts) == before:
        return False
    last = facts.get("edits", 0)
    assert isinstance(last, int)
    # The words as first shown and as of each edit stay, so that a rebuild sees at each event what was true then.
    if last == 0:
        await write_detail(tx, content.id, words_part(content.revision, 0), before)
    facts = with_words(facts, Words(read=WordsRead.NOT_YET))
    await write_detail(tx, content.id, words_part(content.revision, last + 1), words_of(facts))
    await write_detail(tx, content.id, part, {**facts, "edits": last + 1})
    await tx.append(ContentEdited(content=content.id, revision=content.revision, edit=last + 1))
    return True


async def delete_by_user(tx: Transaction, content: Content) -> None:
    """Write down that the uploader took it down; nothing is destroyed that can still be contested (floor rule 7)."""
    if content.standing is not Standing.DELETED_BY_USER:
        follow(STANDINGS, content.standing, ContentDeletedByUser, "content")
        await tx.append(ContentDeletedByUser(content=content.id))


async def forget(tx: Transaction, content: Content, kept_until: datetime | None) -> bool:
    """Destroy a content's key once nothing can contest it any more; say whether that was done."""
    if not rules.may_erase(content, kept_until, tx.now):
        return False
    follow(STANDINGS, content.standing, ContentErased, "content")
    await erase(tx, content.id)
    await tx.append(ContentErased(content=content.id))
    return True
