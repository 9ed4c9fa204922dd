"""The networks that look: of ImageNet, folded exactly, frozen, for any size; VGG19 likewise."""

import pytest
import torch
import torchvision
from torch.nn import functional as F

from common import features, lang
from common.data import photograph
from common.features import SlimFeatures, VggFeatures, load_features

ALL = [load_features, lambda: load_features("random"), VggFeatures]


@pytest.fixture(autouse=True)
def english():
    lang.use_language("en")


@pytest.mark.parametrize("make", ALL)
def test_maps_of_any_size_frozen_and_not_overwritten(make):
    net = make().requires_grad_(False)
    assert len(net.layers) == 5 and net.content == 3
    for size in ((1, 3, 40, 57), (2, 3, 16, 16)):
        picture = torch.rand(size, requires_grad=True)
        maps = net(picture)
        assert len(maps) == len(net.layers)
        assert [m.shape[0] for m in maps] == [size[0]] * 5
        before = [m.detach().clone() for m in maps]
        sum(m.square().mean() for m in maps).backward()  # in place, this would raise
        assert all(torch.equal(a, b) for a, b in zip(maps, before, strict=True))
        assert picture.grad.abs().sum() > 0
    assert not any(p.requires_grad for p in net.parameters()) and all(
        p.grad is None for p in net.parameters()
    )


def test_a_batch_is_seen_picture_by_picture():
    net = load_features()
    pictures = torch.stack([photograph("china", 64), photograph("flower", 64)])
    for both, one in zip(net(pictures), net(pictures[1:]), strict=True):
        assert (both[1:] - one).abs().max() < 1e-4


def test_the_shipped_one_is_the_eight_blocks_and_knows_more_than_chance():
    net = load_features()
    assert sum(p.numel() for p in net.parameters()) == 249_888
    assert not net.training
    # Two views of one photograph are nearer than two photographs; to random weights, less clearly
    views = [photograph(name, 96) for name in ("china", "flower", "coffee")]
    moved = torch.stack([v.roll((5, 7), (1, 2)).flip(2) for v in views])

    def told_apart(net) -> float:
        a, b = (net(x)[4].mean((2, 3)) for x in (torch.stack(views), moved))
        a, b = a - a.mean(0), b - b.mean(0)
        near = F.cosine_similarity(a[:, None], b, dim=2)
        return (near.diagonal().mean() - near[~torch.eye(3, dtype=torch.bool)].mean()).item()

    assert told_apart(net) > 0.9


def test_normalisation_is_inside_and_the_border_is_continued():
    """A plain picture must look the same everywhere, at the border too; with zeros it does not."""
    plain = torch.full((1, 3, 64, 64), 0.8)
    for border, flat in (("replicate", True), ("zeros", False)):
        maps = load_features(border=border)(plain)
        spread = [(m - m.mean((2, 3), keepdim=True)).abs().max() > 1e-3 for m in maps]
        assert not any(spread) if flat else all(spread), border
    zero = SlimFeatures(seed=3)
    zero.stem.weight.data[:] = 1.0  # what comes in: (255 x - 127) / 128
    half = zero(torch.full((1, 3, 8, 8), 127.5 / 255))[0].max().item()
    assert half == pytest.approx(27 * 0.5 / 128, rel=1e-4)


def test_same_padding_as_tensorflow():
    """For an even side and stride 2 nothing is added above and left, only below and right."""
    conv = features.Conv(1, 1, 3, 2)
    conv.border = "zeros"
    torch.nn.init.ones_(conv.weight)
    torch.nn.init.zeros_(conv.bias)
    out = conv(torch.ones(1, 1, 4, 4))[0, 0]
    assert out.tolist() == [[9.0, 6.0], [6.0, 4.0]]
    assert conv(torch.ones(1, 1, 5, 5)).shape == (1, 1, 3, 3)
    assert conv(torch.ones(1, 1, 5, 5))[0, 0].tolist() == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]


def test_random_weights_by_seed_keep_the_size_of_what_they_see():
    a, b, c = (load_features("random", seed=seed) for seed in (0, 0, 1))
    picture = photograph("china", 64)[None]
    assert all(torch.equal(x, y) for x, y in zip(a(picture), b(picture), strict=True))
    assert not torch.equal(a(picture)[0], c(picture)[0])
    assert all(0.05 < m.std() < 20 for m in a(picture))


def test_vgg19_takes_torchvisions_weights_and_sees_the_same(monkeypatch):
    """With random weights in place of those on the network; torchvision's own network agrees."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["E"])
    state = {f"features.{name}": value for name, value in layers.state_dict().items()}
    state["classifier.0.weight"] = torch.zeros(2, 2)
    kind = type(torchvision.models.VGG19_Weights.IMAGENET1K_V1)
    monkeypatch.setattr(kind, "get_state_dict", lambda *_, **__: state)
    net = load_features("vgg19")
    picture = photograph("china", 32)[None]
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 3, 1, 1)
    x, theirs = (picture - mean) / std, []
    with torch.no_grad():
        for place, layer in enumerate(layers[:30]):
            x = layer(x)
            if place in (1, 6, 11, 20, 29):  # relu1_1 … relu5_1
                theirs.append(x.clone())  # torchvision's ReLU overwrites in place
    for ours, other in zip(net(picture), theirs, strict=True):
        assert ours.shape == other.shape
        assert (ours - other).abs().max() < 1e-4 * max(1, other.abs().max())


def test_without_a_network_vgg19_says_what_to_take(monkeypatch):
    def fails(*_, **__):
        raise OSError("no route")

    kind = type(torchvision.models.VGG19_Weights.IMAGENET1K_V1)
    monkeypatch.setattr(kind, "get_state_dict", fails)
    with pytest.raises(ConnectionError, match=r"no route.*take load_features"):
        load_features("vgg19")


def test_errors_name_what_there_is(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="efficientnet-lite0, vgg19, random"):
        load_features("resnet")
    with pytest.raises(ValueError, match=r"\[N, 3, H, W\], not \[3, 8, 8\]"):
        load_features()(torch.rand(3, 8, 8))
    monkeypatch.setattr(features, "WEIGHTS", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"course\.py train feature-net-imagenet"):
        load_features()
