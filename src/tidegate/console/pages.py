"""Rendering pages: Jinja2 with everything escaped, nothing undefined, every word through gettext.

May decide: nothing about what a page says. What users wrote is only ever escaped text in an element of its own
direction.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from importlib.resources import files
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_compact_decimal, format_decimal, format_percent
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from tidegate.console import chart
from tidegate.console.language import COOKIE, LANGUAGES, chosen_language, language_of, translations
from tidegate.console.words import N_, WORDS
from tidegate.kernel.errors import TidegateError
from tidegate.people.model import Permission, Session

_YEAR_SECONDS = 365 * 24 * 3600

#: htmx does here what a link or a form does, in a part of a page: no eval, no inline style, no copy of a page kept.
_HTMX_SETTINGS = json.dumps(
    {
        "allowEval": False,
        "allowScriptTags": False,
        "includeIndicatorStyles": False,
        "selfRequestsOnly": True,
        "historyEnabled": False,
        "historyCacheSize": 0,
        "refreshOnHistoryMiss": True,
    }
)


@dataclass(frozen=True, slots=True)
class Place:
    """A page that the navigation leads to."""

    path: str
    name: str
    what: str
    needs: Permission


PLACES: Sequence[Place] = (
    Place("/queue", N_("Queue"), N_("What people must look at, the most urgent first."), Permission.SEE_CASE),
    Place("/appeals", N_("Appeals"), N_("Complaints that other people decide."), Permission.SEE_APPEAL),
    Place("/signals", N_("Signals"), N_("What is known, and how well."), Permission.SEE_SIGNALS),
    Place("/instructions", N_("Instructions"), N_("What platforms were asked to do."), Permission.SEE_INSTRUCTIONS),
    Place("/alarms", N_("Alarms"), N_("What waits too long or stands still."), Permission.SEE_ALARMS),
    Place(
        "/policy",
        N_("Policy"),
        N_("The numbers this node has chosen, and the floor below them."),
        Permission.SEE_POLICY,
    ),
    Place("/people", N_("People"), N_("Staff, their roles, and what needs a second person."), Permission.MANAGE_PEOPLE),
    Place("/keys", N_("Keys"), N_("Services and their API keys."), Permission.MANAGE_KEYS),
    Place("/record", N_("Record"), N_("Everything that happened, and who saw what."), Permission.READ_RECORD),
    Place("/account", N_("My account"), N_("Your sessions and passkeys."), Permission.SEE_OWN_ACCOUNT),
)


def render(request: Request, template: str, **values: Any) -> HTMLResponse:  # noqa: ANN401 - what the template names
    """Answer with a page in the reader's language."""
    language = language_of(request)
    session: Session | None = getattr(request.state, "session", None)
    shown = environment(language).get_template(template)
    page = shown.render(
        language=language,
        direction=Locale.parse(language).text_direction,
        htmx_settings=_HTMX_SETTINGS,
        languages=[
            (code, name, "?" + request.url.include_query_params(lang=code).query) for code, name in LANGUAGES.items()
        ],
        session=session,
        alarms=getattr(request.state, "alarms", None),
        places=[place for place in PLACES if session is not None and place.needs in session.permissions],
        path=request.url.path,
        **values,
    )
    response = HTMLResponse(page)
    if chosen := chosen_language(request):
        response.set_cookie(COOKIE, chosen, max_age=_YEAR_SECONDS, httponly=True, samesite="lax")
    return response


def translated(request: Request, text: str) -> str:
    """Say something in the reader's language."""
    return str(translations(language_of(request)).gettext(text)) if text else text


def explained(request: Request, error: TidegateError) -> str:
    """Say what went wrong in the reader's language."""
    words = translated(request, error.template)
    return words % error.values if error.values else words


@cache
def environment(language: str) -> Environment:
    """Give the templates in a language."""
    made = Environment(
        loader=PackageLoader("tidegate.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    known = translations(language)
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_translations(known, newstyle=True)  # type: ignore[attr-defined]  # the extension adds it

    def say(kind: str, word: str | None) -> str:
        return known.gettext(WORDS[kind][str(word)]) if word else "\N{EN DASH}"

    made.globals |= {"say": say, "asset": asset, "key": key, "chart": chart, "WORDS": WORDS}
    made.filters |= _ways_to_write(language)
    return made


def key(name: str) -> Markup:
    """Show a key on the control it presses."""
    return Markup("<kbd>{}</kbd>").format(name)


def locale_of(language: str) -> Locale:
    """Give the way a language writes dates and numbers; English here is that of Britain."""
    return Locale.parse({"en": "en_GB"}.get(language, language))


def _ways_to_write(language: str) -> dict[str, Callable[..., str]]:
    """Give the filters that write times and numbers as a language does."""
    locale = locale_of(language)

    def written(when: datetime, clock_form: str) -> str:
        at = when.astimezone(UTC)
        # Which of the two comes first, and what stands between them, is the language's own.
        order = str(locale.datetime_formats["long"])
        return order.format(format_datetime(at, clock_form, locale=locale), format_date(at, "long", locale=locale))

    def moment(at: datetime | str) -> Markup:
        when = _time(at)
        return Markup('<time datetime="{}">{} UTC</time>').format(when.isoformat(), written(when, "HH:mm"))

    def away(at: datetime | str, now: datetime) -> Markup:
        when = _time(at)
        text = format_timedelta(when - now, add_direction=True, threshold=1.2, locale=locale)
        exact = written(when, "HH:mm:ss")
        return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(when.isoformat(), exact, text)

    def clock(at: datetime | str) -> Markup:
        when = _time(at)
        text = format_datetime(when.astimezone(UTC), "HH:mm", locale=locale)
        return Markup('<time datetime="{}">{} UTC</time>').format(when.isoformat(), text)

    def duration(length: timedelta | float) -> str:
        whole = length if isinstance(length, timedelta) else timedelta(seconds=length)
        return format_timedelta(whole, threshold=1.2, locale=locale)

    def day(at: date | str) -> Markup:
        when = date.fromisoformat(at) if isinstance(at, str) else at
        return Markup('<time datetime="{}">{}</time>').format(
            when.isoformat(), format_date(when, "long", locale=locale)
        )

    def number(count: float) -> str:
        return format_decimal(count, locale=locale)

    def compact(count: int) -> str:
        return format_compact_decimal(count, locale=locale, fraction_digits=1)

    def percent(share: float, digits: int = 0) -> str:
        return format_percent(share, f"#,##0.{'0' * digits}%" if digits else "#,##0%", locale=locale)

    return {
        "playing_time": _playing_time,
        "moment": moment,
        "away": away,
        "clock": clock,
        "duration": duration,
        "day": day,
        "number": number,
        "compact": compact,
        "percent": percent,
        "language_name": partial(_language_name, language=language),
    }


def _playing_time(milliseconds: int) -> str:
    """Write a place in a video as players do."""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _language_name(code: str, language: str) -> str:
    """Name a language in a language; its code where that has no word for it."""
    return str(Locale.parse(language).languages.get(str(code), code))


def _time(at: datetime | str) -> datetime:
    return datetime.fromisoformat(at) if isinstance(at, str) else at


@cache
def static_files() -> dict[str, bytes]:
    """Give the files pages load, by name."""
    folder = files("tidegate.console").joinpath("static")
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


@cache
def asset(name: str) -> str:
    """Give the address of a file; it changes with what is in it, so that browsers may keep it."""
    return f"/static/{name}?v={hashlib.sha256(static_files()[name]).hexdigest()[:12]}"
