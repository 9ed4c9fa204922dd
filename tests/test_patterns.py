"""The broad pictures, and the three styles that they are not."""

import pytest
import torch

from common.art import mosaic, neon, warli
from common.patterns import BLOCK, KINDS, patterns
from common.rangoli import Factors, paint, render

FACTORS = Factors(*(torch.arange(8) % count for count in (8, 8, 4, 3)))


def test_the_same_seed_gives_the_same_pictures_and_more_only_add():
    few, many = patterns(20, seed=3), patterns(BLOCK + 5, seed=3)
    assert few.shape == (20, 3, 32, 32) and few.dtype == torch.uint8
    assert torch.equal(few, many[:20])
    assert not torch.equal(few, patterns(20, seed=4))
    assert len(patterns(0)) == 0


def test_they_do_not_touch_the_global_random_state():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    patterns(4)
    assert torch.equal(before, torch.get_rng_state())


def test_every_kind_is_varied_and_finite():
    generator = torch.Generator().manual_seed(0)
    for draw, count in KINDS:
        images = draw(count, 32, generator)
        assert images.shape == (count, 3, 32, 32), draw.__name__
        assert images.isfinite().all(), draw.__name__
        assert images.flatten(1).std(0).min() > 0.1, draw.__name__  # every place differs
        distinct = images.clamp(0, 1).mul(255).round().flatten(1).unique(dim=0)
        assert len(distinct) > 0.9 * count, draw.__name__


def test_the_kinds_are_mixed():
    block = patterns(BLOCK).float().flatten(1).std(1)
    quarter = BLOCK // 4
    means = torch.stack([block[i * quarter : (i + 1) * quarter].mean() for i in range(4)])
    assert means.max() / means.min() < 1.2  # one kind after another would give 2 and more


@pytest.mark.parametrize("size", [8, 24, 64])
def test_any_size(size):
    assert patterns(3, size=size).shape == (3, 3, size, size)


def test_impossible_wishes_are_refused():
    with pytest.raises(ValueError, match="at least"):
        patterns(-1)
    with pytest.raises(ValueError, match="at least"):
        patterns(4, size=4)


@pytest.mark.parametrize("style", [warli, neon, mosaic])
def test_a_style_keeps_the_motif_and_its_variation(style):
    """It is another look, always the same, and the motif stands out from the ground."""
    images = render(FACTORS, 64, style=style).float()
    plain = render(FACTORS, 64, style=paint).float()
    assert images.shape == plain.shape
    assert (images - plain).abs().mean() > 8
    assert torch.equal(images, render(FACTORS, 64, style=style).float())
    corner, edge = images[:, :, 1:4, 1:4], images[:, :, 30:34, 28:36]
    assert (corner.mean((1, 2, 3)) != edge.mean((1, 2, 3))).all()


def test_warli_is_white_on_mud_whatever_the_colours():
    images = render(FACTORS, 64, style=warli).float()
    recoloured = Factors(FACTORS.motif, FACTORS.motif * 0, FACTORS.motif * 0, FACTORS.symmetry)
    assert torch.equal(images, render(recoloured, 64, style=warli).float())
    red, green, blue = images.mean((0, 2, 3)).tolist()
    assert red > green > blue
    assert images.amax((1, 2, 3)).min() > 225  # rice paste


def test_neon_glows_in_the_dark_in_the_motif_s_colour():
    images = render(FACTORS, 64, style=neon).float()
    assert images[:, :, :2, :2].mean() < 25
    red = Factors(*(torch.tensor([value]) for value in (1, 0, 0, 1)))
    light = render(red, 64, style=neon).float().mean((0, 2, 3))
    assert light[0] > 1.5 * light[1] and light[0] > 1.5 * light[2]


def test_the_mortar_of_a_mosaic_is_a_grid():
    images = render(FACTORS, 64, jitter=0, style=mosaic).float().mean(1)
    columns = images.mean((0, 1)).view(8, 8)  # eight tiles of eight pixels
    assert (columns[:, 0] > columns[:, 4] + 20).all()
    rows = images.mean((0, 2)).view(8, 8)
    assert (rows[:, 0] > rows[:, 4] + 20).all()
