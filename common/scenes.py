"""Pictures of several rangoli motifs in a 3 × 3 grid, with questions and captions about them.

Every scene is made from its factors, so what stands in which cell is known exactly: a model's
answer can be checked, and so can the place that it looked at.

    scenes = make_scenes(500, seed=0)             # images uint8 [500, 3, 72, 72]
    questions = ask(scenes, "one", seed=1)        # "लाल रंग में क्या बना है?"
    words, cells = describe(scenes, "hi")         # "लाल कमल, पीली केरी और नीला तारा"

Cells are numbered 0 … 8 in reading order. Words are numbers into WORDS; one list serves both
languages, because a model learns both at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import product

import torch
from torch import Tensor

from common.lang import remember, t
from common.rangoli import COLOURS, GROUNDS, MOTIFS, Factors, Layers, paint, render

SIDE = 3  # cells along an edge
CELLS = SIDE * SIDE
CELL = 24  # pixels along the edge of a cell
EMPTY = -1


def _parts(factors: Sequence) -> list[str]:
    return [word for factor in factors for word in (factor.en, factor.hi)]


def _oblique(colour: str) -> str:
    """A Hindi colour before रंग में or वाले: पीला → पीले, but लाल → लाल."""
    return colour[:-1] + "े" if colour.endswith("ा") else colour


# One question of each kind, in both languages; {a} and {b} stand for colours.
QUESTIONS = {
    "one": {"hi": "{a} रंग में क्या बना है", "en": "what is drawn in {a}"},
    "two": {"hi": "{a} और {b} रंग में क्या-क्या बना है", "en": "what is drawn in {a} and in {b}"},
    "right": {"hi": "{a} वाले के दाईं ओर क्या है", "en": "what is to the right of the {a} one"},
}
LANGUAGES = ("hi", "en")
PAD, END, COMMA = "<pad>", "<end>", ","
AND = {"hi": "और", "en": "and"}
START = {"hi": "<hi>", "en": "<en>"}
WORDS = list(
    dict.fromkeys(
        [PAD, *START.values(), END, COMMA, *AND.values()]
        + _parts(MOTIFS)
        + _parts(COLOURS)
        + [form for colour in COLOURS for form in (colour.hi_feminine, _oblique(colour.hi))]
        + [
            word
            for kind in QUESTIONS.values()
            for text in kind.values()
            for word in text.split()
            if not word.startswith("{")
        ]
    )
)
NUMBER = {word: number for number, word in enumerate(WORDS)}
for _part in MOTIFS + COLOURS:  # figures that cannot show Devanagari say it in English
    remember(_part.hi, _part.en)
for _colour in COLOURS:
    remember(_colour.hi_feminine, _colour.en)
remember(AND["hi"], AND["en"])
QUESTION_LENGTH = 9  # words in the longest question
CAPTION_LENGTH = 3 * 4  # of four motifs: colour, motif, and a comma, an "and" or the end


@dataclass(eq=False)
class Scenes:
    """images: uint8 [N, 3, 72, 72]; motif, colour: [N, 9], numbers into MOTIFS and COLOURS or
    EMPTY; ground: [N]. `scenes[index]` is some of them."""

    images: Tensor
    motif: Tensor
    colour: Tensor
    ground: Tensor

    def to(self, device: torch.device | str) -> "Scenes":
        return Scenes(*(getattr(self, field.name).to(device) for field in fields(self)))

    def __len__(self) -> int:
        return len(self.motif)

    def __getitem__(self, index) -> "Scenes":
        return Scenes(*(getattr(self, field.name)[index] for field in fields(self)))


@dataclass(eq=False)
class Questions:
    """n questions. words: [n, 9], padded with 0; scene: [n], of which scene it is asked;
    answer, cell: [n, 1 or 2], the motifs asked for and where they stand;
    named: [n, 1 or 2], where the colours that the question names stand."""

    words: Tensor
    scene: Tensor
    answer: Tensor
    cell: Tensor
    named: Tensor

    def to(self, device: torch.device | str) -> "Questions":
        return Questions(*(getattr(self, field.name).to(device) for field in fields(self)))

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def join(cls, several: "Sequence[Questions]") -> "Questions":
        """Questions about the same scenes as one."""
        return cls(*(torch.cat([getattr(q, field.name) for q in several]) for field in fields(cls)))

    def __getitem__(self, index) -> "Questions":
        return Questions(*(getattr(self, field.name)[index] for field in fields(self)))


def make_scenes(
    n: int,
    seed: int = 0,
    least: int = 1,
    most: int = 6,
    distinct: bool = True,
    clutter: bool = False,
) -> Scenes:
    """n scenes of `least` … `most` motifs in random cells, on one of the four grounds.

    distinct: no colour twice, so that a colour names one motif (`most` is then 8 at most).
    clutter: the other cells are strewn with a few pale grains.
    """
    if not 1 <= least <= most <= (len(COLOURS) if distinct else CELLS):
        raise ValueError(t("{least} … {most} motifs do not fit", least=least, most=most))
    generator = torch.Generator().manual_seed(seed)
    place = torch.rand(n, CELLS, generator=generator).argsort(1).argsort(1)  # a shuffle of 0 … 8
    filled = place < torch.randint(least, most + 1, (n, 1), generator=generator)
    motif = torch.randint(len(MOTIFS), (n, CELLS), generator=generator)
    if distinct:
        shuffled = torch.rand(n, len(COLOURS), generator=generator).argsort(1)
        colour = shuffled.gather(1, place.clamp(max=len(COLOURS) - 1))
    else:
        colour = torch.randint(len(COLOURS), (n, CELLS), generator=generator)
    ground = torch.randint(len(GROUNDS), (n,), generator=generator)
    symmetry = torch.randint(3, (n, CELLS), generator=generator)

    grounds = torch.tensor([kind.rgb for kind in GROUNDS], dtype=torch.uint8)
    tiles = grounds[ground][:, None, :, None, None].repeat(1, CELLS, 1, CELL, CELL)
    behind = ground[:, None].expand(-1, CELLS)
    factors = Factors(*(part[filled] for part in (motif, colour, behind, symmetry)))
    tiles[filled] = render(factors, CELL, generator, supersample=1, style=_on_even_ground)
    if clutter:
        tiles[~filled] = _strew(tiles[~filled], generator)
    rows = tiles.unflatten(1, (SIDE, SIDE)).permute(0, 3, 1, 4, 2, 5)
    images = rows.reshape(n, 3, SIDE * CELL, SIDE * CELL)
    nothing = torch.full_like(motif, EMPTY)
    return Scenes(images, motif.where(filled, nothing), colour.where(filled, nothing), ground)


def _on_even_ground(layers: Layers) -> Tensor:
    """Painted without the ground's own variation, so that no seam shows between cells."""
    grounds = torch.tensor([kind.rgb for kind in GROUNDS]) / 255
    nearest = torch.cdist(layers.ground, grounds).argmin(1)
    return paint(replace(layers, ground=grounds[nearest]))


def _strew(tiles: Tensor, generator: torch.Generator) -> Tensor:
    """A few pale grains of 3 × 3 pixels on each tile, uint8 [n, 3, 24, 24]."""
    colours = torch.tensor([colour.rgb for colour in COLOURS])
    shape = (len(tiles), CELL // 3, CELL // 3)
    grains = colours[torch.randint(len(COLOURS), shape, generator=generator)].movedim(-1, 1)
    here = (torch.rand(shape, generator=generator) < 0.1)[:, None]
    fine = [part.repeat_interleave(3, 2).repeat_interleave(3, 3) for part in (here, grains)]
    return torch.where(fine[0], (fine[1] + tiles) // 2, tiles).to(torch.uint8)


def ask(scenes: Scenes, kind: str, language: str | None = None, seed: int = 0) -> Questions:
    """One question for each scene that allows it, about a colour that is in the scene.

    kind: "one" (what is drawn in red?), "two" (in red and in yellow?), "right" (what is to the
    right of the red one?). language: "hi", "en", or by chance. "one" and "two" need scenes of
    distinct colours; a scene of too few motifs, or with none to the right of another, is left out.
    """
    if kind not in QUESTIONS:
        raise ValueError(t("kind is one of {kinds}, not {kind}", kinds=list(QUESTIONS), kind=kind))
    generator = torch.Generator().manual_seed(seed)
    filled = scenes.motif != EMPTY
    possible = filled
    if kind == "right":
        neighbour = torch.zeros_like(filled)
        neighbour[:, :-1] = filled[:, 1:]
        neighbour[:, SIDE - 1 :: SIDE] = False  # right of the last column there is nothing
        possible = filled & neighbour
    count = 2 if kind == "two" else 1
    scene = (possible.sum(1) >= count).nonzero()[:, 0]
    chance = torch.rand(filled.shape, generator=generator) * possible
    named = chance[scene].topk(count, dim=1).indices  # [n, count]
    cell = named + 1 if kind == "right" else named

    spoken = torch.randint(len(LANGUAGES), (len(scene),), generator=generator)
    if language is not None:
        spoken[:] = LANGUAGES.index(language)
    colours = scenes.colour[scene].gather(1, named)
    words = _every_question(kind)[spoken, colours[:, 0], colours[:, -1]]
    return Questions(words, scene, scenes.motif[scene].gather(1, cell), cell, named)


@cache
def _every_question(kind: str) -> Tensor:
    """All questions of a kind, as words: [language, colour a, colour b, 9]."""
    table = torch.zeros(len(LANGUAGES), len(COLOURS), len(COLOURS), QUESTION_LENGTH).long()
    for (a, first), (b, second) in product(enumerate(COLOURS), enumerate(COLOURS)):
        texts = {
            "hi": QUESTIONS[kind]["hi"].format(a=_oblique(first.hi), b=_oblique(second.hi)),
            "en": QUESTIONS[kind]["en"].format(a=first.en, b=second.en),
        }
        remember(texts["hi"], texts["en"])
        for language, text in texts.items():
            numbers = encode(text)
            row = table[LANGUAGES.index(language), a, b]
            row[: len(numbers)] = torch.tensor(numbers)
    return table


def describe(scenes: Scenes, language: str) -> tuple[Tensor, Tensor]:
    """Captions in reading order: words [N, 12], padded with 0, and cells [N, 12].

    cells says which cell a colour or a motif speaks of, and is EMPTY for the other words.
    A scene has four motifs at most.
    """
    words = torch.zeros(len(scenes), CAPTION_LENGTH, dtype=torch.long)
    cells = torch.full_like(words, EMPTY)
    for row, (motifs, colours) in enumerate(
        zip(scenes.motif.tolist(), scenes.colour.tolist(), strict=True)
    ):
        here = [cell for cell in range(CELLS) if motifs[cell] != EMPTY]
        text: list[str] = []
        for left, cell in zip(range(len(here) - 1, -1, -1), here, strict=True):
            joint = END if left == 0 else AND[language] if left == 1 else COMMA
            text += [*name(motifs[cell], colours[cell], language), joint]
        if len(text) > CAPTION_LENGTH:
            raise ValueError(t("A caption holds four motifs at most"))
        words[row, : len(text)] = torch.tensor([NUMBER[word] for word in text])
        for i, cell in enumerate(here):
            cells[row, 3 * i : 3 * i + 2] = cell
    return words, cells


def name(motif: int, colour: int, language: str) -> tuple[str, str]:
    """(colour, motif) as words that agree: ("पीली", "केरी"), ("पीला", "कमल"), ("red", "lotus")."""
    what, tint = MOTIFS[motif], COLOURS[colour]
    if language == "en":
        return tint.en, what.en
    return (tint.hi_feminine if what.feminine else tint.hi), what.hi


def encode(text: str) -> list[int]:
    """A text's words as numbers. KeyError for a word that is not in WORDS."""
    return [NUMBER[word] for word in text.split()]


def decode(words: Tensor) -> str:
    """Word numbers [length] as text, up to the end; a comma stands at the word before it."""
    text = ""
    for word in (WORDS[number] for number in words.tolist()):
        if word in (PAD, END):
            break
        text += word if word == COMMA else f" {word}"
    return text.strip()
