"""One error type for the whole system.

May decide: nothing. Says what went wrong, in a closed set of kinds, with a message that tells the reader what
to do. One table (``web/problems.py``) maps each kind to a problem document (RFC 9457), another (``cli.py``) to an
exit code; an error that is not one of these shows a reference and no text.

After letsencrypt/boulder ``docs/error-handling.md``: one typed error is the only one that crosses a boundary
with its meaning.
"""

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    """Why something was refused or failed. Closed: a new kind needs its row in both tables."""

    MALFORMED = "malformed"
    NOT_FOUND = "not_found"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    RULE = "rule"
    STATE = "state"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    REST = "rest"
    UNAVAILABLE = "unavailable"
    CONFIGURATION = "configuration"
    INTEGRITY = "integrity"


class TidegateError(Exception):
    """Something went wrong. The class docstring is the message where none is given."""

    kind: Kind = Kind.UNAVAILABLE

    def __init__(
        self,
        message: str | None = None,
        *,
        values: Mapping[str, object] | None = None,
        reference: str | None = None,
    ) -> None:
        #: The message before its values are put in (``%(name)s``), by which a page finds it in another language.
        self.template = message or (type(self).__doc__ or "").strip()
        self.values = values or {}
        self.message = self.template % self.values if self.values else self.template
        #: What a reader can quote: a rule of the floor ("rule 4"), a field name, a file name. Never a secret.
        self.reference = reference
        super().__init__(self.message)


class Malformed(TidegateError):
    """The request is not well formed: mend the named field and send it again."""

    kind = Kind.MALFORMED


class NotFound(TidegateError):
    """There is nothing under this id, or it is not yours to see."""

    kind = Kind.NOT_FOUND


class Unauthenticated(TidegateError):
    """Sign in, or send a valid API key as "Authorization: Bearer ..."."""

    kind = Kind.UNAUTHENTICATED


class Forbidden(TidegateError):
    """Your role or key does not allow this: ask an administrator who may grant it."""

    kind = Kind.FORBIDDEN


class RuleBroken(TidegateError):
    """A rule of the safeguard floor forbids this, and no setting can change that."""

    kind = Kind.RULE


class WrongState(TidegateError):
    """This is no longer possible in its present state: look at it again."""

    kind = Kind.STATE


class Conflict(TidegateError):
    """Someone else changed this, or the same key was used for something else: read it again and retry."""

    kind = Kind.CONFLICT


class TooLarge(TidegateError):
    """This is larger than the node accepts."""

    kind = Kind.TOO_LARGE


class RateLimited(TidegateError):
    """Too many requests: wait as long as the answer says, then try again."""

    kind = Kind.RATE_LIMITED

    def __init__(
        self,
        message: str | None = None,
        *,
        retry_after: int = 1,
        values: Mapping[str, object] | None = None,
        reference: str | None = None,
    ) -> None:
        super().__init__(message, values=values, reference=reference)
        self.retry_after = retry_after


class Unavailable(TidegateError):
    """The node cannot answer just now. Nothing that was acknowledged is lost: try again shortly."""

    kind = Kind.UNAVAILABLE


class Busy(Unavailable):
    """More uploads arrive than this node checks: send this one again after as long as Retry-After says."""

    retry_after = 1


class ConfigurationError(TidegateError):
    """A setting is wrong: run "tidegate config check"."""

    kind = Kind.CONFIGURATION


class IntegrityError(TidegateError):
    """What was read is not what was written: stop, and compare with a backup or another copy."""

    kind = Kind.INTEGRITY
