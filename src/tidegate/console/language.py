"""Languages of the pages. May decide: which language a reader gets; their own choice first, then their browser's.

Catalogues are gettext PO files, compiled in memory when first used: there is no build step and no file to forget.
"""

import io
from functools import cache
from importlib.resources import files

from babel import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from starlette.requests import Request

LANGUAGES = {"en": "English", "zh": "中文"}
COOKIE = "lang"


@cache
def translations(language: str) -> NullTranslations:
    """Give the translations into a language; English needs none."""
    if language == "en":
        return NullTranslations()
    source = files("tidegate.console").joinpath(f"locale/{language}/LC_MESSAGES/tidegate.po").read_bytes()
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(source), locale=language))
    compiled.seek(0)
    return Translations(compiled)


def chosen_language(request: Request) -> str | None:
    """Give the language someone chose on this page, to be remembered."""
    language = request.query_params.get("lang", "")
    return language if language in LANGUAGES else None


def language_of(request: Request) -> str:
    """Give the language to answer in."""
    if chosen := chosen_language(request) or _known(request.cookies.get(COOKIE, "")):
        return chosen
    wanted: list[tuple[float, str]] = []
    for part in request.headers.get("accept-language", "")[:200].split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            wanted.append((-float(quality or 1), tag.replace("-", "_")))
        except ValueError:
            continue
    return negotiate_locale([tag for _, tag in sorted(wanted)], LANGUAGES) or "en"


def _known(language: str) -> str | None:
    return language if language in LANGUAGES else None
