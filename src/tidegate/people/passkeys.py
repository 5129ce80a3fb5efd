"""Passkeys: registering them and signing in with them (W3C Web Authentication Level 3, sections 7.1 and 7.2).

May decide: which answers of an authenticator are believed. User verification is always required. A challenge
is good for one use, one purpose and five minutes, and only its hash is kept. A counter that does not move on
is refused as a copy. The checks of signatures and structure are those of the ``webauthn`` package.

A refused answer undoes its transaction, the use of its challenge included: only accepted answers use one up.
"""

from dataclasses import dataclass
from typing import Any

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    options_to_json_dict,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from tidegate.db.sealing import erase_part, read_detail, write_detail
from tidegate.db.transaction import Transaction
from tidegate.kernel.errors import Malformed, NotFound, Unauthenticated, WrongState
from tidegate.kernel.ids import StaffId
from tidegate.kernel.keys import token_hash
from tidegate.people import rules, sign_in_store
from tidegate.people.model import (
    CHALLENGE_LIFE,
    Passkey,
    PasskeyId,
    PasskeyRegistered,
    PasskeyRemoved,
    SessionStart,
    SignInMethod,
)
from tidegate.people.sign_in import lock_active, start_session
from tidegate.people.steps import acting
from tidegate.people.store import name_of

PASSKEYS_MOST = 10

_NOT_BELIEVED = "The passkey was not accepted: try again, or use another way to sign in."
_NOT_REGISTERED = "The passkey could not be registered: begin again, and let the device check that it is you."


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """Whom a passkey is for: the console's domain, the name shown, and where its pages come from."""

    id: str
    name: str
    origin: str


# --- registering ---


async def registration_options(tx: Transaction, party: RelyingParty) -> dict[str, Any]:
    """Give what ``navigator.credentials.create`` needs, for whoever is signed in.

    Raises:
        Forbidden: nobody on the staff asks.
        WrongState: they hold ten passkeys already.
    """
    staff = (await acting(tx)).id
    held = await sign_in_store.passkeys_of(tx, staff)
    if len(held) >= PASSKEYS_MOST:
        raise WrongState("You hold %(most)s passkeys: remove one first.", values={"most": PASSKEYS_MOST})
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=staff.value.bytes,
        user_name=await name_of(tx, staff) or str(staff),
        challenge=await _new_challenge(tx, staff),
        timeout=int(CHALLENGE_LIFE.total_seconds() * 1000),
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=passkey.credential_id) for passkey in held],
    )
    return options_to_json_dict(options)


async def register_passkey(tx: Transaction, party: RelyingParty, answer: dict[str, Any], *, label: str) -> PasskeyId:
    """Keep the passkey an authenticator made for whoever is signed in.

    Raises:
        Forbidden: nobody on the staff asks.
        Malformed: the answer is not believed, or the passkey is registered already.
    """
    staff = (await acting(tx)).id
    await lock_active(tx, staff)
    credential = _parsed_registration(answer)
    challenge = _challenge_in(credential)
    if challenge is None or not await sign_in_store.use_challenge(tx, token_hash(challenge), staff):
        raise Malformed(_NOT_REGISTERED, reference="challenge")
    try:
        made = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except Exception as error:  # whatever a stranger's bytes make the library say, the answer is no
        raise Malformed(_NOT_REGISTERED) from error
    passkey = Passkey(
        id=tx.new(PasskeyId),
        staff=staff,
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        last_used=None,
    )
    if not await sign_in_store.add_passkey(tx, passkey):
        raise Malformed("This passkey is registered already.")
    # From now on nobody else lets them in alone, so links made before must not either.
    await sign_in_store.void_links(tx, staff)
    await write_detail(tx, staff, _label_part(passkey.id), {"label": rules.clean_name(label)})
    await tx.append(PasskeyRegistered(passkey=passkey.id, staff=staff))
    return passkey.id


def _parsed_registration(answer: dict[str, Any]) -> RegistrationCredential:
    try:
        return parse_registration_credential_json(answer)
    except Exception as error:
        raise Malformed(_NOT_REGISTERED) from error


# --- signing in ---


async def authentication_options(tx: Transaction, party: RelyingParty) -> dict[str, Any]:
    """Give what ``navigator.credentials.get`` needs. It names nobody: the passkey says whose it is."""
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=await _new_challenge(tx, None),
        timeout=int(CHALLENGE_LIFE.total_seconds() * 1000),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


async def sign_in_with_passkey(tx: Transaction, party: RelyingParty, answer: dict[str, Any]) -> SessionStart:
    """Open a session for the owner of the passkey that signed our challenge.

    Raises:
        Unauthenticated: the answer is not believed, or its owner is suspended.
    """
    try:
        credential = parse_authentication_credential_json(answer)
    except Exception as error:
        raise Unauthenticated(_NOT_BELIEVED) from error
    challenge = _challenge_in(credential)
    owner = await sign_in_store.owner_of_credential(tx, credential.raw_id)
    if challenge is None or owner is None:
        raise Unauthenticated(_NOT_BELIEVED)
    await lock_active(tx, owner)
    passkey = await sign_in_store.lock_passkey(tx, credential.raw_id)
    if passkey is None or not await sign_in_store.use_challenge(tx, token_hash(challenge), None):
        raise Unauthenticated(_NOT_BELIEVED)
    count = _verified(credential, passkey, challenge, party)
    await sign_in_store.note_passkey_use(tx, passkey.id, count)
    return await start_session(tx, owner, SignInMethod.PASSKEY)


def _verified(credential: AuthenticationCredential, passkey: Passkey, challenge: bytes, party: RelyingParty) -> int:
    """Check a signature over our challenge; give the passkey's new counter."""
    handle = credential.response.user_handle
    if handle is not None and handle != passkey.staff.value.bytes:
        raise Unauthenticated(_NOT_BELIEVED)
    try:
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except Exception as error:
        raise Unauthenticated(_NOT_BELIEVED) from error
    return verified.new_sign_count


# --- one's own passkeys ---


async def passkeys_of(tx: Transaction, staff: StaffId) -> list[tuple[Passkey, str | None]]:
    """List someone's passkeys with their labels, oldest first."""
    listed = []
    for passkey in await sign_in_store.passkeys_of(tx, staff):
        detail: dict[str, Any] | None = await read_detail(tx, staff, _label_part(passkey.id))
        listed.append((passkey, None if detail is None else str(detail["label"])))
    return listed


async def remove_passkey(tx: Transaction, passkey: PasskeyId) -> None:
    """Remove one of one's own passkeys.

    Raises:
        Forbidden: nobody on the staff asks.
        NotFound: it is not theirs.
    """
    staff = (await acting(tx)).id
    if not await sign_in_store.remove_passkey(tx, staff, passkey):
        raise NotFound("You have no such passkey.")
    await erase_part(tx, staff, _label_part(passkey))
    await tx.append(PasskeyRemoved(passkey=passkey, staff=staff, by=staff))


def _label_part(passkey: PasskeyId) -> str:
    return f"passkey/{passkey}"


# --- challenges ---


async def _new_challenge(tx: Transaction, staff: StaffId | None) -> bytes:
    challenge = tx.randomness(32)
    await sign_in_store.add_challenge(tx, token_hash(challenge), staff, tx.now + CHALLENGE_LIFE)
    return challenge


def _challenge_in(credential: RegistrationCredential | AuthenticationCredential) -> bytes | None:
    """Read which challenge was answered; None when it cannot be read, or the page was framed in another's."""
    try:
        data = parse_client_data_json(credential.response.client_data_json)
    except Exception:  # noqa: BLE001 -- a stranger's bytes: whatever is wrong with them, there is no challenge
        return None
    return None if data.cross_origin else data.challenge
