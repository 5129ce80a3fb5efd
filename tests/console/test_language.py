"""The Chinese catalogue says everything the pages say."""

import io
import re
from importlib.resources import files

from babel.messages.pofile import read_po

from console.catalogue import HIDDEN, marked, marked_with_form
from tidegate.console.language import translations
from tidegate.ledger.counts import NOT_PROVEN
from tidegate.web.problems import TABLE


def test_every_text_is_translated() -> None:
    texts = dict(marked())
    assert len(texts) > 400
    chinese = translations("zh")
    untranslated = [text for text in texts if chinese.gettext(text) == text and chinese.ngettext(text, text, 2) == text]
    # A text with two forms is found by its singular.
    assert untranslated == []


def test_what_others_say_is_translated() -> None:
    chinese = translations("zh")
    for line in NOT_PROVEN:
        assert chinese.gettext(line) != line
    for kind, (_, title) in TABLE.items():
        if kind not in HIDDEN:
            assert chinese.gettext(title) != title


def test_catalogue_is_clean() -> None:
    """Nothing left over from texts that are gone, no marked guesses, and the same values in both languages."""
    source = files("tidegate.console").joinpath("locale/zh/LC_MESSAGES/tidegate.po").read_bytes()
    catalogue = read_po(io.BytesIO(source), locale="zh")
    texts = dict(marked())
    for message in catalogue:
        if not message.id:
            continue
        assert not message.fuzzy
        first = message.id if isinstance(message.id, str) else message.id[0]
        assert first in texts or message.auto_comments, first
        said = message.string if isinstance(message.string, str) else (message.string or [""])[0]
        named = message.id if isinstance(message.id, str) else (message.id or [""])[-1]
        assert set(re.findall(r"%\(\w+\)s", said)) == set(re.findall(r"%\(\w+\)s", named)), first


def test_no_text_is_one_of_two_forms_here_and_a_whole_elsewhere() -> None:
    """A catalogue holds one entry for both: its words for many would ask a whole text for a number it has not."""
    forms, wholes = set[str](), set[str]()
    for text, of_two in marked_with_form():
        (forms if of_two else wholes).add(text)
    assert forms
    assert not forms & wholes
