"""Every text of the course in the language in use, and the files that hold the Hindi."""

import json
import unicodedata
from pathlib import Path

import pytest

from common import lang
from common.lang import english, language, remember, t, use_language

STRINGS = sorted((Path(lang.__file__).parent / "strings").glob("*.hi.json"))


@pytest.fixture(autouse=True)
def three_texts(monkeypatch):
    """A table of three texts, and English again afterwards."""
    texts = {
        "loss": "लॉस",
        "loss after {n} steps": "{n} चरणों के बाद लॉस",
        "{x:.1f} of {y}": "{y} में से {x:.1f}",
    }
    monkeypatch.setattr(lang, "_hindi", lambda: texts)
    monkeypatch.setattr(lang, "_english", {})
    yield
    use_language("en")


def test_english_is_key_and_default():
    assert language() == "en"
    assert t("loss after {n} steps", n=3) == "loss after 3 steps"


def test_hindi_with_values_in_its_own_order():
    use_language("hi")
    assert t("loss after {n} steps", n=3) == "3 चरणों के बाद लॉस"
    assert t("{x:.1f} of {y}", x=0.25, y=4) == "4 में से 0.2"


def test_a_text_without_hindi_stays_english():
    use_language("hi")
    assert t("not yet {n}", n=1) == "not yet 1"


@pytest.mark.parametrize("code", ["en", "hi"])
@pytest.mark.parametrize("values", [{}, {"m": 3}, {"n": 3, "m": 4}])
def test_wrong_placeholders_are_named(code, values):
    use_language(code)
    with pytest.raises(ValueError, match=r"loss after.*\['n'\].*given"):
        t("loss after {n} steps", **values)


@pytest.mark.parametrize("code", ["", "HI", "hindi", None])
def test_an_unknown_language_is_refused_in_both_languages(code):
    with pytest.raises(ValueError, match=r"(?s)नहीं मिली.*There is no language"):
        use_language(code)
    assert language() == "en"


def test_english_finds_the_pieces_that_t_gave():
    use_language("hi")
    long, short = t("loss after {n} steps", n=3), t("loss")
    assert english(long) == "loss after 3 steps"
    assert english(f"{short}: {long} → {short}") == "loss: loss after 3 steps → loss"
    assert english("लॉस्य") == "लॉस्य", "a piece inside another word is not that piece"
    assert english("never seen: कमल") == "never seen: कमल"


def test_a_remembered_caption_has_its_english():
    assert remember("लाल कमल", "a red lotus") == "लाल कमल"
    assert english("लाल कमल") == "a red lotus"


def test_the_real_files_are_read(monkeypatch):
    monkeypatch.undo()
    use_language("hi")
    assert t("row {row}, column {column}", row=1, column=2) == "पंक्ति 1, कॉलम 2"


@pytest.mark.parametrize("path", STRINGS, ids=lambda path: path.name)
def test_a_file_of_strings_is_flat_sorted_and_nfc(path):
    text = path.read_text(encoding="utf-8")
    strings = json.loads(text)
    assert all(isinstance(value, str) and value.strip() for value in strings.values())
    assert list(strings) == sorted(strings)
    assert unicodedata.is_normalized("NFC", text)


def test_no_text_has_two_translations():
    seen: dict[str, str] = {}
    for path in STRINGS:
        for key, value in json.loads(path.read_text(encoding="utf-8")).items():
            assert seen.setdefault(key, value) == value, f"{path.name}: {key!r}"
