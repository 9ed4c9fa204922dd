"""What 1-hypernetwork teaches: written weights, the paper's counts, the start, the readers."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from common.hypernetwork import (
    DigitReader,
    HyperLinear,
    HyperMLP,
    KernelHypernetwork,
    WrittenStack,
    accuracy,
    family_error,
    numbers_in,
    principled_init,
    string,
    train_family,
    train_reader,
    wide_resnet_numbers,
)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def trained(hyper: KernelHypernetwork) -> KernelHypernetwork:
    """With biases that are not 0, as after training: a forgotten one shows."""
    with torch.no_grad():
        for seed, layer in enumerate((hyper.to_rows, hyper.to_kernel)):
            layer.bias.copy_(random(*layer.bias.shape, seed=seed))
    return hyper


# --- the paper's numbers --------------------------------------------------------------------------


def test_the_papers_digit_kernel_12544_weights_from_4240_numbers_and_4():
    hyper = KernelHypernetwork(inputs=16, outputs=16, kernel=7, numbers=4, width=4)
    assert hyper(torch.zeros(4)).numel() == 12_544
    assert numbers_in(hyper) == 4 * (4 + 1) * 16 + 7 * 16 * 7 * (4 + 1) == 4_240
    reader, plain = DigitReader(hyper), DigitReader()
    assert numbers_in(plain) - numbers_in(reader) == 12_544 - 4_240 - 4


@pytest.mark.parametrize(
    ("widen", "pieces", "plain", "written", "saved"),
    [(1, 242, "0.563", "0.097", "0.466"), (2, 966, "2.236", "0.148", "2.088")],
)
def test_the_papers_wide_residual_networks(widen, pieces, plain, written, saved):
    n = wide_resnet_numbers(widen)
    assert n["pieces"] == pieces
    assert f"{(n['kernels'] + n['rest']) / 1e6:.3f}" == plain
    assert f"{(n['hyper'] + n['rest']) / 1e6:.3f}" == written
    assert f"{(n['kernels'] - n['hyper']) / 1e6:.3f}" == saved


@pytest.mark.parametrize("widen", [1, 2])
def test_the_kernels_counted_are_those_of_a_real_stack(widen):
    kernels, channels = 0, 16
    for width in (16 * widen, 32 * widen, 64 * widen):
        for _ in range(12):
            kernels += nn.Conv2d(channels, width, 3, bias=False).weight.numel()
            channels = width
    assert wide_resnet_numbers(widen)["kernels"] == kernels


# --- written weights ------------------------------------------------------------------------------


@pytest.mark.parametrize(("inputs", "outputs", "kernel"), [(16, 16, 7), (3, 5, 3), (1, 2, 1)])
def test_a_kernel_is_written_as_in_the_paper(inputs, outputs, kernel):
    hyper = trained(KernelHypernetwork(inputs, outputs, kernel, numbers=6, width=5, seed=1))
    z = random(6, seed=2)
    written = hyper(z)
    for i in range(inputs):  # K_i = <W_out, W_i z + B_i> + B_out, one input channel at a time
        w, b = hyper.to_rows.weight[5 * i : 5 * i + 5], hyper.to_rows.bias[5 * i : 5 * i + 5]
        row = hyper.to_kernel.weight @ (w @ z + b) + hyper.to_kernel.bias
        torch.testing.assert_close(written[:, i], row.view(outputs, kernel, kernel))


def test_many_embeddings_are_written_as_each_alone_and_tiled_in_their_places():
    hyper = trained(KernelHypernetwork(2, 3, 3))
    z = random(4, 5, 4)
    kernel = hyper.tiled(z)
    assert kernel.shape == (4 * 3, 5 * 2, 3, 3)
    for r in range(4):
        for c in range(5):
            piece = kernel[3 * r : 3 * r + 3, 2 * c : 2 * c + 2]
            torch.testing.assert_close(piece, hyper(z[r, c]))


def test_the_gradient_reaches_the_embedding_and_every_number_of_the_hypernetwork():
    hyper = trained(KernelHypernetwork())
    z = random(4).requires_grad_()
    F.conv2d(random(2, 16, 9, 9), hyper(z)).square().mean().backward()
    assert z.grad.abs().min() > 0
    assert all(p.grad.abs().max() > 0 for p in hyper.parameters())


def test_a_written_linear_layer_is_the_linear_layer_with_those_weights():
    layer = HyperLinear(3, 5, width=4)
    x, h = random(6, 7, 3), random(6, 4, seed=1)
    matrix, bias = layer.weights(h)
    assert matrix.shape == (6, 5, 3) and bias.shape == (6, 5)
    expected = torch.stack([F.linear(x[n], matrix[n], bias[n]) for n in range(6)])
    torch.testing.assert_close(layer(x, h), expected)


def test_the_97_weights_are_all_that_the_small_network_needs():
    model, c, x = HyperMLP(seed=3), torch.tensor([[0.3], [-0.8]]), random(2, 50, 1)
    written = model.weights(c)
    assert written.shape == (2, 97)
    for n in range(2):
        small = nn.Sequential(
            nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1)
        )
        nn.utils.vector_to_parameters(written[n], small.parameters())
        torch.testing.assert_close(model(x, c)[n], small(x[n]))


# --- the start ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fan_in", "gain", "moment"), [(784, 2.0, 1.0), (9, 1.0, 4.0)])
def test_what_is_written_has_the_variance_asked_for(fan_in, gain, moment):
    dice = torch.Generator().manual_seed(0)
    layer = principled_init(nn.Linear(32, 500), fan_in, gain=gain, moment=moment, dice=dice)
    assert layer.bias.abs().max() == 0
    h = math.sqrt(moment) * random(400, 32, seed=5)
    assert layer(h).var().item() == pytest.approx(gain / fan_in, rel=0.05)


def test_kernels_start_as_large_as_hes():
    for kernel, width in ((7, 4), (3, 16)):
        written = [
            KernelHypernetwork(kernel=kernel, width=width, seed=s)(random(20, 4, seed=s))
            for s in range(5)
        ]
        he = 2 / (16 * kernel * kernel)
        assert torch.stack(written).var().item() == pytest.approx(he, rel=0.35)


@pytest.mark.parametrize("wrong", [{"fan_in": 0}, {"gain": 0.0}, {"moment": -1.0}])
def test_a_start_that_cannot_be_is_named(wrong):
    with pytest.raises(ValueError, match="greater than 0"):
        principled_init(nn.Linear(2, 2), **{"fan_in": 4, **wrong})


@pytest.mark.parametrize("seed", range(4))
def test_six_written_layers_keep_their_size_only_with_the_principled_start(seed):
    x = torch.rand(32, 1, 28, 28, generator=torch.Generator().manual_seed(9))
    hyper = KernelHypernetwork(kernel=3, numbers=16, width=16, seed=seed)
    stack = WrittenStack(hyper, seed=seed)
    naive = copy.deepcopy(stack)
    nn.init.normal_(naive.hyper.to_kernel.weight, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        growth = []
        for model in (stack, naive):
            outputs = [y.square().mean().sqrt().item() for y in model.layers(x)]
            assert len(outputs) == 7 and model(x).shape == (32, 10)
            growth.append(outputs[-1] / outputs[0])
    assert 1 / 10 < growth[0] < 10 and growth[1] > 1000


# --- training -------------------------------------------------------------------------------------


def test_a_string_has_the_half_waves_that_c_says():
    x, ends = torch.tensor([[[1.0], [0.5]]]), torch.tensor([[-1.0]])
    torch.testing.assert_close(
        string(x, ends), torch.tensor([[[0.0], [1.0]]]), atol=1e-6, rtol=0
    )  # one half wave from the middle to the end, its top half-way
    torch.testing.assert_close(
        string(x / 4, -ends), torch.tensor([[[0.0], [1.0]]]), atol=1e-6, rtol=0
    )  # four of them: the first ends at a quarter


def test_the_family_is_learnt_the_same_way_twice_and_no_global_dice_are_thrown():
    torch.manual_seed(5)
    state = torch.get_rng_state()
    before = family_error(HyperMLP())
    first, second = (train_family(HyperMLP(), 60, rate=1e-2) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)
    )
    assert family_error(first) < 0.9 * before and not first.training


def marks(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures of a bright quarter, up left (label 0) or up right (1): easy to learn."""
    labels = torch.arange(count) % 2
    images = 0.1 * random(count, 1, 28, 28).abs()
    for image, label in zip(images, labels.tolist(), strict=True):
        image[0, :14, 14 * label : 14 * label + 14] += 1
    return images, labels


@pytest.mark.parametrize("written", [True, False])
def test_a_reader_learns(written):
    images, labels = marks(40)
    reader = DigitReader(KernelHypernetwork() if written else None, channels=5)
    train_reader(reader, images, labels, 12, batch=16)
    assert accuracy(reader, images, labels) == 1 and not reader.training


def test_one_reader_learns_two_ways_and_the_embedding_says_which():
    images, labels = marks(40)
    reader = DigitReader(KernelHypernetwork(), ways=2)
    train_reader(reader, images, labels, 12, batch=16, turned=True)
    assert accuracy(reader, images, labels, 0) == 1
    assert accuracy(reader, images.flip(2, 3), labels, 1) == 1
    with torch.no_grad():
        torch.testing.assert_close(reader(images, 1), reader(images, reader.z[1]))
        assert not torch.allclose(reader(images, 0), reader(images, 1))


def test_only_the_embedding_in_use_is_moved():
    images, labels = marks(16)
    reader = DigitReader(KernelHypernetwork(), ways=3)
    F.cross_entropy(reader(images, 1), labels).backward()
    assert reader.z.grad[1].abs().max() > 0 and reader.z.grad[[0, 2]].abs().max() == 0


def test_reading_changes_nothing():
    images, _ = marks(8)
    reader = DigitReader(KernelHypernetwork(), ways=2).eval()
    before = copy.deepcopy(reader.state_dict())
    with torch.no_grad():
        answers = [reader(images, n % 2) for n in range(4)]
    assert torch.equal(answers[0], answers[2]) and torch.equal(answers[1], answers[3])
    assert all(torch.equal(before[name], p) for name, p in reader.state_dict().items())
