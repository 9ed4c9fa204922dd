"""What 2-dcgan teaches: the networks, their losses, the loop, and the generator that ships."""

import copy
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from common import gan
from common.gan import (
    OURS,
    PUBLISHED,
    Discriminator,
    GanConfig,
    Generator,
    MinibatchStd,
    Muon,
    SelfModulation,
    evened,
    hinge_discriminator_loss,
    hinge_generator_loss,
    load_dcgan,
    sample,
    train_gan,
    update_average,
)

WEIGHTS = Path(gan.__file__).parent / "weights" / "dcgan-rangoli.safetensors"
TINY = GanConfig(width=4, latent=8, batch=8)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def pictures(count=32, channels=1):
    lot = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, channels, 32, 32), generator=lot).to(torch.uint8)


def weights(module):
    return torch.cat([p.detach().flatten() for p in module.parameters()])


@pytest.mark.parametrize("upsampling", ["nearest", "transposed"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("classes", [0, 64])
@pytest.mark.parametrize("modulated", [False, True])
def test_a_generator_draws_pictures_in_range(upsampling, channels, count, classes, modulated):
    network = Generator(channels, 8, 16, classes, upsampling, modulated).eval()
    label = torch.arange(count) if classes else None
    made = network(torch.randn(count, 16), label)
    assert made.shape == (count, channels, 32, 32)
    assert made.abs().max() <= 1


@pytest.mark.parametrize("norm", ["spectral", "batch", "none"])
@pytest.mark.parametrize("first", ["unshuffle", "stride"])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("classes", [0, 64])
@pytest.mark.parametrize("spread", [False, True])
def test_a_discriminator_gives_one_logit_for_each(norm, first, count, classes, spread):
    network = Discriminator(3, 8, norm, spread, classes, first)
    label = torch.arange(count) if classes else None
    assert network(torch.randn(count, 3, 32, 32), label).shape == (count,)


def test_sizes_are_those_of_the_lesson():
    def count(network):
        return sum(p.numel() for p in network.parameters())

    assert count(Generator()) == 227_148
    assert count(Discriminator(norm="none")) == 169_569
    generator, discriminator = PUBLISHED.make(3)
    # 100·256·16, then kernels of 4 × 4, and two numbers for each map of a batch norm
    assert count(generator) == 100 * 4096 + 16 * (256 * 128 + 128 * 64 + 64 * 3) + 2 * 448
    assert count(discriminator) == 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256) + 2 * 384


def test_no_network_pools_and_none_has_a_hidden_matrix():
    for config in (PUBLISHED, replace(OURS, modulated=False)):  # else they read the style
        generator, discriminator = config.make(3)
        layers = [*generator.modules(), *discriminator.modules()]
        assert not any("Pool" in type(layer).__name__ for layer in layers)
        assert sum(isinstance(layer, nn.Linear) for layer in layers) == 1


def test_a_label_changes_the_picture_and_the_logit():
    z, x = torch.randn(1, 64).expand(2, -1), torch.randn(1, 3, 32, 32).expand(2, -1, -1, -1)
    drawn = Generator(classes=64).eval()(z, torch.tensor([3, 4]))
    assert not torch.allclose(drawn[0], drawn[1], atol=1e-3)
    logits = Discriminator(classes=64)(x, torch.tensor([3, 4]))
    assert not torch.allclose(logits[0], logits[1], atol=1e-4)


def test_projection_is_its_formula():
    network = Discriminator(norm="none", classes=5)
    x, label = torch.randn(4, 3, 32, 32), torch.tensor([0, 4, 2, 2])
    cells = network.body(x)
    fits = torch.einsum("nd,ndhw->n", network.embed.weight[label], cells)
    torch.testing.assert_close(network(x, label), network.judge(cells).flatten() + fits)


def test_spectral_norm_bounds_every_layer():
    network = Discriminator(norm="spectral", classes=10)
    for _ in range(30):  # rounds of power iteration
        network(torch.randn(2, 3, 32, 32), torch.zeros(2, dtype=torch.long))
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Embedding)]
    assert len(layers) == 5
    for layer in layers:
        largest = torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2)
        assert largest.item() == pytest.approx(1, abs=0.03)


def test_minibatch_std_is_the_mean_deviation_of_its_group():
    x = torch.randn(8, 3, 5, 5)
    out = MinibatchStd()(x)
    torch.testing.assert_close(out[:, :3], x)
    for first in (0, 1):  # groups of four: 0 2 4 6 and 1 3 5 7
        group = x[first::2]
        expected = group.std(0, unbiased=False).mean()
        torch.testing.assert_close(out[first::2, 3], expected.expand(4, 5, 5))
    assert MinibatchStd()(x[:1].expand(4, -1, -1, -1))[:, 3].max() < 1e-3


def test_hinge_is_torch_s_margin_loss():
    real, fake = torch.randn(50) * 2, torch.randn(50) * 2
    oracle = nn.HingeEmbeddingLoss(margin=1.0)  # for target -1: max(0, margin - x)
    expected = oracle(real, -torch.ones(50)) + oracle(-fake, -torch.ones(50))
    torch.testing.assert_close(hinge_discriminator_loss(real, fake), expected)
    torch.testing.assert_close(hinge_generator_loss(fake), -fake.mean())


def test_a_hinge_leaves_alone_what_is_right_by_a_margin():
    real, fake = (
        torch.tensor([2.0, 0.5]).requires_grad_(),
        torch.tensor([-2.0, 0.5]).requires_grad_(),
    )
    hinge_discriminator_loss(real, fake).backward()
    assert real.grad.tolist() == [0.0, -0.5] and fake.grad.tolist() == [0.0, 0.5]


def test_the_average_is_its_closed_form_and_takes_buffers_along():
    average, model = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    start = average.weight.detach().clone()
    model.weight.data = torch.tensor([2.0, 3.0, 4.0])
    model.running_mean += 5
    model.num_batches_tracked += 7
    for _ in range(10):
        update_average(average, model, 0.9)
    rest = 0.9**10
    torch.testing.assert_close(average.weight.data, rest * start + (1 - rest) * model.weight.data)
    assert torch.equal(average.running_mean, model.running_mean)
    assert average.num_batches_tracked == 7
    update_average(average, model, 0.0)
    torch.testing.assert_close(average.weight, model.weight)


@pytest.mark.parametrize("loss", ["hinge", "non-saturating", "saturating"])
@pytest.mark.parametrize("norm", ["spectral", "batch", "none"])
def test_three_steps_change_both_networks(loss, norm):
    config = replace(TINY, loss=loss, norm=norm, r1=0.1 if norm == "none" else 0.0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator, discriminator = config.make(1)
    trained = train_gan(config, pictures(), steps=3)
    for before, after in ((generator, trained.generator), (discriminator, trained.discriminator)):
        assert weights(after).isfinite().all()
        assert not torch.equal(weights(before), weights(after))
    assert [len(values) for values in trained.history.values()] == [3] * 4


@pytest.mark.parametrize("change", [{"norm": "batch"}, {"minibatch_std": True}])
def test_what_looks_at_a_whole_batch_never_sees_real_and_fake_in_one(change, monkeypatch):
    seen, forward = [], gan.Discriminator.forward

    def watched(self, x, *label):
        seen.append(len(x))
        return forward(self, x, *label)

    monkeypatch.setattr(gan.Discriminator, "forward", watched)
    train_gan(replace(TINY, **change), pictures(), steps=2)
    assert set(seen) == {TINY.batch}


@pytest.mark.parametrize("classes", [0, 4])
@pytest.mark.parametrize("norm", ["spectral", "none"])
def test_a_pack_holds_different_pictures_of_one_label(classes, norm, monkeypatch):
    numbers = torch.arange(32)
    flat = numbers.to(torch.uint8)[:, None, None, None].expand(32, 1, 32, 32)  # each tells which
    labels = numbers % classes if classes else None
    packs, forward = [], gan.Discriminator.forward

    def watched(self, x, *label):
        assert x.shape[1:] == (2, 32, 32) and all(len(y) == len(x) for y in label)
        for i, pack in enumerate(x.detach().flatten(2)):
            if torch.equal(pack.min(1).values, pack.max(1).values):  # real: no pixel differs
                told = [int(y[i]) for y in label]
                packs.append(((pack[:, 0] + 1).mul(127.5).round().long().tolist(), told))
        return forward(self, x, *label)

    monkeypatch.setattr(gan.Discriminator, "forward", watched)
    config = replace(TINY, classes=classes, norm=norm, pack=2, r1=0.1 if norm == "none" else 0.0)
    train_gan(config, flat, labels=labels, steps=10)
    assert len(packs) >= 10 * config.batch // 2
    for pack, told in packs:
        assert [number % classes for number in pack] == told * 2 if classes else not told
    seconds = {pack[1] for pack, _ in packs}
    assert sum(a == b for (a, b), _ in packs) < len(packs) / 3 and len(seconds) > 16


def test_each_player_only_moves_itself():
    begun = train_gan(TINY, pictures(), steps=2)
    for rates, moved in (((0.0, 1e-3), "discriminator"), ((1e-3, 0.0), "generator")):
        after = train_gan(replace(TINY, rates=rates), pictures(), steps=2, start=begun)
        for name in ("generator", "discriminator"):
            same = torch.equal(weights(getattr(begun, name)), weights(getattr(after, name)))
            assert same is (name != moved)


def test_the_discriminator_is_not_left_frozen():
    trained = train_gan(TINY, pictures(), steps=1)
    assert all(p.requires_grad for p in trained.discriminator.parameters())


def test_the_same_seed_gives_the_same_weights_and_another_does_not():
    first, again, other = (train_gan(TINY, pictures(), steps=3, seed=s) for s in (0, 0, 1))
    assert torch.equal(weights(first.average), weights(again.average))
    assert not torch.equal(weights(first.average), weights(other.average))


def test_training_leaves_torch_s_random_state_alone():
    before = torch.get_rng_state()
    train_gan(TINY, pictures(), steps=1)
    assert torch.equal(before, torch.get_rng_state())


def test_a_start_is_copied_not_changed():
    begun = train_gan(TINY, pictures(), steps=1)
    kept = copy.deepcopy(begun.generator.state_dict())
    train_gan(TINY, pictures(), steps=2, start=begun)
    for name, value in begun.generator.state_dict().items():
        assert torch.equal(value, kept[name])


def test_the_rates_fall_to_zero_over_the_second_half(monkeypatch):
    seen = []
    step = torch.optim.Adam.step

    def spy(self, *arguments):
        seen.append(self.param_groups[0]["lr"])
        return step(self, *arguments)

    monkeypatch.setattr(torch.optim.Adam, "step", spy)
    train_gan(replace(TINY, decay=True, rates=(1e-3, 2e-3)), pictures(), steps=8)
    assert seen[::2] == pytest.approx([2e-3 * s for s in (1, 1, 1, 1, 1, 0.75, 0.5, 0.25)])
    assert seen[1::2] == pytest.approx([rate / 2 for rate in seen[::2]])


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 24, 8), (2, 8, 24)])
def test_evened_keeps_directions_and_evens_their_strengths(shape):
    torch.manual_seed(0)
    matrices = torch.randn(shape)
    even = evened(matrices)
    for before, after, same in zip(matrices, even, evened(100 * matrices), strict=True):
        u, _, vt = torch.linalg.svd(before, full_matrices=False)
        strengths = torch.diagonal(u.T @ after @ vt.T)
        assert strengths.min() > 0.5 and strengths.max() < 1.3
        assert torch.allclose(u @ torch.diag(strengths) @ vt, after, atol=1e-4)
        assert torch.allclose(same, after, atol=1e-4)  # how strong the gradient was is forgotten


def test_muon_is_the_librarys_on_matrices():
    torch.manual_seed(0)
    ours, theirs = ([torch.nn.Parameter(torch.ones(s)) for s in ((6, 9), (9, 6))] for _ in range(2))
    pairs = [
        (ours, Muon(ours, lr=0.1)),
        (theirs, torch.optim.Muon(theirs, lr=0.1, weight_decay=0)),  # computes in bfloat16
    ]
    for step in range(3):
        for parameters, optimizer in pairs:
            lot = torch.Generator().manual_seed(step)
            for p in parameters:
                p.grad = torch.randn(p.shape, generator=lot)
            optimizer.step()
    for mine, its in zip(ours, theirs, strict=True):
        assert (mine - 1).abs().mean() > 0.05
        torch.testing.assert_close(mine, its, atol=0.02, rtol=0)


def test_a_kernel_is_a_matrix_to_muon():
    torch.manual_seed(0)
    kernel = torch.nn.Parameter(torch.randn(8, 3, 4, 2))
    matrix = torch.nn.Parameter(kernel.detach().flatten(1).clone())
    kernel.grad = torch.randn(8, 3, 4, 2)
    matrix.grad = kernel.grad.flatten(1)
    for p in (kernel, matrix):
        Muon([p], lr=0.1, momentum=0).step()
    torch.testing.assert_close(kernel.flatten(1), matrix)


def test_muon_takes_steps_of_one_length_and_can_be_kept():
    torch.manual_seed(0)
    wide, tall = (torch.nn.Parameter(torch.zeros(s)) for s in ((4, 8), (8, 4)))
    gradients = [torch.randn(4, 8), 1000 * torch.randn(8, 4)]
    muon = Muon([wide, tall], lr=0.1)
    for p, gradient in zip((wide, tall), gradients, strict=True):
        p.grad = gradient
    muon.step()
    assert torch.allclose(wide, -0.1 * evened(gradients[0][None])[0], atol=1e-5)
    assert torch.allclose(tall, -0.1 * 2**0.5 * evened(gradients[1][None])[0], atol=1e-5)
    copy_of = [torch.nn.Parameter(p.detach().clone()) for p in (wide, tall)]
    other = Muon(copy_of, lr=1.0)
    other.load_state_dict(copy.deepcopy(muon.state_dict()))
    for p, q, gradient in zip((wide, tall), copy_of, gradients, strict=True):
        p.grad = q.grad = gradient.flip(0)
    muon.step()
    other.step()
    assert torch.equal(wide, copy_of[0]) and torch.equal(tall, copy_of[1])


@pytest.mark.parametrize("norm", ["spectral", "batch", "none"])
def test_muon_has_the_discriminators_hidden_kernels_and_adam_the_rest(norm, monkeypatch):
    seen = {}
    for kind in (Muon, torch.optim.Adam):
        step = kind.step

        def spy(self, *args, step=step, kind=kind, **options):
            (group,) = self.param_groups
            seen.setdefault(kind, []).append((group["lr"], [p.shape for p in group["params"]]))
            return step(self, *args, **options)

        monkeypatch.setattr(kind, "step", spy)
    config = replace(TINY, norm=norm, muon=0.02, decay=True, rates=(1e-3, 2e-3))
    train_gan(config, pictures(), steps=4)
    assert [rate for rate, _ in seen[Muon]] == pytest.approx([0.02, 0.02, 0.02, 0.01])
    assert seen[Muon][0][1] == [(4, 4, 3, 3), (8, 4, 4, 4), (16, 8, 4, 4)]
    assert [rate for rate, _ in seen[torch.optim.Adam][::2]] == pytest.approx([2e-3] * 3 + [1e-3])
    generator, discriminator = config.make(1)
    rest = [p.shape for p in discriminator.parameters() if p.shape not in seen[Muon][0][1]]
    assert seen[torch.optim.Adam][0][1] == rest  # the last layer too: it is no hidden one
    assert seen[torch.optim.Adam][1][1] == [p.shape for p in generator.parameters()]


def test_a_run_goes_on_from_its_folder_to_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "1")
    config = replace(TINY, classes=10, muon=0.02)
    labels = torch.arange(32) % 10
    whole = train_gan(config, pictures(), labels=labels, steps=6)
    train_gan(config, pictures(), labels=labels, steps=3, folder=tmp_path)
    resumed = train_gan(config, pictures(), labels=labels, steps=6, folder=tmp_path)
    for name in ("generator", "average", "discriminator"):
        assert torch.equal(weights(getattr(whole, name)), weights(getattr(resumed, name)))
    assert resumed.history == whole.history


def test_notes_of_the_caller_reach_the_history():
    trained = train_gan(TINY, pictures(), steps=2, note=lambda step, _: {"seen": step * 8})
    assert [value for _, value in trained.history["seen"]] == [8, 16]


@pytest.mark.parametrize(("count", "size"), [(2, (4, 4)), (3, (5, 2))])
def test_self_modulation_is_the_librarys_batch_norm_with_a_pictures_own_gain(count, size):
    layer, x, style = SelfModulation(6, 5), torch.randn(count, 6, *size), torch.randn(count, 5)
    norm = nn.BatchNorm2d(6, affine=False)
    gain = 1 + style @ layer.gain.weight.T + layer.gain.bias
    shift = style @ layer.shift.weight.T + layer.shift.bias
    expected = [
        g[:, None, None] * y + s[:, None, None]
        for g, y, s in zip(gain, norm(x), shift, strict=True)
    ]
    torch.testing.assert_close(layer(x, style), torch.stack(expected))


def test_all_weights_of_a_modulated_generator_learn():
    generator = GanConfig(width=4, latent=8, modulated=True).make(1)[0]
    generator(torch.randn(4, 8)).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in generator.parameters())


@pytest.mark.parametrize("modulated", [False, True])
def test_samples_depend_on_their_own_noise_alone(modulated):
    generator = Generator(1, 4, 8, modulated=modulated)
    generator(torch.randn(64, 8))  # batch norm has seen something
    many, few = sample(generator, 600, seed=3), sample(generator, 600, seed=3)[:5]
    torch.testing.assert_close(many[:5], few)
    assert many.shape == (600, 1, 32, 32) and many.min() >= 0 and many.max() <= 1
    assert generator.training
    assert not torch.equal(sample(generator, 5, seed=4), few)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Generator()(torch.randn(2, 63)), r"z must be \[N, 64\]"),
        (lambda: Generator(upsampling="bicubic"), "'bicubic'"),
        (lambda: Discriminator(norm="layer"), "'layer'"),
        (lambda: Discriminator()(torch.randn(2, 1, 32, 32)), r"\[N, 3, 32, 32\], not \[2, 1"),
        (lambda: Discriminator()(torch.randn(2, 3, 64, 64)), r"not \[2, 3, 64, 64\]"),
        (lambda: Generator(classes=10)(torch.randn(2, 64)), "10 classes: give it a label"),
        (lambda: Generator()(torch.randn(2, 64), torch.zeros(2)), "no classes"),
        (
            lambda: Generator(classes=10)(torch.randn(2, 64), torch.tensor([0, 10])),
            r"0…9; these go from 0 to 10",
        ),
        (
            lambda: Generator(classes=10)(torch.randn(2, 64), torch.tensor([-1, 3])),
            r"from -1 to 3",
        ),
        (
            lambda: Discriminator(classes=10)(torch.randn(2, 3, 32, 32), torch.tensor([1])),
            r"2 pictures need labels of shape \[2\]",
        ),
        (lambda: train_gan(TINY, pictures().float(), steps=1), "must be uint8"),
        (lambda: train_gan(TINY, pictures()[..., :28, :28], steps=1), r"\[32, 1, 28, 28\]"),
        (lambda: train_gan(replace(TINY, classes=3), pictures(), steps=1), "3 classes"),
        (lambda: train_gan(replace(TINY, pack=3), pictures(), steps=1), "8 does not split .* of 3"),
        (lambda: sample(Generator(classes=4), 2), "4 classes"),
        (lambda: load_dcgan(name="nothing"), "course.py train dcgan"),
    ],
)
def test_bad_input_is_named_with_its_cure(call, says):
    with pytest.raises((ValueError, FileNotFoundError), match=says):
        call()


@pytest.mark.skipif(not WEIGHTS.is_file(), reason="dcgan-rangoli is not trained yet")
def test_the_shipped_generator_scores_as_its_card_says():
    from common.metrics import load_judge, modes, real_features

    judge, wanted = load_judge("rangoli", "cpu"), torch.arange(2000) % 64
    made = sample(load_dcgan(), 2000, seed=21, labels=wanted)
    card = WEIGHTS.with_suffix(".md").read_text("utf-8")
    fid = float(re.search(r"this generator \| ([0-9.]+)", card)[1])
    measured = gan.frechet_distance(real_features("rangoli", "cpu"), judge(made))
    assert math.isclose(measured, fid, rel_tol=0.25, abs_tol=0.5)
    assert modes(judge, made).covered >= 62
    seen = judge.read(made)
    right = (seen["motif"].argmax(1) == wanted // 8) & (seen["colour"].argmax(1) == wanted % 8)
    assert right.float().mean() > 0.9
