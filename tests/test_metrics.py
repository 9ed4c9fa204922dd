"""The judges, and the measures that stand on their features, against torchmetrics."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from common import lang, metrics
from common.data import to_float
from common.gan import frechet_distance, kernel_distance, precision_recall
from common.metrics import (
    HEADS,
    Judge,
    gan_report,
    load_judge,
    modes,
    real_features,
    real_images,
)
from common.rangoli import all_factors, rangoli, render
from tools.train import fit_judge, judge_accuracy, judge_data, train_judges

JUDGES = ("rangoli", "digits")  # that of styles: tests/test_train_adapters.py


@pytest.fixture(autouse=True)
def english():
    lang.use_language("en")
    yield
    lang.use_language("en")


def pictures(name, count=20):
    return real_images(name, count)


# ---------------------------------------------------------------------------- the judges


@pytest.mark.parametrize(
    ("name", "least"),
    [("rangoli", {"motif": 0.995, "colour": 0.995, "ground": 0.995, "symmetry": 0.98}),
     ("digits", {"digit": 0.98})],
)  # fmt: skip
def test_a_judge_names_new_pictures(name, least):
    accuracy = judge_accuracy(load_judge(name), *judge_data(name, "test"))
    assert {head: share for head, share in accuracy.items() if share < least[head]} == {}


def test_what_a_judge_learned_from_is_not_what_it_is_measured_on():
    for name in JUDGES:
        few = {x.numpy().tobytes() for x in judge_data(name, "train")[0]}
        assert not few & {x.numpy().tobytes() for x in judge_data(name, "test")[0]}


@pytest.mark.parametrize("name", JUDGES)
def test_a_judge_is_small_and_half_precision(name):
    files = [metrics.WEIGHTS / f"judge-{name}.{ending}" for ending in ("safetensors", "md")]
    assert files[0].stat().st_size < 500_000
    assert "Limits" in files[1].read_text(encoding="utf-8")


@pytest.mark.parametrize("name", JUDGES)
def test_light_noise_and_a_shift_hardly_disturb_a_judge(name):
    images, labels = (x[:500] for x in judge_data(name, "test"))
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    for disturbed in ((images + 0.03 * noise).clamp(0, 1), images.roll((1, -1), (2, 3))):
        accuracy = judge_accuracy(load_judge(name), disturbed, labels)
        assert min(accuracy.values()) > 0.95


@pytest.mark.parametrize("name", JUDGES)
def test_a_judge_is_sure_of_real_pictures(name):
    assert modes(load_judge(name), pictures(name, 200)).confident > 0.9


@pytest.mark.parametrize("name", JUDGES)
def test_the_worse_a_picture_the_further_it_is(name):
    """A judge that is merely unsure of all that is imperfect puts a soft picture beside noise."""
    judge, same = load_judge(name), real_images(name, 1000, seed=2)
    known, noise = judge(real_images(name, 1000)), torch.rand(same.shape)
    soft = same.lerp(F.avg_pool2d(same, 3, 1, 1), 0.5)
    ranks = [
        frechet_distance(known, judge(images))
        for images in (same, soft, F.avg_pool2d(same, 5, 1, 2), noise)
    ]
    assert ranks == sorted(ranks) and 8 * ranks[1] < ranks[3]


@pytest.mark.parametrize("name", JUDGES)
@pytest.mark.parametrize("count", [1, 3, 501])
def test_features_and_readings_have_their_shapes(name, count):
    judge, images = load_judge(name), pictures(name, count)
    assert judge(images).shape == (count, judge.num_features) == (count, 64)
    read = judge.read(images)
    assert {head: p.shape for head, p in read.items()} == {
        head: (count, classes) for head, classes in HEADS[name].items()
    }
    for p in read.values():
        torch.testing.assert_close(p.sum(1), torch.ones(count))


def test_a_picture_is_judged_alone():
    """Running statistics, not those of the batch: what else is there makes no difference."""
    judge, images = load_judge("rangoli"), pictures("rangoli", 7)
    torch.testing.assert_close(judge(images)[3:4], judge(images[3:4]), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", JUDGES)
def test_features_of_real_pictures_have_total_deviation_ten(name):
    assert real_features(name).var(0).sum().sqrt().item() == pytest.approx(10, rel=0.02)
    assert real_features(name) is real_features(name)  # computed once


def test_digit_sets_do_not_overlap():
    ones, twos = (real_images("digits", 2000, seed=seed) for seed in (1, 2))
    assert len({x.numpy().tobytes() for x in torch.cat([ones, twos])}) == 4000


def test_an_untrained_judge_of_any_width_settles():
    judge = Judge("digits", width=4).eval()
    judge.settle(pictures("digits", 300))
    assert judge(pictures("digits", 300)).var(0).sum().sqrt().item() == pytest.approx(10, rel=1e-3)


BAD = [
    (lambda x: (x * 255).to(torch.uint8), "to_float"),
    (lambda x: x * 2 - 1, "(images + 1) / 2"),
    (lambda x: x * 255, "0…1"),
    (lambda x: x * float("nan"), "0…1"),
    (lambda x: x[:, :1].repeat(1, 2, 1, 1), "{channels}"),
    (lambda x: x[..., 2:30, 2:30], "digits(size=32)"),
    (lambda x: F.interpolate(x, 64), "F.interpolate"),
    (lambda x: x[0], "image[None]"),
    (lambda x: x[:0], None),
    (lambda x: x > 0.5, "{kind}"),
]


@pytest.mark.parametrize("language", ["en", "hi"])
@pytest.mark.parametrize(("spoil", "cure"), BAD)
def test_bad_pictures_give_an_error_with_the_cure(spoil, cure, language):
    lang.use_language(language)
    for name in JUDGES:
        with pytest.raises(ValueError) as caught:
            load_judge(name)(spoil(pictures(name)))
        message = str(caught.value)
        assert any("\u0900" <= letter <= "\u097f" for letter in message) == (language == "hi")
        if cure and "{" not in cure:
            assert cure in message


def test_an_unknown_judge_is_named():
    with pytest.raises(ValueError, match="cats"):
        load_judge("cats")


# ---------------------------------------------------------------------------- modes


def test_modes_of_rendered_pictures_are_exact():
    judge, kinds = load_judge("rangoli"), all_factors()
    found = modes(judge, to_float(render(kinds, jitter=0.3)), confident=0.5)
    assert (found.covered, found.covered5, found.of) == (64, 64, 64)
    wanted = kinds[(kinds.motif == 3) & (kinds.colour <= 1)]  # 24 wheels, red and orange
    found = modes(judge, to_float(render(wanted, jitter=0.3)), confident=0.5)
    assert found.counts.nonzero().flatten().tolist() == [24, 25]
    assert found.covered == found.covered5 == 2 and str(found) == "2/64"
    assert modes(judge, to_float(render(wanted, jitter=0.3))[:1]).covered5 == 0


@pytest.mark.parametrize("name", ["rangoli", "digits"])
def test_features_say_what_the_pictures_say(name, monkeypatch):
    judge, images = load_judge(name), real_images(name, 20)
    features, read = judge(images), judge.read(images)
    for head, probabilities in judge.read(features).items():
        torch.testing.assert_close(probabilities, read[head])
    assert modes(judge, features).counts.equal(modes(judge, images).counts)
    looks, raw = [], type(judge).raw
    monkeypatch.setattr(type(judge), "raw", lambda self, x: looks.append(len(x)) or raw(self, x))
    gan_report(judge, features, images)
    assert looks == [20]  # a picture is looked at once


def test_modes_of_digits():
    images = pictures("digits", 500)
    found = modes(load_judge("digits"), images)
    assert (found.covered, found.covered5, found.of) == (10, 10, 10)
    assert found.counts.sum().item() == round(found.confident * 500)


# ---------------------------------------------------------------------------- the measures


@pytest.fixture(scope="module")
def sets():
    judge = load_judge("rangoli")
    real, same = real_images("rangoli", 1000), real_images("rangoli", 1000, seed=2)
    blurred = F.avg_pool2d(same, 5, 1, 2)
    return judge, real, {"real": same, "blurred": blurred, "one": same[:5].repeat(200, 1, 1, 1)}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("other", ["real", "blurred", "one"])
def test_distances_are_those_of_torchmetrics(sets, other):
    judge, real, others = sets
    fid = FrechetInceptionDistance(feature=judge, normalize=True)
    kid = KernelInceptionDistance(feature=judge, normalize=True, subsets=1, subset_size=1000)
    for oracle in (fid, kid):
        oracle.update(real, real=True)
        oracle.update(others[other], real=False)
    known, seen = judge(real), judge(others[other])
    assert frechet_distance(known, seen) == pytest.approx(fid.compute().item(), rel=1e-3)
    theirs = kid.compute()[0].item()  # in single precision
    assert kernel_distance(known, seen) == pytest.approx(theirs, rel=1e-3, abs=1e-3)


def test_real_against_real_is_the_floor(sets):
    judge, real, others = sets
    report = {name: gan_report(judge, real, images) for name, images in others.items()}
    assert report["real"]["fid"] < 2 < 5 * report["real"]["fid"] < report["blurred"]["fid"]
    assert abs(report["real"]["kid"]) < 0.1 * report["blurred"]["kid"]
    assert min(report["real"]["precision"], report["real"]["recall"]) > 0.85
    assert report["real"]["covered"] == 64
    assert report["one"]["precision"] > 0.8 and report["one"]["recall"] < 0.05
    assert report["one"]["covered"] <= 5 and report["one"]["fid"] > 20
    assert gan_report(judge, judge(real), others["real"]) == report["real"]  # features or pictures


def test_frechet_distance_of_two_gaussians_on_a_line():
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 400_000, 1, generator=generator)
    # (0 − 2)² + (1 − 3)²
    assert frechet_distance(a, 3 * b + 2) == pytest.approx(8, rel=0.02)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(a[:50], b) == pytest.approx(frechet_distance(b, a[:50]))


def test_frechet_distance_is_never_nan_where_features_are_dead():
    a = torch.randn(30, 64, generator=torch.Generator().manual_seed(0))
    a[:, 5:] = 0  # rank 5
    assert frechet_distance(a, a.flip(0)) == pytest.approx(0, abs=1e-6)


def test_kernel_distance_is_unbiased():
    generator = torch.Generator().manual_seed(0)
    draws = [
        kernel_distance(*torch.randn(2, 20, 4, generator=generator).unbind()) for _ in range(400)
    ]
    mean, error = torch.tensor(draws).mean(), torch.tensor(draws).std() / 20
    assert min(draws) < 0 and abs(mean) < 3 * error


def test_precision_and_recall_on_constructed_sets():
    generator = torch.Generator().manual_seed(0)
    real = torch.randn(500, 8, generator=generator)
    assert precision_recall(real, real) == (1.0, 1.0)
    precision, recall = precision_recall(real, real[:1] + 0.01 * torch.randn(500, 8))
    assert precision > 0.95 and recall < 0.1  # collapsed
    precision, recall = precision_recall(real, 20 * torch.randn(500, 8, generator=generator))
    assert precision < 0.05 and recall > 0.5  # noise that surrounds everything
    precision, recall = precision_recall(real, real + 100)
    assert (precision, recall) == (0.0, 0.0)
    assert precision_recall(real[:, :2], real[:4, :2])[0] == 1.0  # sets of unequal sizes


# ---------------------------------------------------------------------------- how they are made


class OtherJudge(Judge):
    """Another architecture: pixels folded into channels, separable convolutions."""

    def __init__(self, name):
        super().__init__(name, width=6)
        channels = 4 * metrics.CHANNELS[name]
        layers = [nn.PixelUnshuffle(2)]
        for before, after in ((channels, 32), (32, 48)):
            layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.GELU()]
        self.see = nn.Sequential(*layers, nn.AdaptiveMaxPool2d(2), nn.Flatten())
        self.to_features[0] = nn.Linear(48 * 4, 64)


def test_training_makes_weights_and_cards(tmp_path, monkeypatch):
    scores = train_judges(torch.device("cpu"), tmp_path, scale=0.003)
    assert set(scores) == set(JUDGES)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"judge-{name}.{ending}" for name in JUDGES for ending in ("safetensors", "md")
    }
    monkeypatch.setattr(metrics, "WEIGHTS", tmp_path)
    for name in JUDGES:
        assert load_judge.__wrapped__(name)(pictures(name)).isfinite().all()


def test_training_is_repeatable():
    first, second = (fit_judge("digits", 2, torch.device("cpu")).state_dict() for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_another_judge_ranks_alike():
    """Another seed and architecture, briefly trained: worse pictures stay worse."""
    other = fit_judge("digits", 60, torch.device("cpu"), seed=3, make=OtherJudge)
    generator = torch.Generator().manual_seed(0)
    same = real_images("digits", 1000, seed=2)
    noisy = (same + 0.5 * torch.randn(same.shape, generator=generator)).clamp(0, 1)
    for judge in (load_judge("digits"), other):
        known = judge(real_images("digits", 1000))
        ranks = [
            frechet_distance(known, judge(images))
            for images in (same, F.avg_pool2d(same, 3, 1, 1), noisy)
        ]
        assert ranks == sorted(ranks)


def test_rangoli_judge_reads_pictures_of_another_size_of_batch_and_device():
    images, factors = rangoli(64, seed=9)
    read = load_judge("rangoli", torch.device("cpu")).read(to_float(images))
    assert (read["motif"].argmax(1) == factors.motif).float().mean() > 0.95
