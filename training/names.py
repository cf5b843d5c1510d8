"""Names as people see them: what looks the same is the same."""

import unicodedata

from django.utils.translation import gettext as _

from training.exceptions import Refused

LONGEST_NAME = 100
"""Characters of what projects and iterations are called, and of what an iteration answers under."""
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that make the text around them run the other way."""
_UNSEEN = {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"}


def clean_name(text: str) -> str:
    """Return the name composed (NFC), with single spaces; raise Refused for one that cannot be seen as it is."""
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if any(unicodedata.category(each) == "Cc" or each in _TURNING for each in name):
        raise Refused(_("The name has control characters, which cannot be seen."))
    if name and all(unicodedata.category(each) in _UNSEEN for each in name):
        raise Refused(_("The name has nothing that can be seen."))
    return name


def same_name(text: str) -> str:
    """Return what two names share when they are one to people, whatever their case."""
    return unicodedata.normalize("NFC", " ".join(text.split())).lower()
