"""The instructor's side: handing out, collecting, grading, reporting.

An instructor's folder holds one lesson's exercises. It has nbgrader's own layout, and some more:

    course.json          lesson, language, seed of the hidden tests, points, students' numbers
    source/, release/    the notebook with solutions, and as it is handed out
    variants/            STUDENT/exercises.ipynb: the release with the student's own numbers
    received/            every file as it came; nothing in it is ever changed
    collected.json       what was done with each of them (collected.csv: the same for a person)
    submitted/           STUDENT/LESSON/exercises.ipynb: the answers, on the pristine release
    marks/               STUDENT.json, one for each graded submission
    report/              marks and feedback
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

NOTEBOOK = "exercises.ipynb"


class GradingError(Exception):
    """What keeps the instructor's command from going on, in both languages."""

    def __init__(self, hindi: str, english: str) -> None:
        super().__init__(f"{hindi}\n{english}")


def say(hindi: str, english: str) -> None:
    print(f"{hindi}\n{english}", flush=True)


def both(hindi: str, english: str) -> dict[str, str]:
    """A text in both languages, as collected.json keeps it."""
    return {"hi": hindi, "en": english}


def variant_path(folder: Path, student: str) -> Path:
    return folder / "variants" / student / NOTEBOOK


def load_course(folder: Path) -> dict[str, Any]:
    """What course.json says. Raises GradingError where `folder` is not an instructor's."""
    try:
        return json.loads((folder / "course.json").read_text("utf-8"))
    except (OSError, ValueError):
        raise GradingError(
            f"{folder} में course.json नहीं है: पहले `course.py assign` से फ़ोल्डर बनाइए।",
            f"{folder} has no course.json: make the folder with `course.py assign` first.",
        ) from None


def utf8_output() -> None:
    """A Windows pipe would not take Hindi."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
