"""Marking texts for translation where they are written. May decide: nothing."""


def N_(text: str) -> str:  # noqa: N802 - the name gettext tools look for
    """Mark a text for translation; it is translated when a page is rendered."""
    return text
