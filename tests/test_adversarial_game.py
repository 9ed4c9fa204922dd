"""What 1-adversarial-game teaches: losses and gradients, R1, the ring, games that do not mix."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from common.gan import (
    RowAdam,
    SideBySide,
    discriminator_loss,
    non_saturating_loss,
    play,
    r1_penalty,
    ring,
    ring_centres,
    ring_coverage,
    saturating_loss,
)

LOSSES = {  # of the fakes: its value by an oracle, and its gradient by the formula
    saturating_loss: (
        lambda x: -F.binary_cross_entropy_with_logits(x, torch.zeros_like(x)),
        lambda x: -torch.sigmoid(x),
    ),
    non_saturating_loss: (
        lambda x: F.binary_cross_entropy_with_logits(x, torch.ones_like(x)),
        lambda x: -(1 - torch.sigmoid(x)),
    ),
}


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- losses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1,), (7,), (5, 1), (2, 1, 3, 3)])
def test_the_discriminator_loss_is_cross_entropy_with_real_1_and_fake_0(shape):
    real, fake = 3 * random(*shape), 3 * random(*shape, seed=1)
    expected = F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
    expected = expected + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    torch.testing.assert_close(discriminator_loss(real, fake), expected)


def test_the_discriminator_loss_weighs_real_and_fake_alike_in_uneven_batches():
    real, fake = random(1), random(9, seed=1)
    doubled = discriminator_loss(real, torch.cat([fake, fake]))
    torch.testing.assert_close(doubled, discriminator_loss(real, fake))
    assert discriminator_loss(torch.zeros(1), torch.zeros(9)).item() == pytest.approx(math.log(4))


@pytest.mark.parametrize("loss", LOSSES)
def test_generator_losses_and_their_gradients(loss):
    oracle, gradient = LOSSES[loss]
    logits = (4 * random(11)).requires_grad_()
    torch.testing.assert_close(loss(logits), oracle(logits))
    (slope,) = torch.autograd.grad(loss(logits), logits)
    torch.testing.assert_close(slope, gradient(logits.detach()) / 11)


def test_a_sure_discriminator_silences_the_saturating_loss_only():
    for loss, expected in {saturating_loss: 0.0, non_saturating_loss: -1.0}.items():
        logits = torch.tensor([-1000.0], requires_grad=True)
        (slope,) = torch.autograd.grad(loss(logits), logits)
        assert slope.item() == expected


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("logit", [-1000.0, 1000.0])
def test_no_loss_overflows(dtype, logit):
    logits = torch.full((3,), logit, dtype=dtype, requires_grad=True)
    for value in (
        discriminator_loss(logits, logits),
        saturating_loss(logits),
        non_saturating_loss(logits),
    ):
        (slope,) = torch.autograd.grad(value, logits)
        assert value.isfinite() and slope.isfinite().all()
    assert discriminator_loss(logits, logits).item() == pytest.approx(1000, rel=0.01)


# --- R1 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 2), (6, 3), (4, 1, 5, 5)])
def test_r1_of_a_quadratic_discriminator_is_known(shape):
    real = random(*shape)
    # D(x) = ½ x·x has the slope x, so R1 is the mean of ‖x‖²
    penalty = r1_penalty(lambda x: x.flatten(1).square().sum(1) / 2, real)
    torch.testing.assert_close(penalty, real.flatten(1).square().sum(1).mean())


def test_r1_does_not_depend_on_the_batch_size_or_on_the_logits_shape():
    network, real = (
        nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double(),
        random(5, 3),
    )
    once, twice = r1_penalty(network, real), r1_penalty(network, torch.cat([real, real]))
    torch.testing.assert_close(once, twice)
    torch.testing.assert_close(once, r1_penalty(lambda x: network(x).squeeze(1), real))


def test_r1_can_be_trained_on():
    torch.manual_seed(0)
    network, real = (
        nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)).double(),
        random(6, 2),
    )
    weight = network[0].weight
    (slope,) = torch.autograd.grad(r1_penalty(network, real), weight)
    nudge = 1e-6 * random(4, 2, seed=3)
    with torch.no_grad():
        weight += nudge
    more = r1_penalty(network, real).item()
    with torch.no_grad():
        weight -= 2 * nudge
    less = r1_penalty(network, real).item()
    assert (more - less) / 2 == pytest.approx((slope * nudge).sum().item(), rel=1e-4)


def test_r1_leaves_the_samples_alone_and_passes_conditions_on():
    real, label = random(4, 2), torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    penalty = r1_penalty(lambda x, y: y * x.sum(1), real, label)  # the slope is (y, y)
    assert penalty.item() == pytest.approx(2 * (label**2).mean().item())
    assert not real.requires_grad and real.grad is None


@pytest.mark.parametrize("real", [torch.zeros(2, 3, dtype=torch.uint8), torch.zeros(0, 3)])
def test_r1_says_what_it_needs(real):
    with pytest.raises(ValueError, match="float"):
        r1_penalty(lambda x: x.sum(1), real)


# --- the ring -------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 3, 7, 1000])
@pytest.mark.parametrize("modes", [1, 5, 8])
def test_a_ring_has_as_many_points_as_asked(count, modes):
    points = ring(count, dice(), modes=modes)
    assert points.shape == (count, 2) and points.dtype == torch.float32
    assert torch.equal(points, ring(count, dice(), modes=modes))


def test_real_points_cover_all_modes_evenly_and_lie_in_them():
    points = ring(20_000, dice(), modes=5, radius=3.0, spread=0.2)
    assert ring_coverage(points, modes=5, radius=3.0, spread=0.2) == (
        5,
        pytest.approx(0.989, abs=0.003),
    )
    centres = ring_centres(5, 3.0)
    share = torch.cdist(points, centres).argmin(1).bincount(minlength=5) / len(points)
    assert (share - 0.2).abs().max() < 0.02
    assert torch.allclose(centres.norm(dim=1), torch.tensor(3.0))


def test_coverage_counts_modes_and_is_not_fooled():
    centres = ring_centres()
    assert ring_coverage(centres[:3].repeat(10, 1)) == (3, 1.0)
    assert ring_coverage(torch.zeros(50, 2)) == (0, 0.0)  # the middle of the ring
    few = torch.cat([centres[:1].repeat(990, 1), centres.repeat(1, 1)])  # a single point a mode
    assert ring_coverage(few)[0] == 1
    covered, good = ring_coverage(torch.cat([centres, torch.full((8, 2), math.nan)]))
    assert (covered, good) == (8, 0.5)
    assert ring_coverage(centres[:1]) == (1, 1.0)  # one point is enough to ask


@pytest.mark.parametrize(
    ("call", "cure"),
    [
        (lambda: ring(-1, dice()), "0 or more"),
        (lambda: ring(3, dice(), modes=0), "at least one mode"),
        (lambda: ring_coverage(torch.zeros(0, 2)), "N, 2"),
        (lambda: ring_coverage(torch.zeros(3)), "N, 2"),
        (lambda: ring_coverage(torch.zeros(3, 3)), "N, 2"),
    ],
)
def test_bad_input_is_named_with_its_cure(call, cure):
    with pytest.raises(ValueError, match=cure):
        call()


# --- games side by side ---------------------------------------------------------------------------


def test_side_by_side_is_an_ordinary_network_for_each_row():
    players, x = SideBySide([2, 5, 3], seeds=[4, 9]), torch.randn(2, 7, 2, generator=dice())
    for row in range(2):
        weights = players.numbers[row].detach().split([10, 5, 15, 3])
        hidden = F.leaky_relu(x[row] @ weights[0].view(2, 5) + weights[1], 0.2)
        torch.testing.assert_close(players(x)[row], hidden @ weights[2].view(5, 3) + weights[3])
    torch.testing.assert_close(players(x)[1:], SideBySide([2, 5, 3], seeds=[9])(x[1:]))
    assert players(x[:, :1]).shape == (2, 1, 3)  # one sample


def test_copies_begin_alike_and_then_go_their_own_way():
    players = SideBySide([2, 5, 1], seeds=[0, 1])
    twins = players.copies([1, 1, 0])
    assert torch.equal(twins.numbers, players.numbers[[1, 1, 0]])
    with torch.no_grad():
        twins.numbers += 1
    assert not torch.equal(twins.numbers[2], players.numbers[0])


def test_row_adam_is_adam_with_a_rate_for_each_row():
    rates = torch.tensor([[1e-2], [3e-3]])
    players = SideBySide([2, 4, 1], seeds=[0, 1])
    ours = RowAdam(players, rates)
    alone = [players.copies([row]) for row in range(2)]
    theirs = [
        torch.optim.Adam(one.parameters(), lr=rate.item(), betas=(0.5, 0.99))
        for one, rate in zip(alone, rates, strict=True)
    ]
    for step in range(5):
        x = torch.randn(2, 6, 2, generator=dice(step))
        ours.step(players(x).square().mean((1, 2)).sum())
        for row in range(2):
            theirs[row].zero_grad()
            alone[row](x[row : row + 1]).square().mean().backward()
            theirs[row].step()
    for row in range(2):
        torch.testing.assert_close(players.numbers[row], alone[row].numbers[0])


def test_a_row_that_sits_out_is_as_if_it_had_not_been_asked():
    players = SideBySide([2, 4, 1], seeds=[0, 0])
    adam, x = RowAdam(players, 1e-2), torch.randn(1, 6, 2, generator=dice()).expand(2, -1, -1)
    adam.step(players(x).square().sum(), torch.tensor([True, False]))
    assert not torch.equal(players.numbers[0], players.numbers[1])
    adam.step(players(x).square().sum(), torch.tensor([False, True]))
    torch.testing.assert_close(players.numbers[0], players.numbers[1])  # state caught up too


def game(seeds: list[int], steps: int = 6, **knobs) -> list:
    players = SideBySide([2, 8, 2], seeds), SideBySide([2, 8, 1], [seed + 50 for seed in seeds])
    return play(*players, steps, look_every=4, batch=5, **knobs)


def test_games_do_not_touch_each_other():
    together = game([0, 1], rates=(torch.tensor([[1e-2], [1e-2]]), 1e-2))
    changed = game([0, 1], rates=(torch.tensor([[1e-2], [1e-1]]), 1e-2))
    assert torch.equal(together[-1].points[0], changed[-1].points[0])
    assert not torch.equal(together[-1].points[1], changed[-1].points[1])


def test_looks_tell_steps_measures_and_mean_losses():
    looks = game([0, 1, 2])
    assert [look.step for look in looks] == [4, 6]
    for look in looks:
        assert look.points.shape == (3, 1000, 2)
        assert all(len(part) == 3 for part in look[2:])
        assert (look.loss_d > 0).all() and (look.skipped == 0).all()
    (whole,) = [look for look in game([0], steps=2) if look.step == 2]
    frozen = game([0], steps=2, rates=(0.0, 0.0))[-1]
    assert not torch.equal(whole.points, frozen.points)


def test_knobs_reach_the_game():
    plain = game([0])[-1]
    assert not torch.equal(game([0], gamma=torch.tensor([5.0]))[-1].points, plain.points)
    torch.testing.assert_close(game([0], gamma=torch.tensor([0.0]))[-1].points, plain.points)
    assert not torch.equal(game([0], generator_loss=saturating_loss)[-1].points, plain.points)
    assert not torch.equal(game([0], d_turns=2)[-1].points, plain.points)
    idle = game([0, 0], skip_above=torch.tensor([2.0, -1.0]))[-1]  # never, always
    assert idle.skipped.tolist() == [0.0, 1.0]
    torch.testing.assert_close(idle.loss_d[0], game([0, 0])[-1].loss_d[0])


def test_gamma_weighs_r1_game_by_game():
    both = game([0, 0], gamma=torch.tensor([0.0, 5.0]))[-1].points
    torch.testing.assert_close(both[0], game([0, 0])[-1].points[0])
    assert not torch.allclose(both[0], both[1])
