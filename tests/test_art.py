"""Six paintings: any size and shape, the same from the same seed, and each a style of its own."""

import numpy as np
import pytest
import torch

from common import art, lang
from common.art import PAINTINGS, painting


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    """Drawn with fewer pixels than usual, for speed."""
    monkeypatch.setattr(art, "_FINE", 200)


@pytest.mark.parametrize("name", PAINTINGS)
def test_any_size_and_shape_from_a_seed_of_its_own(name):
    torch.manual_seed(1)
    np.random.seed(1)
    first = painting(name, (40, 64))
    assert first.shape == (3, 40, 64) and first.dtype == torch.float32
    assert first.min() >= 0 and first.max() <= 1 and first.is_contiguous()
    torch.manual_seed(2)
    np.random.seed(2)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    assert torch.equal(painting(name, (40, 64)), first)
    # nothing is taken from the state that all share
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()
    assert not torch.equal(painting(name, (40, 64), seed=1), first)
    assert painting(name, (70, 33)).shape == (3, 70, 33)


@pytest.mark.parametrize("name", PAINTINGS)
def test_a_larger_size_is_the_same_picture_finer(name):
    small = painting(name, 48)
    large = torch.nn.functional.interpolate(painting(name, 96)[None], (48, 48), mode="area")[0]
    assert (small - large).abs().mean() < 0.05
    assert (small - small.mean((1, 2), keepdim=True)).abs().mean() > 0.1  # not because it is flat


def test_a_longer_side_shows_more_of_the_same():
    square, broad = painting("ikat", 60), painting("ikat", (60, 120))
    # four diamonds on a side, eight on twice the side: brown threads differ, colours do not
    assert (square.mean((1, 2)) - broad.mean((1, 2))).abs().max() < 0.03
    dark = (broad.mean(0) < 0.4).float()
    assert dark[:, 60:].mean() == pytest.approx(dark[:, :60].mean().item(), rel=0.2)


def test_what_each_is_known_by():
    """Blue with yellow lights; a mud wall with white; lead between panes; cream cloth."""
    pictures = {name: painting(name, 128) for name in PAINTINGS}
    red, _, blue = pictures["swirl"]
    assert blue.mean() > red.mean() + 0.2
    light = (red > 0.8) & (blue < 0.5)
    assert 0.01 < light.float().mean() < 0.2
    red, _, blue = pictures["warli"]
    rice = (blue > 0.6).float().mean()
    assert 0.05 < rice < 0.35 and red.median() > blue.median() + 0.2
    lead = (pictures["mosaic"].amax(0) < 0.2).float().mean()
    assert 0.1 < lead < 0.45
    cloth = (pictures["ikat"].amin(0) > 0.65).float().mean()
    assert 0.35 < cloth < 0.8
    tints = {name: picture.mean((1, 2)) for name, picture in pictures.items()}
    names = list(tints)
    for i, one in enumerate(names):
        for other in names[:i]:
            assert (tints[one] - tints[other]).norm() > 0.05, (one, other)


def test_errors_say_what_there_is():
    lang.use_language("en")
    with pytest.raises(ValueError, match="swirl, carpet, warli, impression, ikat, mosaic"):
        painting("starry")
    with pytest.raises(ValueError, match="at least 8"):
        painting("swirl", (4, 200))
