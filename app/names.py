"""Names of people: the form that they are sorted and searched by."""

import unicodedata


def sorting_form(name: str) -> str:
    """A name in lower case, without marks and doubled spaces: what is sorted and searched by."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())
