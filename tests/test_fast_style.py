"""What 2-fast-style teaches: painters of one style, AdaIN, a painter of any style, their loops."""

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

import common
from common import style as taught
from common.art import painting
from common.data import as_picture, photograph, photographs
from common.features import load_features
from common.style import (
    AdaINStyle,
    Crops,
    FastStyle,
    StyleObjective,
    adain,
    colour_moments,
    gram_matrix,
    learnt,
    load_adain,
    load_fast_style,
    rescale,
    statistics,
    train_adain,
    train_fast_style,
)

TINY = {"size": 32, "batch": 2, "width": 4}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def net():
    return load_features("random")


@pytest.fixture(scope="module")
def eye():
    return load_features()


def a_style():
    return painting("ikat", 48)


def some_photographs():
    return photographs("chelsea", "coffee", size=48)


def weights(model):
    return torch.cat([value.float().flatten() for value in learnt(model).values()])


# ---------------------------------------------------------------------------- the painter


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (2, 3, 37, 50), (1, 3, 9, 130), (3, 3, 64, 41)])
def test_painters_give_the_size_back(shape, net):
    """Fails if the border that fills up to a multiple of four is not cut off again."""
    picture = torch.rand(shape)
    assert FastStyle(4)(picture).shape == shape
    assert AdaINStyle(net, 4)(picture, a_style()[None]).shape == shape


def test_it_has_about_165_000_numbers():
    assert sum(p.numel() for p in FastStyle().parameters()) == 164_979


@pytest.mark.parametrize("size", [(48, 64), (41, 63)])
def test_a_batch_is_painted_as_one_by_one(size):
    """Fails if mean or spread is taken over the batch."""
    model, pictures = FastStyle(4).eval(), torch.rand(3, 3, *size)
    alone = torch.cat([model(picture[None]) for picture in pictures])
    assert torch.allclose(model(pictures), alone, atol=1e-4)
    batch = FastStyle(4, norm="batch")
    batch.painter.eval()  # the same grain
    assert not torch.allclose(batch(pictures)[:1], batch(pictures[:1]), atol=1e-4)


def test_a_new_painter_gives_its_ground_back():
    """So that a short training keeps the subject. Fails without the way around the convolutions."""
    picture = photograph("china", 64)[None]
    given = FastStyle()(picture)
    assert torch.corrcoef(torch.stack([given.flatten(), picture.flatten()]))[0, 1] > 0.98


def test_grey_and_transparent_pictures_are_painted():
    model = FastStyle(4)
    for picture in (torch.rand(20, 30).numpy(), torch.rand(4, 20, 30), torch.rand(1, 20, 30)):
        assert model(as_picture(picture)).shape == (1, 3, 20, 30)


def test_what_is_no_picture_or_norm_is_refused(net):
    with pytest.raises(ValueError, match="1, 20, 20"):
        FastStyle(4)(torch.rand(1, 1, 20, 20))
    with pytest.raises(ValueError, match="layer"):
        FastStyle(4, norm="layer")
    with pytest.raises(ValueError, match="finite"):
        AdaINStyle(net, 4)(torch.rand(1, 3, 20, 20), torch.full((1, 3, 20, 20), torch.nan))


# ---------------------------------------------------------------------------- AdaIN


@pytest.mark.parametrize("side", [2, 5, 40])
@pytest.mark.parametrize("spread", [1.0, 1e-3])
def test_adain_measures_both_sides_alike(side, spread):
    """Fails if one side is biased and the other is not (small maps), or has another eps (faint)."""
    x = spread * torch.randn(2, 3, side, side + 1)
    assert torch.allclose(adain(x, x), x, atol=1e-5 * spread, rtol=1e-3)


def test_adain_gives_the_styles_statistics_channel_by_channel():
    content, style = torch.randn(2, 3, 9, 9), 4 + 3 * torch.randn(1, 3, 5, 7)
    mixed = adain(content, style)
    for got, wanted in zip(statistics(mixed), statistics(style), strict=True):
        assert torch.allclose(got, wanted.expand_as(got), atol=1e-3)
    order, wanted = (x[0, 0].flatten().argsort() for x in (mixed, content))
    assert torch.equal(order, wanted)


def test_flat_maps_do_not_burst():
    flat = torch.full((1, 3, 4, 4), 0.5).requires_grad_()
    result = adain(flat, torch.randn(1, 3, 4, 4))
    result.sum().backward()
    assert result.isfinite().all() and flat.grad.isfinite().all()


def test_strength_and_share_mix_the_numbers(net):
    """Fails if a share or a strength is turned around, or mixes pictures instead of numbers."""
    model = AdaINStyle(net, 4).eval()
    torch.nn.init.normal_(model.painter.last.weight)
    content, first, second = torch.rand(3, 3, 33, 40), a_style()[None], painting("warli", 40)[None]
    with torch.no_grad():
        assert torch.allclose(model.draw(content, first), model(content, first))
        assert torch.allclose(model.draw(content, first, 1, second, 1.0), model(content, second))
        assert torch.allclose(
            model.draw(content, first, strength=0), model.draw(content, content), atol=1e-4
        )
        half = torch.lerp(model.numbers(first), model.numbers(second), 0.5)
        between = model.draw(content, first, 1, second, 0.5)
        assert torch.allclose(between, model.paint(content, half), atol=1e-5)
        of_pictures = (model(content, first) + model(content, second)) / 2
        assert not torch.allclose(between, of_pictures, atol=1e-3)


def test_each_picture_of_a_batch_has_its_own_style(net):
    model = AdaINStyle(net, 4).eval()
    torch.nn.init.normal_(model.painter.last.weight)
    content, styles = torch.rand(2, 3, 32, 32), torch.stack([a_style(), painting("warli", 48)])
    together = model(content, styles)
    alone = torch.cat([model(content[n : n + 1], styles[n : n + 1]) for n in (0, 1)])
    assert torch.allclose(together, alone, atol=1e-4)
    assert not torch.allclose(together, model(content, styles.flip(0)), atol=1e-3)


# ---------------------------------------------------------------------------- the loops


def test_colour_moments_hold_mean_and_covariance():
    x = torch.rand(2, 3, 16, 16)
    moments = colour_moments(x)[0]
    assert torch.allclose(moments[:, :3, 3], x.mean((2, 3)), atol=1e-6)
    covariance = moments[:, :3, :3] - moments[:, :3, 3:] * moments[:, 3:, :3]
    wanted = torch.stack([torch.cov(picture.flatten(1), correction=0) for picture in x])
    assert torch.allclose(covariance, wanted, atol=1e-6)
    coarse = colour_moments(x)[1]
    assert torch.allclose(coarse[:, 3, :3], x.mean((2, 3)), atol=1e-6)


def test_crops_are_squares_of_the_photographs():
    wide, small = torch.rand(3, 90, 200), (torch.rand(3, 20, 30) * 255).byte()
    crops = Crops([wide, small], 32)
    squares = crops.draw(6, torch.Generator().manual_seed(0))
    assert squares.shape == (6, 3, 32, 32) and squares.min() >= 0 and squares.max() <= 1
    assert torch.equal(squares, crops.draw(6, torch.Generator().manual_seed(0)))
    assert not torch.equal(squares, crops.draw(6, torch.Generator().manual_seed(1)))
    with pytest.raises(ValueError, match="photograph"):
        Crops([], 32)


def test_a_painter_learns_and_the_eye_does_not(net):
    before = torch.cat([p.flatten() for p in net.parameters()]).clone()
    options = {"steps": 20, "rate": 1e-2, **TINY}
    for norm in ("instance", "batch"):
        trained = train_fast_style(a_style(), some_photographs(), net, norm=norm, **options)
        losses = [value for _, value in trained.history["style"]]
        assert sum(losses[-5:]) < 0.85 * sum(losses[:5]), norm
        assert not trained.model.training
    assert torch.equal(before, torch.cat([p.flatten() for p in net.parameters()]))


def test_the_same_seed_gives_the_same_painter_and_leaves_the_dice(net):
    state = torch.get_rng_state()
    one, two, other = (
        train_fast_style(a_style(), some_photographs(), net, steps=2, seed=seed, **TINY).model
        for seed in (0, 0, 1)
    )
    assert torch.equal(weights(one), weights(two)) and not torch.equal(weights(one), weights(other))
    assert torch.equal(state, torch.get_rng_state())


def test_a_start_is_gone_on_from_and_left_as_it_is(net):
    """Fails if a second leg begins anew, or teaches the painter that it started from."""
    first = train_fast_style(a_style(), some_photographs(), net, steps=3, **TINY).model
    before = weights(first).clone()
    options = {"steps": 1, "rate": 1e-5, **TINY}
    second = train_fast_style(a_style(), some_photographs(), net, start=first, **options).model
    assert torch.allclose(weights(second), before, atol=1e-3)
    assert torch.equal(weights(first), before) and not torch.equal(weights(second), before)


@pytest.mark.parametrize("kind", ["fast", "adain"])
def test_a_kept_run_goes_on_to_the_same_numbers(kind, net, tmp_path):
    """Fails if a part that a step changes is not kept."""

    def train(folder, note=None):
        options = {"steps": 4, "folder": folder, "note": note, **TINY}
        if kind == "fast":
            return train_fast_style(a_style(), some_photographs(), net, **options).model
        styles = {"a": a_style(), "b": painting("warli", 48)}
        return train_adain(styles, some_photographs(), net, **options).model

    def cut(step, model):
        if step == 3:
            raise KeyboardInterrupt

    whole = train(None)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, cut)
    assert torch.equal(weights(whole), weights(train(tmp_path)))


def test_notes_stand_in_the_history(net):
    trained = train_fast_style(
        a_style(), some_photographs(), net, steps=3, **TINY,
        note=lambda step, model: {"halfway": 7.0} if step == 2 else None,
    )  # fmt: skip
    assert [value for _, value in trained.history["halfway"]] == [7.0]
    assert len(trained.history["total"]) == 3


def test_adain_learns_to_tell_styles_apart(net):
    styles = {"a": a_style(), "b": painting("swirl", 48)}
    model = train_adain(styles, some_photographs(), net, steps=12, rate=1e-2, **TINY).model
    content = photograph("coffee", 32)[None]
    by_a, by_b = (model.draw(content, style[None]) for style in styles.values())
    assert (by_a - by_b).abs().mean() > 0.05
    assert not any(key.startswith("net.") for key in learnt(model))
    assert all(not p.requires_grad for p in model.net.parameters())
    with pytest.raises(ValueError, match="style"):
        train_adain([], some_photographs(), net, steps=1, **TINY)


# ---------------------------------------------------------------------------- what ships


def test_missing_weights_name_the_cure(tmp_path, monkeypatch):
    monkeypatch.setattr(common, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(FileNotFoundError, match=r"course\.py train fast-style-swirl"):
        load_fast_style("swirl")
    with pytest.raises(FileNotFoundError, match=r"course\.py train adain"):
        taught.stored_painter("adain", FastStyle(), "cpu")


@pytest.mark.parametrize("kind", ["fast-style-swirl", "adain"])
def test_what_is_kept_halved_paints_the_same(kind, eye, tmp_path, monkeypatch):
    model = FastStyle() if kind != "adain" else AdaINStyle(eye)
    for p in model.painter.parameters():
        torch.nn.init.normal_(p, std=0.1)
    model.eval()
    (tmp_path / "weights").mkdir()
    half = {key: value.half() for key, value in learnt(model).items()}
    save_file(half, tmp_path / "weights" / f"{kind}.safetensors")
    monkeypatch.setattr(common, "__file__", str(tmp_path / "__init__.py"))
    again = load_fast_style("swirl") if kind != "adain" else load_adain()
    content, example = torch.rand(1, 3, 40, 40), a_style()[None]
    with torch.no_grad():
        pair = [m(content) if kind != "adain" else m(content, example) for m in (model, again)]
    assert torch.allclose(*pair, atol=0.05) and not again.training


def held_out():
    return torch.stack([photograph(name, 256) for name in ("china", "astronaut")])


@torch.no_grad()
def style_losses(eye, style, *pictures):
    objective = StyleObjective(eye, held_out(), style)
    return [objective.terms(x).style.mean().item() for x in pictures]


@pytest.mark.parametrize("name", ["swirl", "mosaic"])
def test_the_shipped_painters_do_more_than_recolour(name, eye):
    """Fails if a shipped painter was made for another architecture, style or eye."""
    style = painting(name, 256)[None]
    with torch.no_grad():
        painted = load_fast_style(name)(held_out())
    recoloured = rescale(held_out(), *statistics(style)).clamp(0, 1)
    ours, colours = style_losses(eye, style, painted, recoloured)
    assert ours < 0.5 * colours
    smaller = F.avg_pool2d(painted, 8), F.avg_pool2d(held_out(), 8)
    grey = [x.mean(1).flatten(1) for x in smaller]
    for pair in zip(*grey, strict=True):  # light stays light: the subject is there
        assert torch.corrcoef(torch.stack(pair))[0, 1] > 0.3


def test_the_shipped_adain_draws_the_styles_it_knows(eye):
    model, shares = load_adain(), {}
    for name in ("carpet", "ikat", "mosaic"):
        style = painting(name, 256)[None]
        recoloured = rescale(held_out(), *statistics(style)).clamp(0, 1)
        ours, colours = style_losses(eye, style, model.draw(held_out(), style), recoloured)
        shares[name] = ours / colours
    assert max(shares["carpet"], shares["ikat"]) < 0.6 and shares["mosaic"] > shares["carpet"]


def test_gram_of_a_batch_is_per_picture():
    maps = torch.randn(3, 4, 5, 6)
    alone = torch.cat([gram_matrix(x[None]) for x in maps])
    assert torch.allclose(gram_matrix(maps), alone, atol=1e-6)
