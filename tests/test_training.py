"""Training that survives: killed, interrupted, on a full disk, from a damaged file."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import nn

from common import training as module
from common.lang import use_language
from common.training import Training, keep_folder

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def live(monkeypatch):
    monkeypatch.delenv("COURSE_STATIC", raising=False)
    yield
    use_language("en")


class Tiny:
    """Two small networks, an average, optimisers, a scheduler, noise: all that a GAN has."""

    def __init__(self, folder: Path | None = None, width: int = 4, **options):
        torch.manual_seed(1)
        self.noise = torch.Generator().manual_seed(2)
        normal = nn.utils.parametrizations.spectral_norm
        self.g = nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width), nn.Linear(width, 2))
        self.d = nn.Sequential(normal(nn.Linear(2, width)), nn.Dropout(0.3), nn.Linear(width, 1))
        self.average = torch.optim.swa_utils.AveragedModel(self.g)
        self.rate_g = torch.optim.Adam(self.g.parameters(), lr=1e-2, betas=(0.5, 0.9))
        self.rate_d = torch.optim.AdamW(self.d.parameters(), lr=1e-2, amsgrad=True)
        self.fall = torch.optim.lr_scheduler.ExponentialLR(self.rate_g, 0.99)
        self.training = Training(dict(vars(self)), folder, **options)

    def body(self) -> None:
        real = torch.randn(8, 2, generator=self.noise) + 1
        fake = self.g(torch.randn(8, 3))  # the global random state
        loss = nn.functional.softplus(self.d(fake.detach()) - self.d(real)).mean()
        self.rate_d.zero_grad()
        loss.backward()
        self.rate_d.step()
        self.rate_g.zero_grad()
        self.d(fake).mean().neg().backward()
        self.rate_g.step()
        self.fall.step()
        self.average.update_parameters(self.g)
        self.training.note(loss=loss)

    def run(self, total: int = 60, before=lambda step: None) -> "Tiny":
        for step in self.training.steps(total):
            before(step)
            self.body()
        return self


# ---------------------------------------------------------------------------- killed and resumed

KILLED = """
import os, random, signal, sys
from pathlib import Path
sys.path[:0] = [sys.argv[1], str(Path(sys.argv[1]) / "tests")]
import torch
from test_training import Tiny
from common import training

torch.set_num_threads(1)
Tiny().run(1)  # PyTorch imports half of itself at the first step: once is enough
chance, folder = random.Random(7), Path(sys.argv[2])
writes = 0

def kill_in_save(*_):  # half-way: the file is written but does not have its name yet
    os.kill(os.getpid(), signal.SIGKILL)

def attempt(path, kill_at=None, in_save=False):
    child = os.fork()  # a process of its own, without the seconds that importing torch takes
    if child:
        return os.waitpid(child, 0)[1]
    tiny = Tiny(path, save_every=0)
    def kill(step):
        if step == kill_at and in_save:
            training.os.fsync = kill_in_save
            tiny.training.save()
        elif step == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
    tiny.run(60, kill)
    os._exit(0)

assert attempt(folder / "whole") == 0
for n, step in enumerate(sorted(chance.sample(range(60), 5))):
    assert attempt(folder / "killed", step, in_save=n % 2) == signal.SIGKILL
    print(step)
assert attempt(folder / "killed") == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_five_times_it_ends_in_the_same_bits(tmp_path):
    command = [sys.executable, "-c", KILLED, ROOT, tmp_path]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.count("Going on after step") == 5
    whole, killed = (tmp_path / name / "training.safetensors" for name in ("whole", "killed"))
    assert whole.read_bytes() == killed.read_bytes()
    # It would be equal too if nothing of it changed: the last file differs from the one before
    assert whole.read_bytes() != whole.with_name("training.previous.safetensors").read_bytes()


# ---------------------------------------------------------------------------- damage


def kept(folder: Path) -> Path:
    return folder / "training.safetensors"


def flip(path: Path, place: float) -> None:
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 4
    path.write_bytes(data)


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "short": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "a flipped bit of the JSON": lambda path: flip(path, 0.05),
    "a flipped bit of a weight": lambda path: flip(path, 0.9),
    "another program's": lambda path: path.write_bytes(b"PK\3\4" + bytes(500)),
    "pure JSON": lambda path: path.write_bytes(b"{}"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_file_gives_way_to_the_one_before(tmp_path, capsys, how):
    tiny = Tiny(tmp_path)
    tiny.run(6)
    tiny.run(7)
    DAMAGE[how](kept(tmp_path))
    tiny = Tiny(tmp_path).run(9)
    out = capsys.readouterr().out
    assert f"{kept(tmp_path)} is damaged: taking the one before it." in out
    assert "Going on after step 6 of 9" in out
    # and it ends as if nothing had happened
    assert torch.equal(tiny.g[0].weight, Tiny().run(9).g[0].weight)


@pytest.mark.parametrize("how", DAMAGE)
def test_damage_without_a_file_before_is_told_with_its_cure(tmp_path, how):
    Tiny(tmp_path).run(3)
    kept(tmp_path).with_name("training.previous.safetensors").unlink()
    DAMAGE[how](kept(tmp_path))
    with pytest.raises(RuntimeError) as error:
        Tiny(tmp_path).run(3)
    assert str(kept(tmp_path)) in str(error.value) and "delete this file" in str(error.value)
    use_language("hi")
    with pytest.raises(RuntimeError, match=r"ख़राब.*मिटा दीजिए"):
        Tiny(tmp_path).run(3)


@pytest.mark.parametrize("call", ["fsync", "first rename", "second rename"])
def test_a_save_that_dies_anywhere_leaves_a_good_file(tmp_path, monkeypatch, call):
    class Died(BaseException):
        pass

    tiny = Tiny(tmp_path).run(4)
    owner, name = (module.os, "fsync") if call == "fsync" else (Path, "replace")
    real, calls = getattr(owner, name), []

    def dies(*values):
        calls.append(values)
        if len(calls) == (2 if "second" in call else 1):
            raise Died
        return real(*values)

    with monkeypatch.context() as patch, pytest.raises(Died):
        patch.setattr(owner, name, dies)
        tiny.training.save()
    again = Tiny(tmp_path)
    next(again.training.steps(9))
    assert again.training.step == 4


def test_a_file_of_another_model_settings_or_parts_is_refused(tmp_path):
    settings = {"rate": 0.1, "seed": 0}
    Tiny(tmp_path, settings=settings).run(3)
    with pytest.raises(RuntimeError, match=r"other settings: rate 0.1 → 0.2\. To begin anew"):
        Tiny(tmp_path, settings=settings | {"rate": 0.2}).run(4)
    with pytest.raises(RuntimeError, match=r"other settings: rate 0\.1 → None"):
        Tiny(tmp_path, settings={"seed": 0}).run(4)
    with pytest.raises(RuntimeError, match="its 'g' is built differently"):
        Tiny(tmp_path, width=5, settings=settings).run(4)
    fewer = Training({"g": Tiny().g}, tmp_path, settings=settings)
    with pytest.raises(RuntimeError, match=r"it keeps noise, g, d, .* this run has g"):
        next(fewer.steps(4))
    assert Tiny(tmp_path, settings=settings).run(4).training.step == 4  # nothing was spoilt


# ---------------------------------------------------------------------------- disks


def test_a_full_disk_does_not_end_the_training(tmp_path, monkeypatch, capsys):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    tiny = Tiny(tmp_path, save_every=0).run(20)
    out = capsys.readouterr().out
    assert tiny.training.step == 20
    assert out.count("No space left") == 1 and str(tmp_path) in out
    assert not list(tmp_path.iterdir())  # the half-written file does not take up room either


def test_a_folder_that_cannot_be_made(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert Tiny(tmp_path / "file" / "folder").run(3).training.step == 3
    assert "the training goes on" in capsys.readouterr().out


def test_slow_saves_take_a_twentieth_of_the_time_at_most(tmp_path, monkeypatch):
    clock, saves = [0.0], []
    tiny = Tiny(tmp_path, save_every=1)
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])

    def slow():
        saves.append(clock[0])
        clock[0] += 10

    monkeypatch.setattr(tiny.training, "save", slow)
    for _ in tiny.training.steps(1000):
        clock[0] += 1
    during = saves[1:-1]
    assert len(during) >= 3 and 10 * len(during) <= 0.05 * clock[0]


# ---------------------------------------------------------------------------- interrupts, the bar


def test_an_interrupt_ends_after_the_step_and_keeps_it(tmp_path, capsys):
    before = signal.getsignal(signal.SIGINT)

    def interrupt(step):
        if step == 7:
            signal.raise_signal(signal.SIGINT)

    tiny = Tiny(tmp_path).run(60, interrupt)
    assert tiny.training.step == 8 and len(tiny.training.history["loss"]) == 8
    line = capsys.readouterr().out
    assert line.startswith("Stopped after step 8 of 60. Run the cell again")
    assert str(kept(tmp_path)) in line and line.count("\n") == 1
    assert signal.getsignal(signal.SIGINT) is before
    again, unbroken = Tiny(tmp_path).run(60), Tiny().run(60)
    assert torch.equal(again.g[0].weight, unbroken.g[0].weight)
    assert again.training.history == unbroken.training.history


def test_the_second_interrupt_ends_at_once():
    def impatient(_):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        Tiny().run(60, impatient)
    assert signal.getsignal(signal.SIGINT) is before


def test_the_bar_tells_steps_time_left_and_measures(capsys):
    use_language("hi")
    Tiny().run(30)
    bar = capsys.readouterr().err
    assert "100%" in bar and "30 में से क़दम 30, बाक़ी समय 00:00, loss " in bar


def test_a_built_notebook_shows_no_bar_and_keeps_nothing(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_STATIC", "1")
    assert keep_folder("x") is None
    Tiny().run(3)
    assert capsys.readouterr() == ("", "")


# ---------------------------------------------------------------------------- what is kept, where


def test_drive_if_it_is_mounted(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(module, "DRIVE", tmp_path)
    assert keep_folder("gan") == tmp_path / "srijan" / "gan"
    monkeypatch.setattr(module, "DRIVE", tmp_path / "absent")
    assert keep_folder("gan") == ROOT / "runs" / "gan" and not capsys.readouterr().out
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release")
    keep_folder("gan")
    assert "drive.mount" in capsys.readouterr().out
    assert "runs/" in (ROOT / ".gitignore").read_text().split()


def test_train_further_and_a_run_that_is_done(tmp_path, capsys):
    tiny = Tiny(tmp_path).run(5)
    assert list(tiny.training.steps(5)) == []
    assert tiny.run(8).training.step == 8 and not capsys.readouterr().out
    assert Tiny(tmp_path).run(8).training.step == 8
    assert "All 8 steps are done already" in capsys.readouterr().out


def test_the_file_is_safetensors_and_json(tmp_path):
    Tiny(tmp_path, settings={"seed": 3}).run(2)
    with safe_open(kept(tmp_path), "pt") as file:
        state = json.loads(json.loads(file.metadata()["training"])["state"])
        assert any("g.0.weight" in name for name in file.keys())  # noqa: SIM118 not a dict
    assert {key for key, _ in state["dict"]} == {"step", "settings", "history", "random", "parts"}


def test_what_cannot_be_kept_is_refused_before_the_first_step(tmp_path):
    part = nn.Linear(1, 1)
    part.state_dict = lambda: {"a": object()}
    with pytest.raises(TypeError, match=r"parts.x.a cannot be kept: it is a object"):
        next(Training({"x": part}, tmp_path).steps(1))


def test_states_come_back_as_they_were(tmp_path):
    """Layouts, keys that are numbers, tuples, half precision, the older spectral norm."""
    image = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))

    def make() -> Training:
        torch.manual_seed(0)
        old = nn.utils.spectral_norm(nn.Conv2d(3, 5, 3)).to(memory_format=torch.channels_last)
        half = nn.Linear(2, 2).bfloat16()
        rate = torch.optim.Adam([*old.parameters(), *half.parameters()], betas=(0.1, 0.9))
        return Training({"old": old, "half": half, "rate": rate}, tmp_path)

    def body(training: Training) -> None:
        old, half, rate = training.parts.values()
        rate.zero_grad()
        loss = old(image).square().mean() + half(image[0, 0, :2, :2].bfloat16()).sum()
        loss.backward()
        rate.step()

    first, again = make(), make()
    for _ in first.steps(3):
        body(first)
    list(again.steps(3))
    body(first)
    body(again)
    for one, other in zip(first.parts.values(), again.parts.values(), strict=True):
        assert str(one.state_dict()) == str(other.state_dict())
    weight = again.parts["old"].weight_orig
    moment = again.parts["rate"].state[weight]["exp_avg"]
    assert moment.stride() == weight.stride() != weight.contiguous().stride()
    assert again.parts["rate"].param_groups[0]["betas"] == (0.1, 0.9)
