"""`course.py train` for lesson 05, a few steps of each: what it stores can be loaded."""

from pathlib import Path

import pytest
import torch

from common import hypernetwork
from common.metrics import HEADS, STYLES, Judge
from common.vqgan import load_text2rangoli
from tools import train, train_adapters
from tools.train_adapters import NOT_ASKED, judge_rows, styled

CPU = torch.device("cpu")


def test_all_are_registered():
    assert set(train_adapters.MODELS) <= set(train.MODELS)


def test_what_a_style_does_not_show_is_not_asked():
    images, labels = styled(3, seed=5)
    heads = list(HEADS["styles"])
    colour, ground = labels[:, heads.index("colour")], labels[:, heads.index("ground")]
    style = labels[:, heads.index("style")]
    assert images.shape == (12, 3, 32, 32) and style.tolist() == sorted(style.tolist())
    hidden = [STYLES[i] for i in style[colour == NOT_ASKED].unique()]
    assert hidden == ["warli"]
    assert [STYLES[i] for i in style[ground == NOT_ASKED].unique()] == ["warli", "neon"]
    rows = judge_rows(Judge("styles").eval(), images, labels)
    assert rows["warli"]["colour"] is None and rows["mosaic"]["colour"] is not None


def test_the_judge_is_stored_as_it_is_measured(tmp_path):
    scores = train_adapters.train_judge(CPU, tmp_path, scale=1 / 200)
    card = (tmp_path / "judge-styles.md").read_text("utf-8")
    assert "\n| warli | " in card and "| – | – |" in card and "{" not in card
    assert f"{scores['neon']['motif']:.3f}" in card and not list(tmp_path.glob("*.part"))
    from safetensors.torch import load_file

    state = load_file(tmp_path / "judge-styles.safetensors")
    assert state["heads.style.weight"].dtype == torch.float16
    Judge("styles").load_state_dict(state)


def test_adapters_are_stored_with_what_they_learnt_from(tmp_path, monkeypatch):
    monkeypatch.setattr(train_adapters, "SHIPPED_STEPS", dict.fromkeys(hypernetwork.STYLES, 2))
    monkeypatch.setattr(train_adapters, "COMPARED_STEPS", 2)
    reports = train_adapters.train_adapters(CPU, tmp_path, count=12)
    assert set(hypernetwork.SHIPPED) | {train_adapters.CONTROL} <= set(reports)
    assert reports["warli-word"]["drift"] == 0
    assert reports["warli, strength 0.9"] != reports["warli"]
    card = (tmp_path / "adapters.md").read_text("utf-8")
    assert all(f"| {name} | " in card for name in (*hypernetwork.SHIPPED, train_adapters.CONTROL))
    assert {path.stem for path in tmp_path.glob("*.safetensors")} == {
        f"adapter-{name}" for name in hypernetwork.SHIPPED
    }
    for name in hypernetwork.SHIPPED:
        path: Path = tmp_path / f"adapter-{name}.safetensors"
        adapter = hypernetwork.load_adapter(path, load_text2rangoli().prior)
        assert adapter.notes["steps"] == "2" and adapter.notes["pictures"]
        moved = [number.abs().max() > 0 for number in adapter.learned.values()]
        assert all(moved) and adapter.notes["style"] == name.split("-")[0]


@pytest.mark.parametrize("name", ["judge-styles"])
def test_the_card_says_how(name):
    card = (train_adapters.WEIGHTS / f"{name}.md").read_text("utf-8")
    assert f"course.py train {name}" in card
