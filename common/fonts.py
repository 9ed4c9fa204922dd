"""Devanagari in figures: a matplotlib that shapes it (3.11 or newer) and a font that has it.

An older matplotlib (Colab has 3.10) draws Hindi letters one after another and in the wrong order.
Then the newer one is put beside it, in a folder of this course, and nothing else is touched. If
that cannot be had, the labels of figures are English.
"""

import importlib
import importlib.util
import re
import subprocess
import sys
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

from common.lang import english, t

SHAPING = (3, 11)  # the first matplotlib that shapes Devanagari
FONT_PACKAGE = "fontpkg-noto-sans-devanagari"
FAMILIES = ["DejaVu Sans", "Noto Sans Devanagari"]
FETCH_SECONDS = 60  # for each package; on a slower network the labels stay English


def prepare(language: str) -> str | None:
    """Make figures able to show `language`; return a line to print if their labels stay English."""
    if language != "hi" or not _missing():
        return None
    for package in _missing():
        if folder := _fetch(package):
            _import_from(folder)
    if not _missing():
        return None
    _label_in_english()
    return t("Labels in figures are in English: what draws Hindi letters could not be fetched.")


def register() -> list[str]:
    """Tell matplotlib of the Devanagari font if it is installed; return the font families."""
    from matplotlib.font_manager import fontManager

    path = _font()
    if path is None:
        return FAMILIES[:1]
    if str(path) not in {entry.fname for entry in fontManager.ttflist}:
        fontManager.addfont(path)
    return FAMILIES


def _font() -> Path | None:
    """The font's file, or None where its package is not installed."""
    spec = importlib.util.find_spec(FONT_PACKAGE.replace("-", "_"))
    folder = Path(spec.origin).parent if spec and spec.origin else None
    return next(folder.rglob("NotoSansDevanagari*.ttf"), None) if folder else None


def _missing() -> list[str]:
    """What pip would have to fetch before a figure can show Hindi."""
    shapes = tuple(int(part) for part in version("matplotlib").split(".")[:2]) >= SHAPING
    return [
        package
        for package, is_there in {"matplotlib>=3.11,<4": shapes, FONT_PACKAGE: _font()}.items()
        if not is_there
    ]


def _fetch(package: str) -> Path | None:
    """A folder with `package` and nothing that it needs besides, or None if pip cannot have it.

    The folder gets its name when it is full, so that one which was interrupted is never used.
    """
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    folder = Path(__file__).parents[1] / "build" / python / re.sub("[^a-z].*", "", package)
    if folder.exists():
        return folder
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--no-deps", "--only-binary=:all:", "--timeout=10", "--retries=0"]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            full = Path(scratch) / "full"
            subprocess.run(
                [*pip, "--target", str(full), package],
                check=True,
                capture_output=True,
                timeout=FETCH_SECONDS,
            )
            return full.rename(folder)
    except (OSError, subprocess.SubprocessError):
        return None


def _import_from(folder: Path) -> None:
    """Import from `folder` first, and forget the older matplotlib and what holds on to it."""
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    for name in list(sys.modules):
        if name.split(".")[0] in ("matplotlib", "mpl_toolkits", "pylab", "matplotlib_inline"):
            del sys.modules[name]


def _label_in_english() -> None:
    """From now on every text of a figure that `t` gave in Hindi is drawn in English."""
    from matplotlib.text import Text

    # A Hindi word that did not come from `t` shows as boxes: one line said so, hundreds need not
    warnings.filterwarnings("ignore", message="Glyph .* missing|.*not support Devanagari")

    as_given = Text.set_text

    def set_text(self: Text, s: object) -> None:
        as_given(self, s if s is None else english(str(s)))

    if as_given.__module__ != __name__:
        Text.set_text = set_text
