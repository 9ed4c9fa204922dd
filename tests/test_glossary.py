"""The glossary is well formed, agrees with itself, and its banned forms find what they should."""

import re
import unicodedata
from pathlib import Path

import pytest
import yaml

TEXT = (Path(__file__).parents[1] / "common" / "glossary.yml").read_text(encoding="utf-8")
GLOSSARY = yaml.safe_load(TEXT)
TERMS, BANNED = GLOSSARY["terms"], GLOSSARY["banned"]
DEVANAGARI = re.compile("[\u0900-\u097f]")


def find(form: str, text: str) -> re.Match[str] | None:
    """A banned form as the check finds it: whole words."""
    return re.search(f"(?<![\u0900-\u0963])(?:{form})(?![\u0900-\u0963])", text)


def test_is_nfc():
    assert unicodedata.is_normalized("NFC", TEXT)


def test_every_term_has_a_form_and_a_meaning_in_both_languages():
    for term in TERMS:
        assert term.keys() == {"en", "hi", "meaning"}, term
        assert term["meaning"].keys() == {"en", "hi"}, term
        assert DEVANAGARI.search(term["hi"]) and term["meaning"]["hi"].endswith(("।", "?")), term
        for text in (term["en"], term["meaning"]["en"]):
            assert not DEVANAGARI.search(text), term
        assert term["meaning"]["en"].endswith((".", "?")), term
        assert "\n" not in term["meaning"]["en"] + term["meaning"]["hi"], term


def test_one_form_for_one_term():
    for language in ("en", "hi"):
        names = [term[language] for term in TERMS]
        assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)


@pytest.mark.parametrize("entry", BANNED, ids=lambda entry: entry["example"])
def test_banned_form_finds_its_example_and_never_its_cure(entry):
    assert entry.keys() == {"form", "write", "why", "example"}
    assert find(entry["form"], entry["example"])
    assert not find(entry["form"], entry["write"])
    assert not re.search(entry["form"], ""), "it would find everything"


def test_no_term_uses_a_banned_form():
    for term in TERMS:
        for entry in BANNED:
            for text in (term["hi"], term["meaning"]["hi"]):
                assert not find(entry["form"], text), (entry["form"], text)


@pytest.mark.parametrize(
    "text",
    [
        "वारली कलाकृतियाँ सुंदर होती हैं।",  # works of art are not artifacts
        "गोपनीयता की संकल्पना",  # a concept
        "रंग की एक परत पर दूसरी परत",  # a layer of paint
        "ढाल शून्य है, क्योंकि लॉस नहीं बदलता।",
        "फ़र्क़ साफ़ है: 0.5 और 1. बाक़ी सब वही।",
        "साफल्य, तुमुल, कार्यफलन",  # banned forms inside other words
        "चित्र में सूरज है। दीया 2.5 गुना बड़ा है।",
        "जनरेटर को असली वितरण से मेल खाना है।",  # to match, no food
    ],
)
def test_good_hindi_is_left_alone(text):
    assert [entry["form"] for entry in BANNED if find(entry["form"], text)] == []
