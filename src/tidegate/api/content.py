"""Content: submitting it, changing what is said of it, and reading its whole life. May decide: nothing."""

from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tidegate.api import videos
from tidegate.api.body import read_upload
from tidegate.api.life import life_of
from tidegate.background.look_back import look_at_words
from tidegate.case import store as cases
from tidegate.checking import steps as checking
from tidegate.checking import store as checks
from tidegate.content import rules, steps, store
from tidegate.content.model import AccountClass, Content, ContentKind, NoBytes, Submission, Surface
from tidegate.db.transaction import Transaction
from tidegate.decision import store as decision_store
from tidegate.enforcement import store as enforcement
from tidegate.enforcement.delivery import wanted_payload
from tidegate.enforcement.model import Action
from tidegate.fingerprint.model import PASSING
from tidegate.kernel.errors import Conflict, Malformed, Unavailable
from tidegate.kernel.event import Country, Language
from tidegate.kernel.ids import ContentId, ServiceId
from tidegate.match.model import Match
from tidegate.node import upload_of
from tidegate.people.model import Scope
from tidegate.signal import store as signals
from tidegate.verdict import steps as verdicts
from tidegate.verdict.model import VerdictKind
from tidegate.web.door import Door, Listener, key_of, node_of, platform
from tidegate.web.idempotency import once

door = Door(Listener.PLATFORM)

IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key")]


class Metadata(BaseModel):
    """What a platform says of a content. Fields that are not here are refused: things, never people (floor rule 10)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: ContentKind
    platform_id: str
    uploader: str
    account_class: AccountClass = AccountClass.ORDINARY
    surface: Surface
    reach: int = Field(0, strict=True)
    caption: str = ""
    link: str = ""
    language: str | None = None
    country: str | None = None
    posted_at: datetime | None = None

    def submission(self, service: ServiceId) -> Submission:
        """Give the submission of a service.

        Raises:
            Malformed: a code or a time has another form.
        """
        if self.posted_at is not None and self.posted_at.tzinfo is None:
            raise Malformed("posted_at needs a time zone, such as 2026-11-23T12:00:00Z.", reference="posted_at")
        return Submission(
            service=service,
            kind=self.kind,
            platform_id=self.platform_id,
            uploader=self.uploader,
            account_class=self.account_class,
            surface=self.surface,
            reach=self.reach,
            caption=self.caption,
            link=self.link,
            language=None if self.language is None else Language.parse(self.language),
            country=None if self.country is None else Country.parse(self.country),
            posted_at=self.posted_at,
        )


class Change(BaseModel):
    """What may change of a content without new bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reach: int | None = Field(None, strict=True)
    caption: str | None = None
    link: str | None = None


def read_metadata(raw: bytes) -> Metadata:
    """Read the metadata of an upload.

    Raises:
        Malformed: naming each field that is wrong.
    """
    try:
        return Metadata.model_validate_json(raw or b"null")
    except ValidationError as error:
        mistakes = [
            f"{'.'.join(str(part) for part in item['loc']) or 'metadata'}: {item['msg']}" for item in error.errors()
        ]
        raise Malformed("; ".join(mistakes), reference="metadata") from error


@door.route("POST", "/v1/content", needs=Scope.CONTENT, uploads=True, tags=["content"])
async def submit_content(request: Request, idempotency_key: IdempotencyKey = None) -> Any:  # noqa: ANN401 - JSON
    """Show the node a content before it is published, and get the verdict.

    Send multipart/form-data with the parts ``metadata`` (JSON) and ``file``, or the raw bytes with the metadata as
    base64 JSON in the header ``Tidegate-Metadata``. A video that takes longer to check is answered 202 with a link: its
    verdict comes as a webhook ``content.judged``, and stands at the link.
    """
    node, key = node_of(request), key_of(request)
    body = await read_upload(
        request,
        most_kept=lambda metadata: videos.most_kept(node.settings, metadata),
        most_read=node.settings.largest_body_bytes,
    )
    submission = read_metadata(body.metadata).submission(key.service)
    rules.check_submission(submission)
    if submission.kind is ContentKind.VIDEO:
        return await videos.submit(request, submission, body, idempotency_key, _answer)
    # Where the file came before the metadata, more of it may have been kept than of this kind is decoded.
    data = body.data if body.length <= node.settings.largest_decoded_bytes else None

    async def give(*, full_size: bool) -> dict[str, Any]:
        checked = await node.check(submission.kind, body.sha256, data, full_size=full_size, submission=submission)
        upload = upload_of(submission, checked, data)

        async def act(tx: Transaction) -> dict[str, Any]:
            async def submit() -> dict[str, Any]:
                return await _answer(tx, await verdicts.submit(tx, upload, node.settings.hold_policy))

            return await once(tx, key.id, idempotency_key, ("submit", body.metadata, body.sha256), submit)

        return await node.run(platform(request), act)

    try:
        return await give(full_size=False)
    except verdicts.NotAtFullSize:
        return await give(full_size=True)


async def _answer(tx: Transaction, answer: verdicts.Answer) -> dict[str, Any]:
    verdict = answer.verdict
    recorded = verdict.kind is not VerdictKind.CLEAR
    case = await cases.of_content(tx, answer.content) if recorded else None
    instructions = await enforcement.on_content(tx, answer.content) if recorded else []
    newest = instructions[-1] if verdict.kind is VerdictKind.HOLD and instructions else None
    hold = newest if newest and newest.action is Action.HOLD else None
    return {
        "content": str(answer.content),
        "revision": answer.revision,
        "verdict": verdict.kind,
        "reason": verdict.reason,
        "matches": await matches_for(tx, verdict.matches),
        "position": verdict.position,
        "expires_at": verdict.held_until.isoformat() if verdict.held_until else None,
        "case": str(case.id) if case and case.state != "closed" else None,
        "instruction": str(hold.id) if hold else None,
        # What people decided is no hold, and its instruction has to be newer than what this answer has the platform do.
        "sequence": newest.sequence - (hold is None) if newest else None,
        "removed": answer.removed,
    }


async def matches_for(tx: Transaction, matches: tuple[Match, ...]) -> list[dict[str, Any]]:
    """Describe matches to a platform: how near to what kind of thing, never the fingerprint itself."""
    known = {signal.id: signal for signal in await signals.load(tx, [match.signal for match in matches])}
    return [
        {
            "signal": str(match.signal),
            "kind": match.fingerprint_kind,
            "distance": match.distance,
            "threshold": match.threshold,
            "second_distance": match.second_distance,
            "rotation": match.rotation,
            "look": match.look,
            "where": match.where,
            "span": asdict(match.span) if match.span else None,
            "labels": sorted(known[match.signal].labels),
            "owner": known[match.signal].provenance,
        }
        for match in matches
    ]


@door.route("GET", "/v1/content/{content}", needs=Scope.CONTENT, tags=["content"])
async def read_content(request: Request, content: str) -> dict[str, Any]:
    """Read the whole life of a content, in order."""
    identity, service = ContentId.parse(content), key_of(request).service
    return await node_of(request).run(platform(request), lambda tx: life_of(tx, identity, service))


@door.route("PATCH", "/v1/content/{content}", needs=Scope.CONTENT, tags=["content"])
async def change_content(request: Request, response: Response, content: str, change: Change) -> dict[str, Any]:
    """Say that a content reaches more people now, or that the words around it changed.

    Known words or addresses in its caption, or a known link in its link field, bring it to people. Where they cannot be
    looked for just now, the change is kept and the answer is 202, with the reason in ``words_unchecked``: they are as
    soon as that can be done, and nothing needs to be sent again.
    """
    identity, service = ContentId.parse(content), key_of(request).service

    async def act(tx: Transaction) -> dict[str, Any]:
        waiting = await checks.load(tx, identity, lock=True)
        if waiting is not None and waiting.submission.service == service:
            await checking.change(tx, waiting, reach=change.reach, caption=change.caption, link=change.link)
            if await store.load(tx, identity) is None:
                return await life_of(tx, identity, service)
        loaded = await steps.of_service(tx, identity, service)
        if change.reach is not None:
            await steps.change_reach(tx, loaded, change.reach)
        if change.caption is not None or change.link is not None:
            await steps.edit(tx, loaded, caption=change.caption, link=change.link)
        return await life_of(tx, identity, service)

    node = node_of(request)
    life = await node.run(platform(request), act)
    if change.caption is None and change.link is None:
        return life
    with suppress(Unavailable):
        await look_at_words(node, identity)
    life = await node.run(platform(request), lambda tx: life_of(tx, identity, service))
    if life["words_unchecked"] in PASSING:
        response.status_code = 202
    return life


@door.route("DELETE", "/v1/content/{content}", needs=Scope.CONTENT, status_code=204, tags=["content"])
async def delete_content(request: Request, content: str) -> Response:
    """Say that the uploader deleted it. What can still be contested stays sealed here (floor rule 7)."""
    identity, service = ContentId.parse(content), key_of(request).service

    async def act(tx: Transaction) -> None:
        waiting = await checks.load(tx, identity, lock=True)
        if waiting is not None and waiting.submission.service == service:
            await checking.drop(tx, waiting)
            if await store.load(tx, identity) is None and await store.find_clear(tx, identity) is None:
                return
        clear = await store.find_clear(tx, identity)
        if clear is not None and clear.submission.service == service:
            store.forget_clear(tx, identity)
        else:
            await steps.delete_by_user(tx, await steps.of_service(tx, identity, service))

    await node_of(request).run(platform(request), act)
    return Response(status_code=204)


@door.route("PUT", "/v1/content/{content}/bytes", needs=Scope.CONTENT, uploads=True, status_code=204, tags=["content"])
async def put_bytes(request: Request, content: str) -> Response:
    """Send the bytes of a content when they were asked for; they must be the ones shown before.

    They are checked like an upload: what was found by a smaller look at them, or long ago, is found again or not.
    """
    node, identity, service = node_of(request), ContentId.parse(content), key_of(request).service
    body = await read_upload(
        request,
        most_kept=lambda _metadata: max(node.settings.largest_decoded_bytes, node.settings.largest_video_bytes),
        most_read=node.settings.largest_body_bytes,
    )

    async def known(tx: Transaction) -> tuple[Content, Submission | None]:
        loaded = await steps.of_service(tx, identity, service)
        if loaded.fingerprints is None or loaded.fingerprints.sha256 != body.sha256:
            raise Conflict(
                "These are other bytes than were shown before: submit them as a new revision.",
                reference="file",
            )
        return loaded, await steps.submission_of(tx, loaded)

    loaded, submission = await node.run(platform(request), known)
    if loaded.bytes_kept or submission is None:
        return Response(status_code=204)
    if loaded.kind is ContentKind.VIDEO:
        await node.run(platform(request), lambda tx: videos.take_bytes(tx, node.settings, loaded, submission, body))
        return Response(status_code=204)
    data = body.data if body.length <= node.settings.largest_decoded_bytes else None
    checked = await node.check(loaded.kind, body.sha256, data, full_size=True, submission=submission)
    upload = upload_of(submission, checked, data, looking_back=True)

    async def act(tx: Transaction) -> None:
        now, _ = await known(tx)
        if data is None:
            await steps.do_without_bytes(tx, identity, now.revision, NoBytes.TOO_LARGE)
        elif not now.bytes_kept:
            await verdicts.keep_bytes(tx, identity, now.revision, data)
            # What cannot be checked now stays as it was judged, and so does what people decided.
            if checked.unchecked is None and await decision_store.in_force(tx, identity) is None:
                await verdicts.judge_again(tx, identity, upload, node.settings.hold_policy)

    await node.run(platform(request), act)
    return Response(status_code=204)


@door.route("GET", "/v1/bytes-wanted", needs=Scope.CONTENT, tags=["content"])
async def read_bytes_wanted(request: Request, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> dict[str, Any]:
    """Read which bytes the node asked your service for and does not have yet, what was asked first first."""
    service = key_of(request).service

    async def act(tx: Transaction) -> dict[str, Any]:
        return {"wanted": [await wanted_payload(tx, wanted) for wanted in await store.wanted_of(tx, service, limit)]}

    return await node_of(request).run(platform(request), act)
