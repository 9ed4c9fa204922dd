"""What 3-bigger-pictures teaches: fading in, styles, augmentation, and training on a folder."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from common.gan import (
    GrowingDiscriminator,
    GrowingGenerator,
    MappingNetwork,
    ModulatedConv,
    MultiScaleDiscriminator,
    StyleBlock,
    StyleDiscriminator,
    StyleGenerator,
    augment,
    carpet,
    demo_pictures,
    double,
    draw_style,
    eight_arms,
    fade_in,
    frechet_distance,
    gradient_norms,
    halve,
    load_style_generator,
    memorised,
    mixed_styles,
    slerp,
    told_eight_arms,
    train_growing,
    train_on_folder,
    train_style,
)
from common.metrics import load_judge

TINY = (12, 8, 6)  # widths


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def lot(seed=0):
    return torch.Generator().manual_seed(seed)


# ------------------------------------------------------------------------------ growing


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("stage", [0, 1, 2])
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_growing_networks_fit_each_other_at_every_stage(count, stage, alpha):
    generator, discriminator = GrowingGenerator(TINY).eval(), GrowingDiscriminator(TINY)
    pictures = generator(torch.randn(count, 64), stage, alpha)
    assert pictures.shape == (count, 3, 8 * 2**stage, 8 * 2**stage)
    assert discriminator(pictures, stage, alpha).shape == (count,)


@pytest.mark.parametrize("stage", [1, 2])
def test_a_blend_is_exact_at_both_ends(stage):
    generator, z = GrowingGenerator(TINY).eval(), torch.randn(3, 64)
    assert torch.equal(generator(z, stage, 0.0), double(generator(z, stage - 1)))
    assert torch.equal(generator(z, stage, 1.0), generator(z, stage))
    discriminator, x = (
        GrowingDiscriminator(TINY).eval(),
        torch.randn(3, 3, 8 * 2**stage, 8 * 2**stage),
    )
    assert torch.equal(discriminator(x, stage, 0.0), discriminator(halve(x), stage - 1))
    assert not torch.equal(discriminator(x, stage, 0.5), discriminator(x, stage))


def test_a_blend_lies_between():
    old, new = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    assert torch.equal(fade_in(old, new, 0.0), old) and torch.equal(fade_in(old, new, 1.0), new)
    torch.testing.assert_close(fade_in(old, new, 0.25), 0.75 * old + 0.25 * new)


def test_halving_undoes_doubling():
    x = torch.randn(2, 3, 4, 6)
    torch.testing.assert_close(halve(double(x)), x)
    assert halve(x, 0) is x and double(x).shape == (2, 3, 8, 12)


@pytest.mark.parametrize("count", [1, 3])
def test_the_multi_scale_discriminator_sees_every_scale(count):
    generator, discriminator = GrowingGenerator(TINY).eval(), MultiScaleDiscriminator(TINY)
    pictures = [x.detach().requires_grad_() for x in generator.scales(torch.randn(count, 64))]
    assert [x.shape[-1] for x in pictures] == [8, 16, 32]
    logits = discriminator(pictures)
    assert logits.shape == (count,)
    slopes = torch.autograd.grad(logits.sum(), pictures)
    assert all(slope.abs().sum() > 0 for slope in slopes)


def test_no_layer_is_ever_locked():
    images = eight_arms(16, 32)
    grown = train_growing(images, [(0, 1, 0), (1, 2, 2), (2, 2, 2)], widths=TINY, batch=4)
    assert all(p.requires_grad for p in grown.generator.parameters())
    for stage, norms in enumerate(grown.norms):
        for n in range(3):
            assert (norms[f"block {8 * 2**n}"] is not None) is (n <= stage)
        assert norms["begin"] > 0 and norms["block 8"] > 0
    assert gradient_norms(GrowingGenerator(TINY))["begin"] is None


def test_training_teaches_both_networks_and_the_average():
    images = eight_arms(16, 32)
    one, three = (train_growing(images, [(2, n, 0)], widths=TINY, batch=4) for n in (1, 3))
    again = train_growing(images, [(2, 3, 0)], widths=TINY, batch=4)
    for part in ("generator", "average", "discriminator"):
        a, b, c = (
            torch.cat([p.detach().flatten() for p in getattr(x, part).parameters()])
            for x in (one, three, again)
        )
        assert not torch.equal(a, b) and torch.equal(b, c)  # learns; the seed decides
    assert not three.average.training


# ------------------------------------------------------------------------------ style


@pytest.mark.parametrize("scale", [0.1, 1.0, 1e3])
def test_only_the_direction_of_z_counts(scale):
    mapping, z = MappingNetwork(), torch.randn(5, 64)
    torch.testing.assert_close(mapping.normalise(z).square().mean(1), torch.ones(5))
    torch.testing.assert_close(mapping(z * scale), mapping(z), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("demodulate", [True, False])
@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("count", [1, 3])
def test_a_modulated_convolution_is_one_convolution_per_picture(demodulate, kernel, count):
    layer = ModulatedConv(5, 7, 6, kernel, demodulate)
    x, w = torch.randn(count, 5, 6, 8), torch.randn(count, 6)
    expected = []
    for one, style in zip(x, layer.to_style(w), strict=True):
        weight = layer.weight * style[None, :, None, None]
        if demodulate:
            weight = weight / weight.square().sum((1, 2, 3), keepdim=True).add(1e-8).sqrt()
        expected.append(F.conv2d(one[None], weight, padding=kernel // 2)[0])
    torch.testing.assert_close(layer(x, w), torch.stack(expected), atol=1e-5, rtol=1e-4)


def test_demodulation_keeps_the_variance_at_one_whatever_the_style():
    x, w = torch.randn(16, 32, 32, 32), 5 * torch.randn(16, 64)
    with torch.no_grad():
        on, off = (ModulatedConv(32, 32, 64, demodulate=d)(x, w) for d in (True, False))
    inside = on[..., 1:-1, 1:-1]
    assert abs(inside.var() - 1) < 0.05
    assert inside.var((0, 2, 3)).sub(1).abs().max() < 0.2
    assert off.var() > 5


def test_noise_starts_without_effect_and_is_added_where_it_is_given():
    block, x, w = StyleBlock(4, 6, 8), torch.randn(2, 4, 5, 5), torch.randn(2, 8)
    noise = torch.randn(2, 1, 10, 10)
    assert block(x, w, None).shape == (2, 6, 10, 10)
    assert torch.equal(block(x, w, noise), block(x, w, None))
    with torch.no_grad():
        block.strength.fill_(0.5)
    changed = (block(x, w, noise) != block(x, w, None)).flatten(1).float().mean(1)
    assert (changed > 0.99).all()
    assert torch.equal(block(x, w, 0 * noise), block(x, w, None))


@pytest.mark.parametrize("count", [1, 3, 4])
@pytest.mark.parametrize("widths", [(8, 6), (8, 6, 4), (8, 6, 4, 4)])
def test_style_networks_fit_each_other(count, widths):
    generator = StyleGenerator(widths, latent=10)
    pictures = generator(torch.randn(count, 10), generator.noise(count, lot()))
    side = 4 * 2 ** len(widths)
    assert generator.size == side and pictures.shape == (count, 3, side, side)
    discriminator = StyleDiscriminator(tuple(reversed(widths)))
    assert discriminator(pictures).shape == (count,)


def test_each_layer_takes_its_own_style():
    generator = StyleGenerator(TINY)
    w = generator.mapping(torch.randn(2, 64))
    everywhere = w[:, None].expand(-1, generator.layers, -1)
    assert torch.equal(generator.synthesise(w), generator.synthesise(everywhere))
    for layer in range(generator.layers):
        changed = everywhere.clone()
        changed[:, layer] = w.flip(0)
        assert not torch.allclose(generator.synthesise(changed), generator.synthesise(w))


def test_truncation_is_the_identity_at_1_and_one_picture_at_0():
    generator, z = StyleGenerator(TINY), torch.randn(4, 64)
    generator.find_mean()
    w = generator.mapping(z)
    assert torch.equal(generator.truncate(w, 1.0), w)
    assert torch.equal(generator(z, psi=1.0), generator.synthesise(w))
    flat = generator(z, psi=0.0)
    assert torch.equal(flat, flat[:1].expand_as(flat))
    torch.testing.assert_close(
        generator.mean_w, generator.mapping(torch.randn(4000, 64)).mean(0), atol=0.15, rtol=0
    )


def test_mixed_styles_change_once_and_only_towards_the_top():
    generator = StyleGenerator(TINY)
    plain, mixed = (mixed_styles(generator, 50, lot(), share) for share in (0.0, 1.0))
    assert torch.equal(plain, plain[:, :1].expand_as(plain))
    changes = (mixed[:, 1:] != mixed[:, :-1]).any(2).sum(1)
    assert (changes == 1).all() and torch.equal(mixed[:, 0], plain[:, 0])


def test_slerp_turns_evenly():
    a, b = torch.randn(5, 64), torch.randn(5, 64) * 2
    torch.testing.assert_close(slerp(a, b, 0.0), a)
    torch.testing.assert_close(slerp(a, b, 1.0), b)
    whole = F.cosine_similarity(a, b).acos()
    third = F.cosine_similarity(a, slerp(a, b, 1 / 3)).acos()
    torch.testing.assert_close(third, whole / 3, atol=1e-3, rtol=0)
    assert torch.isfinite(slerp(a, a, 0.5)).all()


def test_a_carpet_has_no_edge():
    generator = StyleGenerator(TINY).eval()
    one = carpet(generator, 3, 4, seed=1)
    assert one.shape == (3, 3 * 32, 4 * 32) and one.min() >= 0 and one.max() <= 1
    finer = carpet(generator, 3, 8, seed=1)  # twice as many steps on the same round
    assert torch.allclose(finer[:, :, :32], one[:, :, :32], atol=1e-5)
    assert torch.allclose(finer[:, :, 64:96], one[:, :, 32:64], atol=1e-5)


def test_the_generator_that_ships_draws():
    generator = load_style_generator()
    assert generator.size == 32 and not any(p.requires_grad for p in generator.parameters())
    wishes = torch.arange(640) % 64
    pictures = draw_style(generator, generator.mapping(torch.randn(640, 64), wishes))
    assert pictures.shape == (640, 3, 32, 32) and pictures.min() >= 0 and pictures.max() <= 1
    real = eight_arms(640, 32).float() / 255
    assert pictures.std(0).mean() > 0.7 * real.std(0).mean()  # not one picture
    judge = load_judge("rangoli", torch.device("cpu"))
    said = judge.read(pictures)
    told = said["motif"].argmax(1) * 8 + said["colour"].argmax(1) == wishes
    assert told.float().mean() > 0.8
    assert frechet_distance(judge(real), judge(pictures)) < 12


def test_labels_are_what_the_judge_sees():
    pictures, labels = told_eight_arms(100, 32)
    said = load_judge("rangoli", torch.device("cpu")).read(pictures.float() / 255)
    seen = said["motif"].argmax(1) * 8 + said["colour"].argmax(1)
    assert (seen == labels).float().mean() > 0.97


def test_a_label_steers_w_and_a_wrong_one_is_refused():
    generator, z = StyleGenerator(TINY, classes=4).eval(), torch.randn(1, 64).expand(4, -1)
    w = generator.mapping(z, torch.arange(4))
    assert len({tuple(one.tolist()) for one in w}) == 4
    generator.find_mean()
    assert torch.isfinite(generator.mean_w).all()
    for label in (None, torch.tensor([0, 1, 2, 4]), torch.tensor([0])):
        with pytest.raises(ValueError):
            generator.mapping(z, label)
    with pytest.raises(ValueError):
        StyleGenerator(TINY).mapping(z, torch.arange(4))


def test_training_with_labels_resumes(tmp_path):
    images, labels = told_eight_arms(12, 32)
    options = {"labels": labels, "classes": 64, "widths": TINY, "batch": 4, "mixing": 0.0}
    a = train_style(images, steps=2, **options)
    train_style(images, steps=2, folder=tmp_path, **options)
    b = train_style(images, steps=2, folder=tmp_path, **options)
    for one, other in zip(a.average.parameters(), b.average.parameters(), strict=True):
        assert torch.equal(one, other)


def test_rangoli_of_eight_arms_are_drawn_anew_for_each_seed():
    a, b = eight_arms(5, 32), eight_arms(5, 32, seed=1)
    assert a.shape == (5, 3, 32, 32) and a.dtype == torch.uint8
    assert torch.equal(a, eight_arms(5, 32)) and not torch.equal(a, b)


# ------------------------------------------------------------------------------ few pictures


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("count", [1, 3])
def test_augmentation_changes_each_picture_and_lets_gradients_through(size, count):
    x = torch.rand(count, 3, size, size).mul(2).sub(1).requires_grad_()
    changed = augment(x, lot())
    assert changed.shape == x.shape and torch.isfinite(changed).all()
    (slope,) = torch.autograd.grad(changed.sum(), x)
    assert (slope != 0).flatten(1).float().mean(1).min() > 0.3
    assert augment(x, lot(), strength=0) is x
    assert torch.equal(changed, augment(x, lot())) and not torch.equal(changed, augment(x, lot(1)))


def test_augmentation_grows_with_its_strength():
    x = torch.rand(64, 3, 32, 32) * 2 - 1
    change = [(augment(x, lot(), s) - x).abs().mean().item() for s in (0.0, 0.05, 0.3, 1.0)]
    assert change[0] == 0 and change == sorted(change) and change[-1] > 0.2


def test_augmentation_shifts_both_ways_and_cuts_a_hole():
    x = torch.ones(200, 3, 32, 32)
    changed = augment(x, lot())
    black = (changed == -1).all(1)  # what came in from outside
    assert black[:, 0].all(1).any() and black[:, -1].all(1).any()
    assert black[:, :, 0].all(1).any() and black[:, :, -1].all(1).any()
    assert black.float().mean((1, 2)).max() < 0.27
    hole = (changed == 0).all(1).float().mean((1, 2))
    assert 0.05 < hole.mean() < 0.25 and hole.max() <= 0.25


def test_training_resumes_where_it_was(tmp_path):
    images, options = eight_arms(12, 32), {"widths": TINY, "judge_widths": (6, 8, 12), "batch": 4}
    whole = train_style(images, steps=4, **options)
    part = train_style(images, steps=2, folder=tmp_path / "b", **options)
    assert part.history["loss_D"][0][1] == pytest.approx(whole.history["loss_D"][0][1])
    kept = train_style(images, steps=2, folder=tmp_path / "b", **options)
    for a, b in zip(part.average.parameters(), kept.average.parameters(), strict=True):
        assert torch.equal(a, b)
    assert len(whole.history["loss_D"]) == 4


def test_a_wrong_size_names_the_right_one():
    with pytest.raises(ValueError, match="32, 32"):
        train_style(eight_arms(8, 64), steps=1, widths=TINY)
    with pytest.raises(ValueError, match="32, 64"):
        train_on_folder(eight_arms(8, 32), size=48)


def test_memorised_is_the_difference_in_spreads():
    def discriminator(x):
        return x.mean((1, 2, 3))

    discriminator.parameters = lambda: iter([torch.zeros(1)])
    bright, dark = (torch.full((5, 3, 8, 8), v, dtype=torch.uint8) for v in (200, 100))
    assert memorised(discriminator, bright, dark) > 1
    assert (
        memorised(
            discriminator,
            dark,
            dark.roll(1, 0) + torch.arange(5, dtype=torch.uint8)[:, None, None, None],
        )
        < 0
    )


@pytest.fixture
def odd_folder(tmp_path):
    """Six pictures in six formats, and two files that are none."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    picture.save(tmp_path / "a.png")
    turned = Image.Exif()
    turned[0x0112] = 6  # a camera held upright
    picture.save(tmp_path / "b.jpg", exif=turned)
    picture.convert("CMYK").save(tmp_path / "c.jpg")
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(tmp_path / "d.png")
    picture.save(tmp_path / "e.gif", save_all=True, append_images=[picture.rotate(90)])
    picture.save(tmp_path / "f.webp")
    (tmp_path / "g.jpg").write_text("This is no picture.")
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "h.png").write_bytes(whole[: len(whole) // 2])
    return tmp_path


def test_a_folder_of_odd_files_trains_and_tells_what_it_left_out(odd_folder, capsys):
    trained = train_on_folder(odd_folder, size=32, steps=2, held_out=0.2)
    assert trained.report.read == ["a.png", "b.jpg", "c.jpg", "d.png", "e.gif", "f.webp"]
    assert [name for name, _ in trained.report.skipped] == ["g.jpg", "h.png"]
    assert len(trained.images) + len(trained.held_out) == 6 and len(trained.held_out) >= 1
    assert math.isfinite(trained.gap)
    told = capsys.readouterr().out
    assert "g.jpg" in told and "h.png" in told
    w = trained.average.mapping(torch.randn(2, 64))
    assert torch.isfinite(draw_style(trained.average, w)).all()


def test_empty_and_missing_folders_name_the_cure(tmp_path):
    with pytest.raises(ValueError, match="put pictures into it"):
        train_on_folder(tmp_path, size=32, steps=1)
    with pytest.raises(FileNotFoundError, match="Check its name"):
        train_on_folder(tmp_path / "nowhere", size=32, steps=1)
    with pytest.raises(ValueError, match="at least 5"):
        train_on_folder(eight_arms(4, 32), size=32, steps=1)


def test_the_default_pictures_are_made_of_a_photograph(tmp_path):
    folder = demo_pictures(tmp_path / "demo", count=6)
    assert len(list(folder.glob("*.png"))) == 6
    trained = train_on_folder(folder, size=32, steps=1)
    assert trained.report.skipped == []
