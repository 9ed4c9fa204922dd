"""The language of the course: every text that code shows goes through `t`.

The English text is the key and the fallback; the Hindi texts lie in `common/strings/*.hi.json`,
one flat object a file: {"English text": "हिंदी पाठ"}.
"""

import json
import re
import string
from functools import cache
from pathlib import Path

LANGUAGES = ("hi", "en")
_language = "en"
_english: dict[str, str] = {}  # the English of each Hindi text given so far


def use_language(code: str) -> None:
    """Choose the language of every later `t`: "hi" or "en"; anything else is a ValueError."""
    global _language
    if code not in LANGUAGES:
        raise ValueError(
            f"भाषा {code!r} नहीं मिली: 'hi' या 'en' लिखिए। · "
            f"There is no language {code!r}: write 'hi' or 'en'."
        )
    _language = code


def language() -> str:
    """The language in use: "hi" or "en"."""
    return _language


def t(text: str, **values: object) -> str:
    """`text`, which is English, in the language in use, with its {placeholders} filled in.

    `t("loss after {n} steps", n=3)` → "3 कदमों के बाद लॉस". A text without a Hindi form stays
    English. ValueError if the values are not exactly the placeholders.
    """
    english = _fill(text, values)
    if _language == "en" or text not in _hindi():
        return english
    return remember(_fill(_hindi()[text], values), english)


def remember(hindi: str, english: str) -> str:
    """Keep the `english` of a `hindi` text that was not made by `t`; return `hindi`.

    Captions of pictures need it, so that `english` below can stand in for them too.
    """
    _english[hindi] = english
    return hindi


def english(text: str) -> str:
    """`text` with every Hindi piece that `t` gave or `remember` kept put back into English.

    For a place that cannot write Devanagari: a figure in a matplotlib older than 3.11.
    """
    if text in _english:
        return _english[text]
    pieces = sorted((piece for piece in _english if piece in text), key=len, reverse=True)
    if not pieces:
        return text
    whole_words = f"(?<![ऀ-ॿ])(?:{'|'.join(map(re.escape, pieces))})(?![ऀ-ॿ])"
    return re.sub(whole_words, lambda match: _english[match[0]], text)


@cache
def _hindi() -> dict[str, str]:
    """All Hindi texts by their English text, read once."""
    texts: dict[str, str] = {}
    for path in sorted((Path(__file__).parent / "strings").glob("*.hi.json")):
        texts |= json.loads(path.read_text(encoding="utf-8"))
    return texts


def _fill(text: str, values: dict[str, object]) -> str:
    """`text` with `values` in its placeholders; ValueError if the names differ."""
    wanted = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    if wanted != values.keys():
        raise ValueError(
            f"t({text!r}) has the placeholders {sorted(wanted)}, given {sorted(values)}"
        )
    return text.format(**values)
