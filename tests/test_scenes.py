"""Scenes hold what they say, and what is asked and told about them is true and grammatical."""

import pytest
import torch

from common import scenes
from common.rangoli import COLOURS, GROUNDS, MOTIFS, Factors, render
from common.scenes import (
    CELL,
    CELLS,
    EMPTY,
    LANGUAGES,
    NUMBER,
    QUESTIONS,
    SIDE,
    ask,
    decode,
    describe,
    make_scenes,
)


@pytest.fixture(scope="module")
def many():
    return make_scenes(200, seed=3)


def tiles(images):
    """[N, 3, 72, 72] -> [N, 9, 3, 24, 24], in reading order."""
    rows = images.unflatten(2, (SIDE, CELL)).unflatten(4, (SIDE, CELL))
    return rows.permute(0, 2, 4, 1, 3, 5).flatten(1, 2)


def test_empty_cells_are_bare_ground_and_filled_ones_are_not(many):
    grounds = torch.tensor([ground.rgb for ground in GROUNDS])[many.ground]
    bare = (tiles(many.images) == grounds[:, None, :, None, None]).all((2, 3, 4))
    assert torch.equal(bare, many.motif == EMPTY)
    assert torch.equal(bare, many.colour == EMPTY)


def painted(images, ground):
    """Which pixels differ from the ground: float [n, pixels]."""
    return ((images - ground[:, :, None, None]).abs().sum(1) > 60).flatten(1).float()


def test_each_cell_holds_its_colour_and_motif(many):
    filled = many.motif != EMPTY
    held, motif, colour = tiles(many.images)[filled], many.motif[filled], many.colour[filled]
    palette = torch.tensor([c.rgb for c in COLOURS]).float()
    pixels = held.permute(0, 2, 3, 1).flatten(1, 2).float()
    share = (torch.cdist(pixels, palette) < 60).float().sum(1)  # pixels in each of the 8 colours
    assert (share.gather(1, colour[:, None]) >= 10).all()

    # The motif: of many pictures of each kind, the one that covers the most alike
    kinds = torch.cartesian_prod(*map(torch.arange, (8, 1, 1, 3))).repeat(100, 1)
    grounds = torch.tensor([g.rgb for g in GROUNDS])
    known = painted(render(Factors.unstack(kinds), CELL), grounds[kinds[:, 2]])
    shown = painted(held, grounds[many.ground][:, None].expand(-1, CELLS, -1)[filled])
    both = shown @ known.T
    alike = both / (shown.sum(1)[:, None] + known.sum(1) - both)
    assert (kinds[alike.argmax(1), 0] == motif).float().mean() > 0.92


def test_the_numbers_of_motifs_are_as_asked_and_colours_differ():
    some = make_scenes(300, seed=1, least=2, most=5)
    counts = (some.motif != EMPTY).sum(1)
    assert set(counts.tolist()) == {2, 3, 4, 5}
    for colours in some.colour.tolist():
        here = [colour for colour in colours if colour != EMPTY]
        assert len(here) == len(set(here))
    free = make_scenes(300, seed=1, least=4, most=4, distinct=False)
    assert any(len(set(c) - {EMPTY}) < 4 for c in free.colour.tolist())


def test_clutter_leaves_motifs_alone_and_is_not_bare():
    plain, strewn = (make_scenes(20, 5, 1, 1, clutter=c) for c in (False, True))
    filled = plain.motif != EMPTY
    assert torch.equal(tiles(plain.images)[filled], tiles(strewn.images)[filled])
    assert (tiles(plain.images) != tiles(strewn.images)).any()


@pytest.mark.parametrize("kind", QUESTIONS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_names_a_colour_that_stands_where_it_says(many, kind, language):
    names = {
        form: i
        for i, c in enumerate(COLOURS)
        for form in ([c.en] if language == "en" else [c.hi, scenes._oblique(c.hi)])
    }
    questions = ask(many, kind, language, seed=2)
    assert len(questions) > 50
    for i in range(len(questions)):
        scene = int(questions.scene[i])
        text = decode(questions.words[i])
        said = [names[word] for word in text.split() if word in names]
        assert said == many.colour[scene][questions.named[i]].tolist(), text
        assert questions.answer[i].tolist() == many.motif[scene][questions.cell[i]].tolist()
        assert EMPTY not in questions.answer[i].tolist()
        if kind == "right":
            place, beside = int(questions.named[i, 0]), int(questions.cell[i, 0])
            assert beside == place + 1 and place // SIDE == beside // SIDE
        else:
            assert torch.equal(questions.named[i], questions.cell[i])


def test_questions_speak_the_language_they_should(many):
    hindi = {decode(words) for words in ask(many, "one", "hi").words}
    assert "पीले रंग में क्या बना है" in hindi and "लाल रंग में क्या बना है" in hindi
    assert not any("पीला" in text or "हरा" in text or "नीला" in text for text in hindi)
    assert "what is drawn in red" in {decode(words) for words in ask(many, "one", "en").words}
    both, one = ask(many, "one", seed=4), ask(many, "one", "en", seed=4)
    assert torch.equal(both.named, one.named)  # the language does not change what is asked
    assert 0.3 < (both.words == one.words).all(1).float().mean() < 0.7


def test_captions_agree_and_go_in_reading_order():
    table = make_scenes(1, seed=0, least=4, most=4, distinct=False)
    table.motif[0] = torch.tensor([4, EMPTY, 0, EMPTY, 4, EMPTY, EMPTY, EMPTY, 1])
    table.colour[0] = torch.tensor([2, EMPTY, 2, EMPTY, 3, EMPTY, EMPTY, EMPTY, 0])
    (hindi, cells), (english, _) = describe(table, "hi"), describe(table, "en")
    assert decode(hindi[0]) == "पीली केरी, पीला कमल, हरी केरी और लाल तारा"
    assert decode(english[0]) == "yellow paisley, yellow lotus, green paisley and red star"
    assert cells[0].tolist() == [0, 0, -1, 2, 2, -1, 4, 4, -1, 8, 8, -1]


def test_every_hindi_noun_takes_its_own_gender():
    for motif, kind in enumerate(MOTIFS):
        for colour, tint in enumerate(COLOURS):
            first, second = scenes.name(motif, colour, "hi")
            assert first == (tint.hi_feminine if kind.feminine else tint.hi) and second == kind.hi
            assert first in NUMBER and second in NUMBER


def test_the_same_seed_gives_the_same():
    a, b, c = (make_scenes(20, seed) for seed in (7, 7, 8))
    assert torch.equal(a.images, b.images) and not torch.equal(a.images, c.images)
    assert torch.equal(ask(a, "two", seed=1).words, ask(b, "two", seed=1).words)


def test_parts_and_joins(many):
    questions = ask(many, "one")
    joined = scenes.Questions.join([questions[:3], questions[3:5]])
    assert torch.equal(joined.words, questions[:5].words) and len(joined) == 5
    assert torch.equal(many[[4, 2]].images[1], many.images[2])


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: make_scenes(2, least=3, most=2),
        lambda: make_scenes(2, most=9),  # only eight colours
        lambda: ask(make_scenes(2), "left"),
        lambda: describe(make_scenes(2, least=5, most=5), "hi"),
    ],
)
def test_what_cannot_be_is_refused(mistake):
    with pytest.raises(ValueError):
        mistake()
