"""Jumping: from any id, or the name of a place, to its page.

May decide: where an id leads this person, and nothing else. What somebody may not see and what there is not are the
same to them: one page, one status, the same words. The only addresses it ever leads to are our own, built from ids
that were read, never from what was typed.
"""

import re
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from tidegate.appeal import store as appeals
from tidegate.case import store as cases
from tidegate.console.door import Pages
from tidegate.console.ids import KINDS
from tidegate.console.pages import PLACES, Place, render, translated
from tidegate.console.staff.record_store import mentioned
from tidegate.db.transaction import Transaction
from tidegate.decision import store as decisions
from tidegate.enforcement import store as enforcement
from tidegate.flag import store as flags
from tidegate.kernel.errors import Malformed
from tidegate.kernel.ids import (
    AppealId,
    CaseId,
    ContentId,
    DecisionId,
    FlagId,
    Id,
    InstructionId,
    KeyId,
    ListId,
    NoticeId,
    ProposalId,
    ServiceId,
    SignalId,
    StaffId,
    VoteId,
)
from tidegate.notice import store as notices
from tidegate.people import sign_in_store
from tidegate.people import store as people
from tidegate.people.model import PROPOSAL_NEEDS, PasskeyId, Permission, Session, SessionId
from tidegate.signal import store as signals
from tidegate.web.door import Listener, node_of, session_of, staff

door = Pages(Listener.STAFF)

_MOST_TYPED = 200
_FOUND_ID = re.compile(r"(?<![a-z0-9_])([a-z]+)_([0-9a-hjkmnp-tv-z]{26})(?![a-z0-9_])")

#: Gives the page of an id for someone who holds the permission; None when there is none for them.
Lead = Callable[[Transaction, Id, Session], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Way:
    """A way from a kind of id to a page."""

    needs: Permission
    lead: Lead


@door.get("/go", needs=Permission.SEE_OWN_ACCOUNT)
async def go(request: Request) -> Response:
    """Lead to where ``?to=`` is, if this person may go there."""
    reader, typed = session_of(request), request.query_params.get("to", "")[:_MOST_TYPED]
    text = _plain(typed)
    identity = id_in(text)
    if identity is not None:
        path = await node_of(request).run(staff(request), lambda tx: lead_to(tx, identity, reader))
    else:
        place = place_named(request, text, reader)
        path = place.path if place else None
    if path is not None:
        return RedirectResponse(path, 303)
    response = render(request, "staff/go.html", typed=typed.strip())
    response.status_code = 404 if text else 200
    return response


def id_in(text: str) -> Id | None:
    """Read the one id in what someone pasted: alone, with blanks in it, or inside an address or a sentence."""
    for candidate in (re.sub(r"\s+", "", text), text):
        found = {match[0] for match in _FOUND_ID.finditer(candidate) if match[1] in KINDS}
        if len(found) == 1:
            word = found.pop()
            try:
                return KINDS[word.rpartition("_")[0]].parse(word)
            except Malformed:
                return None
    return None


def place_named(request: Request, text: str, reader: Session) -> Place | None:
    """Find the one place, of those this person may go to, whose name or address begins like this."""
    if not text:
        return None
    open_ = [place for place in PLACES if place.needs in reader.permissions]
    names = [
        (place, _plain(name)) for place in open_ for name in (place.name, translated(request, place.name), place.path)
    ]
    exact = {place for place, name in names if text in {name, name.removeprefix("/")}}
    begun = {place for place, name in names if name.startswith(text) or name.removeprefix("/").startswith(text)}
    return next((found.pop() for found in (exact, begun) if len(found) == 1), None)


def _plain(text: str) -> str:
    """Give text as it is compared: compatibility forms and case folded, without what cannot be seen."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in folded if unicodedata.category(sign) not in {"Cf", "Cc"} or sign.isspace()).strip()


async def lead_to(tx: Transaction, identity: Id, reader: Session) -> str | None:
    """Give the page of an id for this person, or None: not there, or not theirs to see."""
    for way in WAYS[type(identity)]:
        if way.needs in reader.permissions and (path := await way.lead(tx, identity, reader)) is not None:
            return path
    if Permission.READ_RECORD in reader.permissions and await mentioned(tx, identity.value):
        return f"/record?about={identity}"
    return None


# --- the ways ---


async def _case(tx: Transaction, identity: Id, _reader: Session) -> str | None:
    found = await cases.load(tx, CaseId(identity.value))
    return f"/cases/{found.id}" if found else None


async def _case_of_content(tx: Transaction, identity: Id, _reader: Session) -> str | None:
    found = await cases.of_content(tx, ContentId(identity.value))
    return f"/cases/{found.id}" if found else None


async def _instructions_on(tx: Transaction, identity: Id, _reader: Session) -> str | None:
    given = await enforcement.on_content(tx, ContentId(identity.value))
    return f"/instructions/{given[-1].id}" if given else None


async def _decision(tx: Transaction, identity: Id, _reader: Session) -> str | None:
    found = await decisions.load(tx, DecisionId(identity.value))
    return f"/decisions/{found.id}" if found else None


async def _appeal(tx: Transaction, identity: Id, _reader: Session) -> str | None:
    found = await appeals.load(tx, AppealId(identity.value))
    return f"/appeals/{found.id}" if found else None


async def _case_of_notice(tx: Transaction, identity: Id, reader: Session) -> str | None:
    found = await notices.load(tx, NoticeId(identity.value))
    return await _case_of_content(tx, ContentId(found["content"]), reader) if found else None


async def _case_of_flag(tx: Transaction, identity: Id, reader: Session) -> str | None:
    content = await flags.content_of(tx, FlagId(identity.value))
    return await _case_of_content(tx, content, reader) if content else None


async def _case_of_own_vote(tx: Transaction, identity: Id, reader: Session) -> str | None:
    """Only one's own: whose vote is about what is nobody's to find out before a decision is in force."""
    found = await decisions.case_of_vote(tx, VoteId(identity.value), reader.staff)
    return f"/cases/{found}" if found else None


async def _signal(tx: Transaction, identity: Id, _reader: Session) -> str | None:
    found = await signals.load(tx, [SignalId(identity.value)])
    return f"/signals/{found[0].id}" if found else None


async def _instruction(tx: Transaction, identity: Id, _reader: Session) -> str | None:
    found = await enforcement.load(tx, InstructionId(identity.value))
    return f"/instructions/{found.id}" if found else None


async def _person(tx: Transaction, identity: Id, _reader: Session) -> str | None:
    found = await people.load_staff(tx, StaffId(identity.value))
    return f"/people/{found.id}" if found else None


async def _oneself(_tx: Transaction, identity: Id, reader: Session) -> str | None:
    return "/account" if identity == reader.staff else None


async def _service(tx: Transaction, identity: Id, _reader: Session) -> str | None:
    service = ServiceId(identity.value)
    return f"/keys#{service}" if await people.has_service(tx, service) else None


async def _key(tx: Transaction, identity: Id, _reader: Session) -> str | None:
    found = await people.load_key(tx, KeyId(identity.value))
    return f"/keys#{found.id}" if found else None


async def _proposal(tx: Transaction, identity: Id, reader: Session) -> str | None:
    found = await people.load_proposal(tx, ProposalId(identity.value))
    if found is None or PROPOSAL_NEEDS[found.kind].approve not in reader.permissions:
        return None
    page = "/people" if PROPOSAL_NEEDS[found.kind].approve is Permission.APPROVE_PEOPLE else "/signals"
    return f"{page}#{found.id}"


async def _own_session(tx: Transaction, identity: Id, reader: Session) -> str | None:
    return "/account" if await sign_in_store.owner_of_session(tx, SessionId(identity.value)) == reader.staff else None


async def _session(tx: Transaction, identity: Id, _reader: Session) -> str | None:
    owner = await sign_in_store.owner_of_session(tx, SessionId(identity.value))
    return f"/people/{owner}" if owner else None


async def _own_passkey(tx: Transaction, identity: Id, reader: Session) -> str | None:
    held = await sign_in_store.passkeys_of(tx, reader.staff)
    return "/account" if any(passkey.id == identity for passkey in held) else None


_OWN = Permission.SEE_OWN_ACCOUNT
#: kind of id -> the ways to try, in order. Whoever reads the record finds every other id there.
WAYS: dict[type[Id], Sequence[Way]] = {
    CaseId: (Way(Permission.SEE_CASE, _case),),
    ContentId: (Way(Permission.SEE_CASE, _case_of_content), Way(Permission.SEE_INSTRUCTIONS, _instructions_on)),
    DecisionId: (Way(Permission.SEE_CASE, _decision),),
    AppealId: (Way(Permission.SEE_APPEAL, _appeal),),
    NoticeId: (Way(Permission.SEE_CASE, _case_of_notice),),
    FlagId: (Way(Permission.SEE_CASE, _case_of_flag),),
    VoteId: (Way(Permission.SEE_CASE, _case_of_own_vote),),
    SignalId: (Way(Permission.SEE_SIGNALS, _signal),),
    InstructionId: (Way(Permission.SEE_INSTRUCTIONS, _instruction),),
    ListId: (),
    StaffId: (Way(Permission.MANAGE_PEOPLE, _person), Way(_OWN, _oneself)),
    ServiceId: (Way(Permission.MANAGE_KEYS, _service),),
    KeyId: (Way(Permission.MANAGE_KEYS, _key),),
    ProposalId: (Way(_OWN, _proposal),),
    SessionId: (Way(_OWN, _own_session), Way(Permission.MANAGE_PEOPLE, _session)),
    PasskeyId: (Way(_OWN, _own_passkey),),
}
