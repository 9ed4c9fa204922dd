"""`course.py train dcgan`, for a few steps: it goes on, it stores what it measured."""

import signal
from dataclasses import replace

import pytest
import torch

from common import gan
from tools import train

CPU = torch.device("cpu")


@pytest.fixture
def small(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_STATIC", "1")
    monkeypatch.setattr(train, "DCGAN", replace(train.DCGAN, width=4, batch=4))
    report = {"fid": 5.0, "kid": 0.1, "precision": 0.8, "recall": 0.7}
    report |= {"covered": 64, "covered5": 60, "of": 64, "confident": 0.9}
    monkeypatch.setattr(train, "gan_report", lambda *_: report)

    def run(steps: int, name: str) -> torch.nn.Module:
        train.train_dcgan(CPU, tmp_path / name, 1 / 400, steps, tmp_path / "runs")
        monkeypatch.setattr(gan.common, "__file__", str(tmp_path / name / "__init__.py"))
        (tmp_path / name / "weights").mkdir(exist_ok=True)
        for file in (tmp_path / name).glob("dcgan*"):
            file.replace(tmp_path / name / "weights" / file.name)
        return gan.load_dcgan()

    return run


def test_it_is_stored_as_measured_and_goes_on(small, tmp_path):
    first = small(2000, "first")
    card = (tmp_path / "first" / "weights" / "dcgan-rangoli.md").read_text("utf-8")
    assert "\n5 steps of 5, 0 minutes" in card and "| 64 / 64 | 60 / 64 |" in card
    stored = (tmp_path / "first" / "weights" / "dcgan-rangoli.safetensors").stat().st_size
    assert stored < 3 * sum(p.numel() for p in first.parameters()) + 10_000  # half precision
    labels = torch.arange(64)
    assert gan.sample(first, 64, labels=labels).shape == (64, 3, 32, 32)
    # the same command again finds all done, and stores the same
    again = small(2000, "again")
    assert all(
        torch.equal(one, other)
        for one, other in zip(first.state_dict().values(), again.state_dict().values(), strict=True)
    )


def test_an_interrupt_stores_what_there_is(small, tmp_path, monkeypatch):
    plain = train.train_gan

    def interrupted(*values, note, **options):
        def stop(step, trained):
            if step == 2:
                signal.raise_signal(signal.SIGINT)
            return note(step, trained)

        return plain(*values, note=stop, **options)

    monkeypatch.setattr(train, "train_gan", interrupted)
    small(4000, "stopped")
    card = (tmp_path / "stopped" / "weights" / "dcgan-rangoli.md").read_text("utf-8")
    assert "\n2 steps of 10, 0 minutes" in card
