"""`course.py train` for lesson 03, a few steps of each: it stores what it measured, and goes on."""

from pathlib import Path

import pytest
import torch

from common import vqgan
from common.rangoli import rangoli
from tools import train, train_vqgan

CPU = torch.device("cpu")
TINY = 1 / 1000


@pytest.fixture
def folder(monkeypatch, tmp_path) -> Path:
    """Where weights are stored, and where the loaders of the lesson then look for them."""
    weights = tmp_path / "weights"
    monkeypatch.setattr(vqgan.common, "__file__", str(tmp_path / "__init__.py"))
    return weights


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_all_are_registered():
    assert set(train_vqgan.MODELS) <= set(train.MODELS)


def test_the_start_of_the_autoencoder_is_the_best_linear_map():
    images, _ = rangoli(200, seed=1)
    model = vqgan.LatentAutoencoder(channels=24).eval()
    # So small that the bound bends nothing: then it must equal the principal components
    train_vqgan.start_from_patches(model, images, spread=0.01)
    x = vqgan.signed(images)
    patches = torch.nn.functional.unfold(x.contiguous(), 4, stride=4).transpose(1, 2).flatten(0, 1)
    mean = patches.mean(0)
    _, _, basis = torch.linalg.svd(patches - mean, full_matrices=False)
    best = (patches - mean) @ basis[:24].T @ basis[:24] + mean
    with torch.no_grad():
        restored, _ = model(x)
    got = torch.nn.functional.unfold(restored.contiguous(), 4, stride=4).transpose(1, 2)
    # The bias of a transposed convolution is one number per colour, not per place
    assert (got.flatten(0, 1) - best).square().mean() < (patches - best).square().mean() * 0.1


def test_autoencoder_and_prior(folder, tmp_path):
    runs = tmp_path / "runs"
    options = {"folder": folder, "scale": TINY}
    scores = train_vqgan.train_autoencoder(CPU, **options, runs=runs / "autoencoder")
    card = (folder / "latent-autoencoder.md").read_text("utf-8")
    assert f"| Warli | {scores['Warli']['psnr']:.1f} |" in card and "\n" not in card[:20]
    first = vqgan.load_latent_autoencoder()
    assert first.std.min() > 0.01 and not (first.std == 1).all()  # it is settled
    latents = first.encode(vqgan.signed(rangoli(200, seed=9, split="train")[0]))
    assert latents.std() == pytest.approx(1, abs=0.2)

    train_vqgan.train_autoencoder(CPU, **options, runs=runs / "autoencoder")  # finds all done
    assert same(first, vqgan.load_latent_autoencoder())

    scores = train_vqgan.train_text2rangoli(CPU, **options, runs=runs / "prior")
    assert set(scores) == {"train", "held-out"}
    model = vqgan.load_text2rangoli()
    assert model.draw(["लाल कमल", "a red lotus"]).shape == (2, 3, 32, 32)
    card = (folder / "text2rangoli.md").read_text("utf-8")
    assert "4 + 4 + 2 steps of 64" in card and "| held-out |" in card
    first = vqgan.load_text2rangoli().prior
    train_vqgan.train_text2rangoli(CPU, **options, runs=runs / "prior")  # finds all done
    assert same(first, vqgan.load_text2rangoli().prior)


def test_features_vqgan_and_small_priors(folder, tmp_path, monkeypatch):
    runs = tmp_path / "runs"
    options = {"folder": folder, "scale": TINY}
    scores = train_vqgan.train_features(CPU, **options)
    assert set(scores) == {"motif", "colour", "ground", "symmetry"}
    assert not any(p.requires_grad for p in vqgan.load_feature_net().parameters())

    report = train_vqgan.train_vqgan_rangoli(CPU, **options, runs=runs / "vqgan")
    card = (folder / "vqgan-rangoli.md").read_text("utf-8")
    assert f"| {report['used']} / 256 |" in card
    images = vqgan.signed(rangoli(4, seed=9)[0])
    assert vqgan.load_vqgan().encode(images).shape == (4, 8, 8)

    train_vqgan.train_autoencoder(CPU, **options, runs=None)
    monkeypatch.setattr(train_vqgan, "SMALL_STEPS", {"flow": 2000, "ar": 2000, "masked": 2000})
    assert set(train_vqgan.train_small_priors(CPU, **options, runs=runs)) == {
        "flow",
        "ar",
        "masked",
    }
    small = vqgan.load_small_priors()
    tokens = vqgan.vocabulary().encode(["a red lotus"])
    assert vqgan.sample_codes(small["masked"], tokens).shape == (1, 8, 8)
    assert not list(folder.glob("*.part"))
