"""What 2-vqgan teaches: the eye, the appraiser of patches, λ, the loop, the shipped model."""

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from common import vqgan
from common.metrics import load_judge
from common.rangoli import rangoli
from common.vqgan import (
    FeatureNet,
    PatchDiscriminator,
    TrainedVqgan,
    VqganConfig,
    adaptive_weight,
    last_layer,
    load_feature_net,
    load_vqgan,
    perceptual_loss,
    restore,
    sharpness,
    signed,
    train_feature_net,
    train_vqgan,
    vqgan_report,
)

WEIGHTS = Path(vqgan.__file__).parent / "weights"
TINY = VqganConfig(width=16, codes=16, batch=8, warm_up=1)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def eye():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return FeatureNet(8).eval().requires_grad_(False)


def pictures(count=16):
    return rangoli(count, seed=1)[0]


def train(eye, steps=4, **changes):
    return train_vqgan(pictures(), steps=steps, config=TINY, features=eye, **changes)


def weights(module):
    return torch.cat([p.detach().flatten() for p in module.parameters()])


# ---------------------------------------------------------------------------- λ


def test_lambda_is_the_formula_of_the_paper_at_a_convolution():
    layer = nn.Conv2d(2, 3, 3)
    x, target = torch.randn(4, 2, 6, 6), torch.randn(4, 3, 4, 4)
    drawn = layer(x)
    rebuild, fooled = (drawn - target).abs().mean(), -drawn.pow(3).mean()
    found = adaptive_weight(rebuild, fooled, layer.weight)
    rebuild.backward(retain_graph=True)  # the graphs are still there
    pull = layer.weight.grad.clone()
    layer.weight.grad = None
    fooled.backward()
    push = layer.weight.grad
    expected = pull.square().sum().sqrt() / (push.square().sum().sqrt() + 1e-4)
    torch.testing.assert_close(found, expected)


def test_lambda_is_detached_and_clamped_and_leaves_no_gradient():
    w = torch.tensor([3.0, 4.0], requires_grad=True)
    rebuild, silent = w.square().sum() / 2, 0 * w.sum()  # gradients: [3, 4] and [0, 0]
    free = adaptive_weight(rebuild, silent, w)
    assert free.item() == pytest.approx(10_000) and not free.requires_grad  # 5 / 1e-4, clamped
    assert adaptive_weight(rebuild, silent, w, limit=1e9).item() == pytest.approx(50_000)
    assert adaptive_weight(rebuild, silent, w, limit=7).item() == 7
    assert w.grad is None


def test_a_louder_appraiser_gets_a_smaller_lambda():
    w = torch.tensor([3.0, 4.0], requires_grad=True)
    once = adaptive_weight(w.square().sum(), w.sum(), w)
    twice = adaptive_weight(w.square().sum(), 2 * w.sum(), w)
    assert twice.item() == pytest.approx(once.item() / 2, rel=1e-3)


def test_all_that_is_drawn_goes_through_the_last_layer():
    model, _ = TINY.make()
    codes = torch.randint(16, (2, 8, 8))
    before = model.decode(codes)
    with torch.no_grad():
        last_layer(model).zero_()
    after = model.decode(codes)
    assert before.std() > 0.01
    # Only the bias is left: the same 2 × 2 pixels everywhere, whatever the codes
    torch.testing.assert_close(after, after[:1, :, :2, :2].repeat(2, 1, 16, 16))


# ---------------------------------------------------------------------------- the eye


def test_equal_pictures_look_equal_and_others_do_not(eye):
    x = signed(pictures(4))
    assert perceptual_loss(eye, x, x) == 0
    assert perceptual_loss(eye, x.flip(3), x) > 0.01


def test_the_perceptual_loss_moves_the_copy_alone(eye):
    copied = signed(pictures(4)).flip(0).requires_grad_()
    original = signed(pictures(4)).requires_grad_()
    perceptual_loss(eye, copied, original).backward()
    assert copied.grad.abs().sum() > 0 and original.grad is None
    assert all(p.grad is None for p in eye.parameters())


def test_the_perceptual_loss_is_the_mean_of_relative_differences(eye):
    x, y = signed(pictures(3)), signed(pictures(3)).flip(0)
    parts = [
        (a - b).abs().mean() / (b.abs().mean() + 1e-3)
        for a, b in zip(eye.features(x), eye.features(y), strict=True)
    ]
    torch.testing.assert_close(perceptual_loss(eye, x, y), sum(parts) / 3)


@pytest.mark.parametrize("count", [1, 3])
def test_the_eye_s_shapes(eye, count):
    seen = eye.features(signed(pictures(count)))
    assert [tuple(f.shape[1:]) for f in seen] == [(8, 16, 16), (16, 8, 8), (32, 4, 4)]
    assert all(len(f) == count for f in seen)
    said = eye(signed(pictures(count)))
    assert {k: v.shape for k, v in said.items()} == {
        "motif": (count, 8),
        "colour": (count, 8),
        "ground": (count, 4),
        "symmetry": (count, 3),
    }


def test_labels_of_minus_one_teach_nothing_and_others_do():
    x, factors = rangoli(16, seed=1)
    torch.manual_seed(0)
    start = weights(FeatureNet())
    untaught = train_feature_net(x, torch.full((16, 4), -1), 2, batch=8)
    taught = train_feature_net(x, factors.stack(), 2, batch=8)
    assert torch.equal(weights(untaught), start)
    assert not torch.equal(weights(taught), start)
    assert not taught.training and not any(p.requires_grad for p in taught.parameters())


# ---------------------------------------------------------------------------- the appraiser


@pytest.mark.parametrize("spectral", [True, False])
@pytest.mark.parametrize("count", [1, 3])
def test_a_logit_for_each_of_64_places(spectral, count):
    assert PatchDiscriminator(8, spectral)(torch.randn(count, 3, 32, 32)).shape == (count, 1, 8, 8)


@pytest.mark.parametrize("row", range(1, 7))
def test_a_logit_sees_12_pixels_each_way_about_its_place(row):
    network = PatchDiscriminator(8)
    x = torch.randn(1, 3, 32, 32).requires_grad_()
    network(x)[0, 0, row, 8 - row].backward()
    reached = (x.grad[0] != 0).any(0)
    for sides, place in ((reached.any(1), row), (reached.any(0), 8 - row)):
        seen = sides.nonzero().flatten().tolist()
        first, last = max(0, 4 * place - 4), min(32, 4 * place + 8)
        assert seen == list(range(first, last))


def test_spectral_norm_bounds_every_layer():
    network = PatchDiscriminator(8)
    for _ in range(50):  # rounds of power iteration
        network(torch.randn(2, 3, 32, 32))
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert len(layers) == 4
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2).item() == pytest.approx(
            1, abs=0.03
        )


# ---------------------------------------------------------------------------- the loop


@pytest.mark.parametrize("perceptual", [0, 0.3])
@pytest.mark.parametrize("adversarial", [0, 0.4])
@pytest.mark.parametrize("adaptive", [True, False])
def test_each_combination_of_losses_trains(eye, perceptual, adversarial, adaptive):
    trained = train(
        eye, perceptual=perceptual, adversarial=adversarial, adaptive=adaptive, start_share=0.5
    )
    assert weights(trained.model).isfinite().all()
    assert ("lambda" in trained.history) == bool(adversarial and adaptive)
    assert ("loss_d" in trained.history) == bool(adversarial)
    assert not trained.model.training


@pytest.mark.parametrize(
    ("rates", "moved"), [((0.0, 1e-3), "discriminator"), ((1e-3, 0.0), "model")]
)
def test_each_player_only_moves_itself(eye, rates, moved):
    begun = train(eye, steps=2)
    after = train(eye, steps=2, start=begun, rates=rates, start_share=0)
    for name in ("model", "discriminator"):
        same = torch.equal(weights(getattr(begun, name)), weights(getattr(after, name)))
        assert same is (name != moved)


def test_the_discriminator_s_loss_gives_the_autoencoder_no_gradient(eye, monkeypatch):
    loss = vqgan.hinge_discriminator_loss
    monkeypatch.setattr(vqgan, "hinge_discriminator_loss", lambda a, b: loss(a, b) * 1e3)
    loud = train(eye, steps=2, start_share=0, rates=(2e-3, 0.0))
    monkeypatch.setattr(vqgan, "hinge_discriminator_loss", loss)
    quiet = train(eye, steps=2, start_share=0, rates=(2e-3, 0.0))
    for a, b in zip(loud.model.parameters(), quiet.model.parameters(), strict=True):
        assert torch.equal(a.grad, b.grad)


def test_the_discriminator_is_not_left_frozen(eye):
    assert all(p.requires_grad for p in train(eye, start_share=0).discriminator.parameters())


def test_the_generator_hears_the_discriminator_late_and_it_has_a_lead(eye):
    history = train(eye, steps=10, start_share=0.6, lead=2).history
    assert [step for step, _ in history["lambda"]] == [6, 7, 8, 9]
    assert [step for step, _ in history["loss_d"]] == [4, 5, 6, 7, 8, 9]
    assert len(history["rebuild"]) == 10


def test_lambda_stays_below_its_limit_in_training(eye):
    history = train(eye, start_share=0, limit=1e-3).history
    assert max(value for _, value in history["lambda"]) <= 1e-3 + 1e-9


def test_a_silent_adversary_changes_nothing(eye):
    alone = train(eye, adversarial=0)
    late = train(eye, start_share=1.0)  # it would join after the last step
    assert torch.equal(weights(alone.model), weights(late.model))
    loud = train(eye, start_share=0)
    assert not torch.equal(weights(alone.model), weights(loud.model))


def test_the_same_seed_gives_the_same_weights_and_leaves_the_dice_alone(eye):
    before = torch.get_rng_state()
    first, again, other = (train(eye, seed=s) for s in (0, 0, 1))
    assert torch.equal(weights(first.model), weights(again.model))
    assert torch.equal(first.model.quantizer.codebook, again.model.quantizer.codebook)
    assert not torch.equal(weights(first.model), weights(other.model))
    assert torch.equal(before, torch.get_rng_state())


def test_a_start_is_copied_not_changed_and_its_own_appraiser_is_kept(eye):
    begun = train(eye, steps=2)
    kept = copy.deepcopy(begun.model.state_dict())
    own = PatchDiscriminator(8, spectral=False)
    after = train(eye, start=TrainedVqgan(begun.model, own), start_share=0)
    for name, value in begun.model.state_dict().items():
        assert torch.equal(value, kept[name])
    assert weights(after.discriminator).shape == weights(own).shape
    assert not torch.equal(weights(after.model), weights(begun.model))


def test_a_frozen_start_learns_again(eye):
    begun = train(eye, steps=2)
    begun.model.eval().requires_grad_(False)  # as load_vqgan hands it out
    after = train(eye, steps=2, start=begun)
    assert not torch.equal(weights(after.model), weights(begun.model))


def test_a_run_goes_on_from_its_folder_to_the_same_bits(eye, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "1")
    options = {"start_share": 0.3, "folder": tmp_path}
    whole = train(eye, steps=6, start_share=0.3)

    class Lost(Exception):
        pass

    def lose(step, trained):
        if step == 4:
            raise Lost

    # What a lost machine leaves is the last file: save at every step, then stop at the fourth
    training = vqgan.Training
    monkeypatch.setattr(vqgan, "Training", lambda *a, **k: training(*a, **k, save_every=0))
    with pytest.raises(Lost):
        train(eye, steps=6, note=lose, **options)
    resumed = train(eye, steps=6, **options)
    assert torch.equal(weights(whole.model), weights(resumed.model))
    assert torch.equal(whole.model.quantizer.codebook, resumed.model.quantizer.codebook)
    assert torch.equal(weights(whole.discriminator), weights(resumed.discriminator))


def test_notes_of_the_caller_reach_the_history(eye):
    trained = train(eye, steps=2, note=lambda step, _: {"seen": step * 8})
    assert [value for _, value in trained.history["seen"]] == [8, 16]


# ---------------------------------------------------------------------------- the measures


def test_sharpness_by_hand():
    flat = torch.full((2, 3, 8, 8), 0.3)
    stripes = torch.tensor([0.0, 1.0]).repeat(4).expand(2, 3, 8, 8)  # 1 across, 0 down
    assert sharpness(flat) == 0
    assert sharpness(stripes) == pytest.approx(1)
    assert sharpness(stripes / 2) == pytest.approx(0.5)


class Perfect(nn.Module):
    """Gives every picture back; its codes are all 0 but one."""

    def __init__(self):
        super().__init__()
        self.quantizer = nn.Module()
        self.quantizer.codes = 4
        self.number = nn.Parameter(torch.zeros(()))

    def encode(self, x):
        self.kept = x
        indices = torch.zeros(len(x), 8, 8, dtype=torch.long)
        indices[0, 0, 0] = 3
        return indices

    def decode(self, indices):
        return self.kept


def test_the_report_of_a_perfect_model():
    images, factors = rangoli(200, seed=4)
    row = vqgan_report(Perfect(), images, factors, load_judge("rangoli"))
    assert row["psnr"] > 90 and row["sharpness"] == pytest.approx(1)
    assert row["rfid"] == pytest.approx(0, abs=1e-3)
    assert row["used"] == 2 and row["motif"] > 0.97 and row["colour"] > 0.9


def test_measuring_teaches_nothing_and_keeps_the_mode(eye):
    model = train(eye, steps=2).model.train()
    before = copy.deepcopy(model.state_dict())
    copied, codes = restore(model, pictures(3))
    assert copied.shape == (3, 3, 32, 32) and codes.shape == (3, 8, 8)
    assert copied.min() >= -1 and copied.max() <= 1 and codes.dtype == torch.long
    assert model.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_bytes_and_numbers_are_the_same_pictures():
    x = pictures(2)
    torch.testing.assert_close(signed(x), x.float() / 127.5 - 1)
    torch.testing.assert_close(signed(signed(x)), signed(x))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: signed(torch.zeros(3, 32, 32)), r"\[N, 3, 32, 32\], not \[3, 32, 32\]"),
        (lambda: PatchDiscriminator(8)(torch.zeros(1, 1, 32, 32)), r"not \[1, 1, 32, 32\]"),
        (lambda: FeatureNet(8).features(torch.zeros(1, 3, 64, 64)), r"not \[1, 3, 64, 64\]"),
        (lambda: train_feature_net(pictures(4), torch.zeros(4, 3).long(), 1), r"\[4, 4\]"),
        (lambda: train_vqgan(pictures(4).float(), steps=1), "must be uint8"),
        (lambda: train_vqgan(pictures(4), steps=1), "perceptual=0"),
        (lambda: load_vqgan(name="nothing"), "course.py train nothing"),
    ],
)
def test_bad_input_is_named_with_its_cure(call, says):
    with pytest.raises((ValueError, FileNotFoundError), match=says):
        call()


# ---------------------------------------------------------------------------- what ships


@pytest.mark.skipif(
    not (WEIGHTS / "feature-net.safetensors").is_file(), reason="feature-net is not trained yet"
)
def test_the_shipped_eye_names_pictures_and_minds_blur_more_than_brightness():
    net = load_feature_net()
    images, factors = rangoli(200, seed=5)
    x = signed(images)
    said = net(x)
    assert (said["motif"].argmax(1) == factors.motif).float().mean() > 0.97
    blurred = nn.functional.avg_pool2d(nn.functional.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    error = (blurred - x).square().mean((1, 2, 3), keepdim=True).sqrt()
    assert perceptual_loss(net, blurred, x) > 1.2 * perceptual_loss(net, x + error, x)
    assert not any(p.requires_grad for p in net.parameters())


@pytest.mark.skipif(
    not (WEIGHTS / "vqgan-rangoli.safetensors").is_file(), reason="vqgan-rangoli is not trained yet"
)
def test_the_shipped_vqgan_restores_rangoli():
    model = load_vqgan()
    images, factors = rangoli(500, seed=60)
    row = vqgan_report(model, images, factors, load_judge("rangoli"))
    assert row["motif"] > 0.98 and row["rfid"] < 1 and row["used"] >= 250
    assert 0.93 < row["sharpness"] < 1.1 and row["psnr"] > 21
    assert not model.training
