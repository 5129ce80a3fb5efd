"""Changing and forgetting content. May decide: nothing; ``rules`` say what is accepted and how long it is kept."""

from datetime import datetime

from tidegate.content import rules, store
from tidegate.content.model import (
    STANDINGS,
    Content,
    ContentDeletedByUser,
    ContentEdited,
    ContentErased,
    ContentReachChanged,
    Standing,
)
from tidegate.db.sealing import erase, read_detail, write_detail
from tidegate.db.transaction import Transaction
from tidegate.kernel.errors import NotFound
from tidegate.kernel.ids import ContentId, ServiceId
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


async def change_reach(tx: Transaction, content: Content, reach: int) -> None:
    """Take in how many people a content reaches now; wide reach needs two people (floor rule 4).

    Raises:
        Malformed: not a number of people.
    """
    rules.check_reach(reach)
    if reach != content.reach:
        await tx.append(ContentReachChanged(content=content.id, reach=reach))


async def edit(tx: Transaction, content: Content, *, caption: str | None, link: str | None) -> None:
    """Take in other words around a content.

    Raises:
        Malformed: too long or not in normal form C.
    """
    part = store.facts_part(content.revision)
    facts = await read_detail(tx, content.id, part)
    if facts is None:
        return
    before = store.words_of(facts)
    for field, text in (("caption", caption), ("link", link)):
        if text is not None:
            rules.check_text(field, text, most=rules.MOST_WORDS_BYTES)
            facts[field] = text
    last = facts.get("edits", 0)
    assert isinstance(last, int)
    # The words as first shown and as of each edit stay, so that a rebuild sees at each event what was true then.
    if last == 0:
        await write_detail(tx, content.id, store.words_part(content.revision, 0), before)
    await write_detail(tx, content.id, store.words_part(content.revision, last + 1), store.words_of(facts))
    await write_detail(tx, content.id, part, {**facts, "edits": last + 1})
    await tx.append(ContentEdited(content=content.id, revision=content.revision, edit=last + 1))


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
