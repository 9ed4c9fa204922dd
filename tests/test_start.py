"""`start`: language, device and fonts at once; and what happens where there is no Devanagari."""

import subprocess
import sys

import pytest
import torch
from matplotlib.text import Text

from common import fonts, lang, start
from common.lang import language, use_language


@pytest.fixture(autouse=True)
def english_again():
    yield
    use_language("en")


def test_the_import_is_light():
    """Neither torch nor matplotlib is imported before `start` is called."""
    code = (
        "import sys; from common import start; print({'torch', 'matplotlib'} & sys.modules.keys())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_says_one_line_in_the_language(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    assert start("hi") == torch.device("cpu") and language() == "hi"
    line = capsys.readouterr().out
    assert line.count("\n") == 1 and "तैयार" in line and "cpu" in line
    start("en")
    assert capsys.readouterr().out.startswith("Ready: PyTorch")


def test_the_best_device_there_is(monkeypatch):
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert start("en").type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert start("en").type == "cuda"


def test_a_device_that_is_absent_or_unknown(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("COURSE_DEVICE", "cuda")
    with pytest.raises(RuntimeError, match="cuda"):
        start("en")
    monkeypatch.setenv("COURSE_DEVICE", "tpu")
    with pytest.raises(ValueError, match=r"cpu, cuda.*tpu"):
        start("en")


def test_an_unknown_language_starts_nothing():
    with pytest.raises(ValueError, match="There is no language"):
        start("fr")


def test_seeds_are_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    start("en")
    assert torch.rand(1) == expected


# --- where Devanagari cannot be drawn -------------------------------------------------------------


@pytest.fixture
def no_devanagari(monkeypatch):
    """An old matplotlib, and nothing to fetch from."""
    asked: list[str] = []
    monkeypatch.setattr(fonts, "_missing", lambda: ["matplotlib>=3.11,<4"])
    monkeypatch.setattr(fonts, "_fetch", lambda package: asked.append(package))
    monkeypatch.setattr(Text, "set_text", Text.set_text)  # so that it is put back
    monkeypatch.setattr(lang, "_hindi", lambda: {"loss": "लॉस", "step {n}": "चरण {n}"})
    monkeypatch.setattr(lang, "_english", {})
    return asked


def test_labels_become_english_and_one_line_says_so(no_devanagari, capsys):
    import matplotlib.pyplot as plt

    start("hi")
    assert no_devanagari == ["matplotlib>=3.11,<4"]
    assert len(capsys.readouterr().out.splitlines()) == 2

    fig, ax = plt.subplots()
    ax.plot([1, 2], label=lang.t("loss"))
    ax.set(title=f"{lang.t('loss')} → 0", xlabel=lang.t("step {n}", n=3))
    ax.set_xticks([0, 1], [lang.t("step {n}", n=n) for n in (0, 1)])
    ax.legend()
    fig.canvas.draw()
    shown = {text.get_text() for text in fig.findobj(Text)}
    plt.close(fig)
    assert {"loss → 0", "step 3", "step 0", "step 1", "loss"} <= shown
    assert lang.t("loss") == "लॉस", "text outside figures stays Hindi"


def test_english_asks_for_nothing(no_devanagari, capsys):
    start("en")
    assert no_devanagari == []
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_fetch_that_fails_leaves_nothing_behind(monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(fonts, "__file__", str(tmp_path / "common" / "fonts.py"))
    assert fonts._fetch(fonts.FONT_PACKAGE) is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_fetch_that_takes_too_long_gives_up(monkeypatch, tmp_path):
    def slow(*_args, **options):
        raise subprocess.TimeoutExpired("pip", options["timeout"])

    monkeypatch.setattr(fonts, "__file__", str(tmp_path / "common" / "fonts.py"))
    monkeypatch.setattr(subprocess, "run", slow)
    assert fonts._fetch(fonts.FONT_PACKAGE) is None


def test_what_was_fetched_is_imported_instead_of_the_old(tmp_path):
    """In a process of its own: a newer matplotlib takes the place of one already imported."""
    for name, release in ("old", 1), ("new", 2):
        folder = tmp_path / name / "matplotlib"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(f"release = {release}")
    code = f"""
import sys; sys.path.insert(0, {str(tmp_path / "old")!r})
import matplotlib; assert matplotlib.release == 1
from pathlib import Path
from common import fonts
fonts._import_from(Path({str(tmp_path / "new")!r}))
import matplotlib; assert matplotlib.release == 2
"""
    subprocess.run([sys.executable, "-c", code], check=True)
