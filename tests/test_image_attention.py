"""What 2-image-attention teaches: shapes, gradients, controls, and the captioners that ship."""

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from common import attention
from common.attention import (
    AdditiveAttention,
    Captioner,
    HardLook,
    HeadsLook,
    MeanLook,
    SceneReader,
    SoftLook,
    TinyViT,
    cell_of,
    load_captioners,
    load_vit,
    measure,
    measure_captions,
    neighbour_questions,
    picture_cnn,
    reinforce_loss,
    see,
    spotlight,
    to_nine,
    train_captioner,
    train_reader,
)
from common.scenes import EMPTY, NUMBER, START, ask, describe, make_scenes

WEIGHTS = Path(attention.__file__).parent / "weights" / "attention-captions.safetensors"


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def exact_cells(scenes):
    """Cells that say motif and colour outright, as a perfect CNN would: [N, 36, 64]."""
    codes = torch.randn(18, 64, generator=torch.Generator().manual_seed(0))
    codes[[8, 17]] = 0  # the code of an empty cell
    nine = codes[scenes.motif.where(scenes.motif != EMPTY, 8)] + codes[scenes.colour % 9 + 9]
    nine[scenes.motif == EMPTY] = 0
    return nine[:, cell_of(torch.arange(36))]


def test_additive_attention_is_its_formula():
    layer, query, key = AdditiveAttention(5, 6, 7), torch.randn(2, 5), torch.randn(2, 4, 6)
    scores = torch.stack(
        [
            torch.tanh(layer.to_query(query) + layer.to_key(key[:, i])) @ layer.v.weight[0]
            for i in range(4)
        ],
        dim=1,
    )
    weights = layer(query, key)
    torch.testing.assert_close(weights, scores.softmax(1))
    torch.testing.assert_close(weights, layer.weigh(query, layer.to_key(key)))


@pytest.mark.parametrize(
    ("make", "heads"), [(MeanLook, 1), (SoftLook, 1), (HardLook, 1), (lambda: HeadsLook(2), 2)]
)
@pytest.mark.parametrize("positions", [0, 36])
def test_readers_give_scores_and_weights_that_sum_to_one(make, heads, positions):
    reader = SceneReader(make(), answers=2, positions=positions)
    scores, weights = reader(torch.randn(3, 36, 64), torch.zeros(3, 9, dtype=torch.long))
    assert scores.shape == (3, 2, 8) and weights.shape == (3, heads, 36)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, heads))


def test_a_hard_look_takes_one_cell_and_the_heaviest_in_use():
    look, query, cells = HardLook(), torch.randn(50, 64), torch.randn(50, 36, 64)
    context, weights = look(query, cells, cells)
    assert torch.equal(context, cells[torch.arange(50), look.choice])
    drawn = look.choice
    look.eval()(query, cells, cells)
    assert torch.equal(look.choice, weights[:, 0].argmax(-1))
    assert not torch.equal(look.choice, drawn)
    again = HardLook()
    again.load_state_dict(look.state_dict())
    again(query, cells, cells)
    assert torch.equal(again.choice, drawn)  # the lot is seeded


def test_reinforce_has_the_gradient_of_the_expected_reward():
    n, draws = 5, 200_000
    logits = torch.randn(n).double().requires_grad_()
    good = torch.tensor([0, 1, 0, 0, 1])  # the cells whose look leads to a right answer
    choice = torch.multinomial(logits.detach().softmax(0), draws, replacement=True)
    weights = logits.softmax(0).expand(draws, 1, n)
    scores = F.one_hot(good[choice], 8)[:, None].double()
    reader = SimpleNamespace(look=SimpleNamespace(choice=choice))
    loss = reinforce_loss(reader, scores, weights, torch.ones(draws, 1, dtype=torch.long))
    (estimate,) = torch.autograd.grad(loss, logits)
    p = logits.softmax(0)
    exact_loss = -(p * good).sum() - 0.01 * torch.special.entr(p).sum()
    (exact,) = torch.autograd.grad(exact_loss, logits)
    torch.testing.assert_close(estimate, exact, atol=0.005, rtol=0)


def test_places_on_a_map_lie_in_the_right_cell():
    expected = [[0, 0, 1, 1, 2, 2]] * 2 + [[3, 3, 4, 4, 5, 5]] * 2 + [[6, 6, 7, 7, 8, 8]] * 2
    assert cell_of(torch.arange(36)).view(6, 6).tolist() == expected
    assert cell_of(torch.arange(9), 9).tolist() == list(range(9))


def test_nine_cells_are_the_means_of_their_four():
    nine = torch.randn(2, 9, 64)
    torch.testing.assert_close(to_nine(nine[:, cell_of(torch.arange(36))]), nine)


def test_a_cell_sees_its_own_place():
    cnn = picture_cnn().eval()
    scene = make_scenes(1, seed=0, least=1, most=1).images
    for row, column in ((0, 0), (2, 5), (5, 3)):
        changed = scene.clone()
        changed[..., row * 12 + 4 : row * 12 + 8, column * 12 + 4 : column * 12 + 8] += 60
        moved = (see(cnn, changed) - see(cnn, scene)).abs().sum(-1)[0]
        assert moved.argmax() == row * 6 + column
        assert (moved > 0).sum() == 1


def test_shuffled_cells_change_nothing_without_positions():
    cells, words, order = torch.randn(4, 36, 64), torch.ones(4, 9).long(), torch.randperm(36)
    for positions in (0, 36):
        reader = SceneReader(SoftLook(), positions=positions)
        (a, map_a), (b, map_b) = reader(cells, words), reader(cells[:, order], words)
        same = torch.allclose(a, b, atol=1e-5) and torch.allclose(
            map_a[..., order], map_b, atol=1e-5
        )
        assert same is (positions == 0)


def test_the_vit_lets_the_question_and_cells_look_at_each_other():
    vit, cells, words = TinyViT(), torch.randn(2, 9, 64), torch.ones(2, 9).long()
    scores, seen = vit.look_everywhere(cells, words)
    assert scores.shape == (2, 1, 8) and seen.shape == (2, 2, 4, 10, 10)
    torch.testing.assert_close(seen.sum(-1), torch.ones(2, 2, 4, 10))
    torch.testing.assert_close(vit(cells, words)[1], seen[:, -1, :, 0, 1:])


def test_attention_answers_where_the_mean_cannot():
    scenes, tests = make_scenes(1000, seed=0), make_scenes(200, seed=1, least=4, most=6)
    cells, test_cells = exact_cells(scenes), exact_cells(tests)
    one, test_one = ask(scenes, "one"), ask(tests, "one")
    soft, again, mean = (
        train_reader(lambda look=look: SceneReader(look()), cells, one, steps=120)
        for look in (SoftLook, SoftLook, MeanLook)
    )
    right, points = measure(soft, test_cells, test_one)
    assert right > 0.9 and points.item() > 0.95
    assert measure(mean, test_cells, test_one)[0] < 0.6
    assert measure(again, test_cells, test_one)[0] == right  # the same seed, the same reader


@pytest.mark.parametrize("look", ["soft", "hard", "mean"])
def test_a_captioner_goes_on_from_its_own_words(look):
    captioner = Captioner(look).eval()
    cells, first = torch.randn(3, 36, 64), torch.full((3,), NUMBER[START["hi"]])
    scores, weights, drawn = captioner(cells, first)
    assert scores.shape[:2] == weights.shape[:2] == drawn.shape == (3, 12)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 12))
    torch.testing.assert_close(captioner(cells, first, scores.argmax(-1))[0], scores)
    assert torch.equal(drawn, weights.argmax(-1)) if look == "hard" else (drawn == -1).all()


def test_a_hard_captioner_learns_where_to_look():
    """The gradient that reaches the scoring layer is not zero, and the draws are seeded."""
    scenes = make_scenes(64, seed=0, least=2, most=2, distinct=False)
    a, b = (train_captioner(exact_cells(scenes), scenes, "hard", steps=3) for _ in range(2))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        before = Captioner("hard")
    assert not torch.equal(a.attention.v.weight, before.attention.v.weight)
    assert torch.equal(a.attention.v.weight, b.attention.v.weight)


def test_captions_count_only_when_every_word_is_right():
    scenes = make_scenes(4, seed=0, least=2, most=2, distinct=False)
    words, spoken_of = describe(scenes, "hi")

    def perfect(cells, first, given=None):
        scores = F.one_hot(words, len(NUMBER)).float()
        place = (spoken_of.clamp(min=0) // 3 * 2) * 6 + spoken_of.clamp(min=0) % 3 * 2
        return scores, F.one_hot(place, 36).float(), None

    def one_slip(cells, first, given=None):
        scores, weights, _ = perfect(cells, first)
        scores[0, 1].fill_(0)[NUMBER[START["en"]]] = 1
        return scores, weights.roll(1, 0) * 0 + weights[:, :1], None

    cells = torch.zeros(4, 36, 64)
    assert measure_captions(perfect, cells, scenes, "hi") == (1.0, 1.0)
    exact, points = measure_captions(one_slip, cells, scenes, "hi")
    assert exact == 0.75 and points == pytest.approx(0.5)


def test_a_spotlight_lights_its_cell():
    lit = spotlight(torch.full((3, 72, 72), 200, dtype=torch.uint8), torch.eye(36)[7])
    assert lit.shape == (3, 72, 72) and lit.max() <= 1
    assert lit[:, 12:24, 12:24].min() > 2 * lit[:, 24:, 24:].max()


def test_the_shipped_captioners_do_what_their_card_says():
    cnn, captioners = load_captioners()
    tests = make_scenes(200, seed=123, least=2, most=4, distinct=False)
    cells = see(cnn, tests.images)
    for tongue in START:
        exact, points = measure_captions(captioners["soft"], cells, tests, tongue)
        assert exact > 0.93 and points > 0.98
        assert measure_captions(captioners["hard"], cells, tests, tongue)[1] > 0.9
        assert measure_captions(captioners["mean"], cells, tests, tongue)[0] < 0.3
    assert WEIGHTS.stat().st_size < 1.5 * 2**20
    assert "course.py train attention-captions" in WEIGHTS.with_suffix(".md").read_text("utf-8")


def test_the_shipped_vit_does_what_its_card_says():
    cnn, _ = load_captioners()
    _, nine, right = neighbour_questions(cnn, 200, seed=123, most=6)
    vit, glance = load_vit()
    assert measure(vit, nine, right)[0] > 0.95 > 0.65 > measure(glance, nine, right)[0]
    card = WEIGHTS.with_name("attention-vit.md").read_text("utf-8")
    assert "course.py train attention-vit" in card


def test_the_vit_can_be_made_again(tmp_path):
    from tools.train import train_vit_pair

    scores = train_vit_pair(torch.device("cpu"), tmp_path, scale=0.002)
    assert {file.name for file in tmp_path.iterdir()} == {
        "attention-vit.md",
        "attention-vit.safetensors",
    }
    assert all(0 <= score <= 1 for score in scores.values())
    assert "{" not in (tmp_path / "attention-vit.md").read_text("utf-8")


def test_the_captioners_can_be_made_again(tmp_path):
    from tools.train import train_captions

    scores = train_captions(torch.device("cpu"), tmp_path, scale=0.002)
    assert {file.suffix for file in tmp_path.iterdir()} == {".md", ".safetensors"}
    assert all(math.isfinite(x) for s in scores.values() for pair in s.values() for x in pair)
    assert "{" not in (tmp_path / "attention-captions.md").read_text("utf-8")
