"""What 4.1 teaches: Gram matrices, the three losses, the optimisers' pictures, the judge."""

import pytest
import torch
from torch import Tensor, nn

from common import lang
from common.style import (
    StyleJudge,
    StyleObjective,
    content_loss,
    gram_matrix,
    recoloured,
    scaled,
    style_loss,
    stylise,
    variation_loss,
    wave_gains,
)


class Eye(nn.Module):
    """A small network in the place of the real one: two layers, the second for the content."""

    content = 1

    def __init__(self) -> None:
        super().__init__()
        dice = torch.Generator().manual_seed(0)
        self.first = nn.Parameter(torch.randn(8, 3, 3, 3, generator=dice) / 3, requires_grad=False)
        self.second = nn.Parameter(torch.randn(6, 8, 3, 3, generator=dice) / 6, requires_grad=False)

    def forward(self, x: Tensor) -> list[Tensor]:
        a = nn.functional.conv2d(2 * x - 1, self.first, padding=1).relu()
        return [a, nn.functional.conv2d(a, self.second, stride=2, padding=1).relu()]


@pytest.fixture(scope="module")
def eye() -> Eye:
    return Eye()


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setattr(lang, "_language", lang._language)
    lang.use_language("en")


def pictures(count: int = 1, height: int = 24, width: int = 24, seed: int = 0) -> Tensor:
    """Soft random pictures [count, 3, height, width]."""
    dice = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 6, 6, generator=dice)
    return nn.functional.interpolate(coarse, (height, width), mode="bilinear")


# ---------------------------------------------------------------------------- the Gram matrix


def test_the_gram_matrix_is_the_mean_of_products_and_forgets_places():
    maps = torch.randn(2, 5, 4, 6, generator=torch.Generator().manual_seed(0))
    by_hand = torch.zeros(2, 5, 5)
    for n in range(2):
        for y in range(4):
            for x in range(6):
                by_hand[n] += torch.outer(maps[n, :, y, x], maps[n, :, y, x]) / 24
    torch.testing.assert_close(gram_matrix(maps), by_hand)
    order = torch.randperm(24)
    mixed = maps.flatten(2)[:, :, order].view_as(maps)
    torch.testing.assert_close(gram_matrix(mixed), by_hand)
    one_alone = maps.clone()
    one_alone[:, 0] = one_alone[:, 0].flip(1, 2)  # of one channel only: which go together changes
    assert (gram_matrix(one_alone) - by_hand).abs().max() > 0.05


def test_each_picture_has_its_own_gram_matrix():
    maps = torch.randn(3, 4, 5, 5)
    together = gram_matrix(maps)
    assert together.shape == (3, 4, 4)
    for n in range(3):
        torch.testing.assert_close(gram_matrix(maps[n : n + 1])[0], together[n])


def test_its_distance_is_the_mmd_with_the_quadratic_kernel():
    x, y = torch.randn(1, 7, 5, 6).double(), torch.rand(1, 7, 4, 9).double()
    a, b = (maps[0].flatten(1).T for maps in (x, y))
    mmd2 = (a @ a.T).square().mean() + (b @ b.T).square().mean() - 2 * (a @ b.T).square().mean()
    distance = (gram_matrix(x) - gram_matrix(y)).square().sum()
    torch.testing.assert_close(distance, mmd2)


def test_recoloured_gives_the_style_s_mean_and_covariance():
    content, style = pictures(2, seed=1), pictures(1, 20, 30, seed=2)
    found = recoloured(content, style)
    mean = style.mean((2, 3), keepdim=True)
    torch.testing.assert_close(found.mean((2, 3), keepdim=True), mean.expand(2, 3, 1, 1))
    wanted = gram_matrix(style - mean)
    covariance = gram_matrix(found - mean)
    torch.testing.assert_close(covariance, wanted.expand(2, 3, 3), atol=1e-3, rtol=0.03)
    grey = content.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    assert recoloured(grey, style).isfinite().all()
    assert recoloured(torch.full((1, 3, 16, 16), 0.5), style).isfinite().all()  # and of one colour


# ---------------------------------------------------------------------------- the losses


def test_the_losses_are_zero_where_they_should_be_and_only_there(eye):
    content, style = pictures(seed=1), pictures(seed=2)
    objective = StyleObjective(eye, content, style)
    at_content, at_style = objective.terms(content), objective.terms(style)
    assert at_content.content == 0 and at_content.style > 0.001
    assert at_style.style < 1e-9 and at_style.content > 0.01
    assert variation_loss(torch.full((2, 3, 8, 8), 0.3)).tolist() == [0, 0]


def test_the_variation_loss_counts_both_directions_once():
    x = torch.zeros(1, 3, 4, 4)
    x[..., 2:, :] = 1.0  # one of three steps down, none across
    assert variation_loss(x).item() == pytest.approx(1 / 3)
    assert variation_loss(x.mT).item() == pytest.approx(1 / 3)


def test_the_content_loss_has_the_content_s_variance_as_its_unit():
    wanted = torch.randn(2, 3, 6, 6)
    mean = wanted.mean((2, 3), keepdim=True).expand_as(wanted)
    torch.testing.assert_close(content_loss(mean, wanted), torch.ones(2))
    torch.testing.assert_close(content_loss(10 * mean, 10 * wanted), torch.ones(2))


def test_every_layer_counts_alike_in_the_style_loss():
    maps = [torch.rand(1, 4, 5, 5), 1000 * torch.rand(1, 6, 3, 3)]
    wanted = [gram_matrix(torch.rand(1, 4, 5, 5)), gram_matrix(1000 * torch.rand(1, 6, 3, 3))]
    found = style_loss(maps, wanted)
    one_by_one = [style_loss([m], [g]) for m, g in zip(maps, wanted, strict=True)]
    torch.testing.assert_close(found, sum(one_by_one) / 2)


def test_the_total_is_the_weighted_sum_for_each_picture_alone(eye):
    contents, style, x = pictures(3, seed=1), pictures(seed=2), pictures(3, seed=3)
    together = StyleObjective(eye, contents, style, 7.0, 2.0).terms(x)
    expected = together.content + 7 * together.style + 2 * together.variation
    torch.testing.assert_close(together.total, expected)
    for n in range(3):
        alone = StyleObjective(eye, contents[n : n + 1], style, 7.0, 2.0).terms(x[n : n + 1])
        torch.testing.assert_close(alone.total[0], together.total[n])


def test_the_gradient_reaches_the_picture_and_nothing_else(eye):
    x = pictures(seed=3).requires_grad_()
    content = pictures(seed=1).requires_grad_()
    StyleObjective(eye, content, pictures(seed=2)).terms(x).total.sum().backward()
    assert x.grad.abs().sum() > 0 and content.grad is None
    assert all(p.grad is None for p in eye.parameters())


# ---------------------------------------------------------------------------- painting


@pytest.mark.parametrize("optimiser", ["lbfgs", "adam"])
@pytest.mark.parametrize("start", ["recoloured", "content", "noise"])
def test_the_loss_falls_and_the_picture_is_a_picture(eye, optimiser, start):
    content, style = pictures(1, 24, 32, seed=1), pictures(1, 20, 20, seed=2)
    done = stylise(content, style, eye, steps=12, sizes=(16, 32), optimiser=optimiser, start=start)
    assert done.image.shape == content.shape
    assert done.image.min() >= 0 and done.image.max() <= 1
    history = done.history
    assert history["size"] == [16.0] * 12 + [32.0] * 12  # exactly as many as were asked for
    assert min(history["total"][12:]) < 0.7 * history["total"][12]
    final = StyleObjective(eye, content, scaled(style, 32)).terms(done.image).total.item()
    assert final == pytest.approx(min(history["total"][12:]), rel=1e-4)  # the best is kept


def test_a_batch_gives_what_its_pictures_give_one_by_one(eye):
    contents, styles = pictures(2, seed=1), pictures(2, seed=2)
    together = stylise(contents, styles, eye, steps=5, sizes=(24,)).image
    for n in range(2):
        alone = stylise(contents[n : n + 1], styles[n : n + 1], eye, steps=5, sizes=(24,)).image
        torch.testing.assert_close(alone[0], together[n])


def test_other_sizes_starts_and_weights_are_taken(eye):
    content, style = pictures(1, 17, 31, seed=1), pictures(1, 40, 9, seed=2)
    done = stylise(content, style, eye, steps=(2, 3), sizes=(20, 31))
    assert done.image.shape == (1, 3, 17, 31) and len(done.history["total"]) == 5
    begun = pictures(1, 10, 10, seed=5)
    seen = []
    stylise(
        content,
        style,
        eye,
        steps=1,
        sizes=(31,),
        start=begun,
        note=lambda step, image: seen.append((step, image)),
    )
    (step, first), *rest = seen
    assert step == 1 and not rest and first.shape == (1, 3, 17, 31)
    loud, quiet = (
        stylise(content, style, eye, steps=15, sizes=(31,), variation_weight=w).image
        for w in (0, 300)
    )
    assert variation_loss(quiet) < variation_loss(loud)


def test_it_is_repeatable_and_a_seed_moves_only_the_noise(eye):
    content, style = pictures(seed=1), pictures(seed=2)
    one, two, other = (
        stylise(content, style, eye, steps=2, sizes=(24,), start="noise", seed=s).image
        for s in (0, 0, 1)
    )
    assert torch.equal(one, two) and not torch.equal(one, other)


def test_a_leap_too_far_is_taken_back(eye):
    content, style = pictures(seed=1), pictures(seed=2)
    done = stylise(content, style, eye, steps=30, sizes=(24,), rate=40.0)  # 40 times too far
    totals = done.history["total"]
    assert max(totals[1:]) > 2 * min(totals)  # it did leap
    final = StyleObjective(eye, content, style).terms(done.image).total.item()
    assert final <= totals[0] and final == pytest.approx(min(totals), rel=1e-4)


def test_waves_are_weighted_by_their_frequency():
    gains = wave_gains(21, 30, 0.5)
    assert gains.shape == torch.fft.rfft2(torch.zeros(21, 30)).shape
    assert gains.mean() == pytest.approx(1) and gains.amax() == gains[0, 0]
    assert gains[0, 8] / gains[0, 2] == pytest.approx(0.5)  # four times the frequency


@pytest.mark.parametrize("shape", [(21, 30), (24, 31)])
def test_waves_paint_as_pixels_do_and_leaps_are_taken_back(eye, shape):
    content, style = pictures(1, *shape, seed=1), pictures(1, *shape, seed=2)
    for rate in (None, 40.0):
        done = stylise(
            content, style, eye, steps=30, sizes=(max(shape),), rate=rate, precondition=0.5
        )
        total = done.history["total"]
        assert done.image.shape == content.shape and done.image.isfinite().all()
        assert min(total) < 0.9 * total[0] or rate  # 40 times too far: nothing gained, or lost
        pixels = stylise(content, style, eye, steps=30, sizes=(max(shape),), rate=rate)
        assert total[0] == pytest.approx(pixels.history["total"][0])  # both start at one picture


def test_what_cannot_be_painted_is_named(eye):
    good = pictures()
    holes = good.clone()
    holes[0, 0, 0, 0] = torch.nan
    wrong = {
        "content: a picture is": {"content": good[0]},
        "style: a picture is": {"style": good[:, :1]},
        "finite floats": {"content": holes},
        "styles for": {"content": pictures(3), "style": pictures(2)},
        "optimiser is": {"optimiser": "sgd"},
        "start is": {"start": "black"},
        "steps: a number": {"steps": 0},
        "one for each": {"steps": (1, 2, 3)},
    }
    for message, change in wrong.items():
        arguments = {"content": good, "style": good} | change
        with pytest.raises(ValueError, match=message):
            stylise(arguments.pop("content"), arguments.pop("style"), eye, **arguments)
    with pytest.raises(ValueError, match="finite floats"):
        stylise((good * 255).to(torch.uint8), good, eye)
    with pytest.raises(FloatingPointError, match="finite"):
        stylise(good, good, eye, steps=1, sizes=(24,), style_weight=float("inf"))


def test_scaled_keeps_the_aspect():
    x = pictures(1, 24, 48)
    assert scaled(x, 24).shape == (1, 3, 12, 24) and scaled(x, 48) is x
    assert scaled(x, 9).shape == (1, 3, 8, 9)  # never less than a filter needs


# ---------------------------------------------------------------------------- the judge


def test_the_judge_s_ends_are_the_content_and_the_style():
    content, style = pictures(2, 64, 64, seed=1), pictures(1, 64, 64, seed=2)
    judge = StyleJudge(content, style)
    torch.testing.assert_close(judge(content), torch.ones(2))
    assert judge(style.expand(2, -1, -1, -1)).max() < 1e-3
    half = (content + style) / 2
    assert (judge(half) > 0.001).all() and (judge(half) < 1).all()


def test_the_judge_s_filters_are_always_the_same():
    content, style, x = (pictures(1, 48, 48, seed=s) for s in (1, 2, 3))
    torch.manual_seed(0)
    first = StyleJudge(content, style)(x)
    torch.manual_seed(1)
    assert torch.equal(StyleJudge(content, style)(x), first)


# ---------------------------------------------------------------------------- the gallery


def test_the_gallery_is_one_picture_of_at_most_400_kb(tmp_path, monkeypatch):
    from tools import style_gallery

    monkeypatch.setattr(style_gallery, "PAINTINGS", ("ikat", "carpet"))
    rows = style_gallery.paint_gallery(("coffee",), size=32, steps=2)
    assert [len(row) for row in rows] == [3, 3]
    image = style_gallery.sheet(rows)
    assert image.size == (3 * 36 - 4, 2 * 36 - 4)
    data = style_gallery.jpeg(image)
    assert data.startswith(b"\xff\xd8") and len(data) < 400_000
    with pytest.raises(ValueError, match="no JPEG"):
        style_gallery.jpeg(image, most=100)
