"""`course.py bench`, at a scale of seconds: budgets, the tables, the files, the measures."""

import json
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch

from common.art import painting
from common.data import photograph
from common.features import SlimFeatures, load_features
from common.gan import OURS, PUBLISHED, GanConfig, frechet_distance, kernel_distance
from common.metrics import load_judge, real_images
from common.rangoli import rangoli
from common.style import Terms
from tools import bench

CPU = torch.device("cpu")
TINY = replace(OURS, width=4, latent=8, batch=4)
ROW = {
    "data": "digits",
    "recipe": "ours",
    "budget": "1 s",
    "seed": 0,
    "steps": 5,
    "seconds": 1.0,
    "fid": 8.0,
    "kid": 0.02,
    "precision": 0.9,
    "recall": 0.8,
    "covered": 10,
    "covered5": 9,
    "confident": 0.9,
    "of": 10,
}
ABOUT = {"device": "a CPU", "torch": "2", "torchmetrics": "1"}


@pytest.fixture
def small(monkeypatch):
    """64 digits on each side, and recipes that take no time."""
    real = real_images("digits", 128)
    monkeypatch.setenv("COURSE_STATIC", "1")
    monkeypatch.setattr(bench, "COUNT", 64)
    monkeypatch.setattr(bench, "real_images", lambda *_, seed=1: real[(seed - 1) * 64 :][:64])
    monkeypatch.setattr(bench, "real_features", lambda *_: load_judge("digits")(real[:64]))
    known = {
        "worst": replace(TINY, rates=(0.0, 0.0)),
        "ours": TINY,
        "ours, conditional": replace(TINY, classes=10),
        "diverges": replace(TINY, rates=(float("inf"), 0.0)),
    }
    monkeypatch.setattr(bench, "recipes", lambda *_: known)


def run(to: Path, *options: str) -> list[dict]:
    common = ["gan", "--data", "digits", "--to", str(to), "--device", "cpu"]
    assert bench.main([*common, "--seconds", "0.2", "--steps", "3", *options]) == 0
    return json.loads((to / "gan.json").read_text("utf-8"))["rows"]


def test_the_table_has_a_row_for_each_run_good_or_bad(small, tmp_path, capsys):
    rows = run(tmp_path)
    names = ["worst", "ours", "ours, conditional", "diverges"]
    assert [row["recipe"] for row in rows] == ["real pictures", *names, *names]
    assert [row["budget"] for row in rows] == ["–"] + ["0.2 s"] * 4 + ["3 steps"] * 4
    assert all(row["seconds"] >= 0.2 for row in rows[1:5])
    assert {row["steps"] for row in rows[5:]} == {3}
    real, worst = rows[0], rows[1]
    assert real["fid"] < 0.5 * worst["fid"]
    # what is not a number is told, not left out
    assert rows[4]["fid"] is None and rows[8]["covered"] is None
    table = (tmp_path / "gan.md").read_text("utf-8")
    lines = [line for line in table.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(rows) and len({line.count("|") for line in lines}) == 1
    assert "recipe · विधि" in lines[0] and "| diverges | " in lines[-1] and "| – |" in lines[-1]
    out = capsys.readouterr().out
    assert all(line in out for line in lines)
    assert not list(tmp_path.glob("*.part"))
    # only one again: the others stay as they were
    again = run(tmp_path, "--only", "ours")
    assert [row["recipe"] for row in again] == [row["recipe"] for row in rows]
    assert again[1] == rows[1] and again[6]["fid"] == pytest.approx(rows[6]["fid"])


def test_an_unknown_recipe_is_told_with_those_that_there_are(small, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(tmp_path, "--only", "best")
    assert "'best'" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_worse_result_takes_the_place_of_a_better_one(tmp_path):
    path = tmp_path / "gan.json"
    bench.keep(ROW, path, ABOUT)
    bench.keep(ROW | {"recipe": "published"}, path, ABOUT)
    rows = bench.keep(ROW | {"fid": 99.0}, path, ABOUT)
    assert [row["fid"] for row in rows] == [99.0, 8.0]  # in place, and the table is not sorted
    assert bench.keep(ROW | {"seed": 1}, path, ABOUT)[2]["seed"] == 1  # another seed stands beside
    assert "99.00" in (tmp_path / "gan.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["gan.json", "gan.md"])
def test_files_are_whole_at_every_moment(tmp_path, monkeypatch, name):
    path = tmp_path / "gan.json"
    bench.keep(ROW, path, ABOUT)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    real = Path.replace

    def dies(self: Path, target: Path):
        if target.name == name:
            assert self.name != name  # written beside
            raise OSError("power cut")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", dies)
    with pytest.raises(OSError, match="power cut"):
        bench.keep(ROW | {"seed": 1}, path, ABOUT)
    assert (tmp_path / name).read_bytes() == before[name]


def test_seconds_are_of_training_only_and_steps_are_exact(monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "1")
    clock = [0.0]
    monkeypatch.setattr(bench.clock, "seconds", lambda _: clock[0])
    learn = (torch.zeros(8, 1, 32, 32, dtype=torch.uint8), {})
    plain = bench.train_gan

    def slow(config, images, *, note=None, **options):
        def tick(step, trained):
            clock[0] += 0.5
            return note(step, trained) if note else None

        return plain(config, images, note=tick, **options)

    monkeypatch.setattr(bench, "train_gan", slow)
    _, steps, seconds = bench.train(TINY, learn, CPU, 0, seconds=3)
    assert (steps, seconds) == (6, 3.0)
    _, steps, seconds = bench.train(TINY, learn, CPU, 0, steps=4)
    assert (steps, seconds) == (4, 2.0)


@pytest.mark.parametrize("slow, fast", [(1.0, 0.25), (0.25, 1.0)])
def test_falling_rates_end_with_the_seconds_whatever_the_first_steps_took(monkeypatch, slow, fast):
    """A pace guessed from the first steps would end the run, or the fall, at another second."""
    monkeypatch.setenv("COURSE_STATIC", "1")
    clock, rates = [0.0], []  # a rate for each step, beside the second in which it began
    monkeypatch.setattr(bench.clock, "seconds", lambda _: clock[0])
    real = torch.optim.Adam.step

    def step(self, *_):
        if self.param_groups[0]["lr"] <= TINY.rates[0]:  # the generator's: the last of a step
            rates.append((clock[0], self.param_groups[0]["lr"]))
            clock[0] += slow if len(rates) <= 28 else fast
        real(self)

    monkeypatch.setattr(torch.optim.Adam, "step", step)
    learn = (torch.zeros(8, 1, 32, 32, dtype=torch.uint8), {})
    config = replace(TINY, rates=(TINY.rates[0], 1.0), decay=True)
    _, steps, seconds = bench.train(config, learn, CPU, 0, seconds=40)
    assert seconds == 40 and steps == 28 + (40 - 28 * slow) / fast
    half = [rate for began, rate in rates if began <= 20]
    assert set(half) == {TINY.rates[0]}
    for began, rate in rates[len(half) :]:
        assert rate == pytest.approx(TINY.rates[0] * 2 * (1 - began / 40))


def test_each_changes_one_thing():
    def differs(config: GanConfig) -> list[str]:
        return [
            part.name
            for part in fields(GanConfig)
            if getattr(config, part.name) != getattr(OURS, part.name)
        ]

    known = bench.recipes("digits", each=True)
    assert known["published"] == PUBLISHED and differs(known["ours, conditional"]) == ["classes"]
    assert differs(known["ours, conditional, packed"]) == ["classes", "pack"]
    told = bench.recipes("rangoli")["ours, conditional, packed, by factors"]
    assert differs(told) == ["classes", "pack"]
    changed = [differs(config) for name, config in known.items() if "but" in name]
    assert changed == [[name] for name in [*differs(PUBLISHED), "small_start"]]


def test_a_wish_by_factors_is_what_the_picture_shows(monkeypatch):
    drawn = rangoli(300, seed=0)
    monkeypatch.setattr(bench, "rangoli", lambda *_, **__: drawn)
    classes, factors = bench.pictures("rangoli")[1], drawn[1]
    torch.testing.assert_close(classes[64], classes[768] // 12)
    parts = torch.stack(torch.unravel_index(classes[768], bench.FACTORS), dim=1)
    torch.testing.assert_close(parts, factors.stack())
    config = bench.recipes("rangoli")["ours, conditional, packed, by factors"]
    generator, discriminator = config.make(3)
    assert sum(p.numel() for p in generator.embed.parameters()) == 23 * OURS.latent
    # two colours differ by one and the same vector, whatever else is wished
    red, blue = (torch.tensor([(motif * 8 + colour) * 12 for motif in (0, 5)]) for colour in (1, 2))
    one, other = generator.embed(blue) - generator.embed(red)
    torch.testing.assert_close(one, other)
    assert one.abs().max() > 0.1
    label = torch.tensor([0, 767])
    assert discriminator(torch.zeros(2, 6, 32, 32), label).shape == (2,)


def test_torchmetrics_agrees_with_the_course():
    judge = load_judge("digits")
    real, fake = real_images("digits", 300), real_images("digits", 300, seed=2).flip(3)
    fid, kid = bench.fid_and_kid(judge, real, fake)
    assert fid == pytest.approx(frechet_distance(judge(real), judge(fake)), rel=1e-3) and fid > 1
    # subsets of all the pictures: each is the whole
    assert kid == pytest.approx(kernel_distance(judge(real), judge(fake)), rel=1e-3)


def test_without_torchmetrics_the_cure_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", None)
    with pytest.raises(SystemExit, match="install torchmetrics"):
        bench.fid_and_kid(None, None, None)


def test_the_quantiser_is_timed_in_pairs_that_take_turns(tmp_path, monkeypatch, capsys):
    """A machine that is ever faster must favour neither, nor what was only true of the start."""
    monkeypatch.setattr(bench, "SIZES", ((8, 4, 1), (16, 4, 2)))
    turns, now = [], [0.0]
    library = bench._vector_quantize_pytorch().VectorQuantize
    for kind, pace in ((bench.Quantizer, 3.0), (library, 4.0)):

        def slow(self, z, plain=kind.forward, pace=pace):
            turns.append(pace)
            now[0] += pace * (100 if len(turns) <= 6 else 1)
            return plain(self, z)

        monkeypatch.setattr(kind, "forward", slow)
    monkeypatch.setattr(bench.clock, "seconds", lambda _: now[0])
    assert bench.main(["vq", "--pairs", "5", "--device", "cpu", "--to", str(tmp_path)]) == 0
    assert turns[:4] == [4.0, 3.0, 3.0, 4.0] and len(turns) == 2 * 2 * (5 + 3)
    rows = json.loads((tmp_path / "vq.json").read_text("utf-8"))["rows"]
    assert [(row["codes"], row["vectors"]) for row in rows] == [(8, 64), (16, 128)]
    for row in rows:
        assert (row["ours"], row["theirs"], row["ratio"]) == (3000.0, 4000.0, 0.75)
    table = (tmp_path / "vq.md").read_text("utf-8")
    assert "| 8 | 4 | 64 | 3000.00 | 4000.00 | 0.75 | 0.75 … 0.75 | 5 |" in table
    assert "| 16 | 4 | 128 |" in capsys.readouterr().out


def test_the_usual_loop_has_its_seconds_and_no_more(monkeypatch):
    net = load_features()
    content, style = photograph("china", 32)[None], painting("swirl", 32)[None]
    now = [0.0]
    monkeypatch.setattr(bench.clock, "seconds", lambda _: now[0])
    plain = bench.StyleObjective.terms

    def slow(self, x):
        now[0] += 0.5
        assert x.min() >= 0 and x.max() <= 1
        return plain(self, x)

    monkeypatch.setattr(bench.StyleObjective, "terms", slow)
    objective = bench.StyleObjective(net, content, style)
    losses = bench.usual_loop(objective, content, 15.0, CPU)
    assert len(losses) == 30  # more than one call of 20
    assert losses[0] == pytest.approx(plain(objective, content).total.item())
    assert min(losses) < 0.8 * losses[0]


def test_the_painting_is_timed_until_it_is_as_good_at_full_size(tmp_path, monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(bench, "PAIRS", (("china", "ikat"), ("coffee", "warli")))
    monkeypatch.setattr(bench.clock, "seconds", lambda _: now[0])
    goals = iter([[9.0, 5.0, 7.0], [9.0, 0.5]])
    monkeypatch.setattr(bench, "usual_loop", lambda *_: next(goals))
    plain = bench.StyleObjective.terms

    def look(self, x):
        if x.requires_grad:
            return plain(self, x)
        now[0] += 100  # must not count
        return Terms(*[x[0, 0, 0, :1]] * 4)  # the loss is written into the picture

    def fake(content, style, net, *, sizes, steps, start, precondition, note):
        assert sizes == (32,) and steps > 1000 and start == "content" and precondition == 0.5
        assert content.shape == (1, 3, 32, 32)
        for size, loss in ((16, 1.0), (16, 1.0), (32, 6.0), (32, 5.0), *[(32, 4.0)] * 20):
            now[0] += 2.0
            note(0, torch.full((1, 3, size, size), loss))
        raise AssertionError("it goes on after the end")

    monkeypatch.setattr(bench.StyleObjective, "terms", look)
    monkeypatch.setattr(bench, "stylise", fake)
    times = {"slim": 1.0, "vgg": 9.0, "cut": 5.0, "times": 9.0, "cut_times": 5.0}
    monkeypatch.setattr(bench, "step_times", lambda *_: times)
    options = ["--seconds", "16", "--seeds", "1", "--side", "32", "--turns", "1"]
    assert bench.main(["style", *options, "--device", "cpu", "--to", str(tmp_path)]) == 0
    rows = json.loads((tmp_path / "style.json").read_text("utf-8"))["rows"]
    assert [(row["loss"], row["ours"], row["ratio"]) for row in rows] == [
        (5.0, 8.0, 0.5),  # less at half the size does not count
        (0.5, None, None),
    ]
    page = (tmp_path / "style.md").read_text("utf-8")
    assert "| china | ikat | 0 | 5.00 | 16.00 | 3 | 8.00 | 0.50 |" in page
    assert "| coffee | warli | 0 | 0.50 | 16.00 | 2 | – | – |" in page
    assert "median of the rows: over 1 of 16 s." in page  # what was not reached is not left out
    assert "| coffee | warli |" in capsys.readouterr().out


def test_ratios_are_told_by_budget():
    rows = [{"budget": b, "ratio": r} for b, r in ((60, 0.9), (15, 0.4), (15, None), (15, 0.5))]
    assert bench.ratios(rows) == "0.50 of 15 s, 0.90 of 60 s"


def test_networks_are_timed_in_turn(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(bench.clock, "seconds", lambda _: now[0])
    for kind, pace in ((SlimFeatures, 1.0), (bench.VggFeatures, 6.0)):

        def slow(self, x, plain=kind.see, pace=pace):
            now[0] += pace * len(self.layers)  # the cut one has three layers, not five
            return plain(self, x)

        monkeypatch.setattr(kind, "see", slow)
    found = bench.step_times(32, 2, CPU)
    assert found == {
        "slim": 5000.0,
        "vgg": 30_000.0,
        "cut": 18_000.0,
        "times": 6.0,
        "cut_times": 3.6,
    }


def test_list(capsys):
    assert bench.main([]) == 0 and capsys.readouterr().out.split() == ["gan", "vq", "style"]
    assert bench.main(["gna"]) == 2
