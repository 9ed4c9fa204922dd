"""Trains the models that ship with the course, and writes their cards.

    python3 course.py train NAME        (without NAME: lists them)

Each is remade by the functions that the lessons teach, with a set seed and a set number of steps,
and stored as half-precision safetensors under common/weights beside a card that says how.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from common.attention import Captioner, measure_captions, see, train_captioner, train_cnn
from common.scenes import START, Scenes, make_scenes

WEIGHTS = Path(__file__).parent.parent / "common" / "weights"


def train_captions(
    device: torch.device, folder: Path = WEIGHTS, scale: float = 1.0
) -> dict[str, dict[str, tuple[float, float]]]:
    """The CNN and the three captioners of 2-image-attention. scale: of the steps, for a trial.

    Returns for each look and language the share of exact captions and the pointing accuracy.
    """
    steps = {"soft": 1800, "hard": 2000, "mean": 1200}
    seconds = {}
    began = _clock(device)
    cnn, _ = train_cnn(steps=_part(600, scale), device=device)
    seconds["CNN"] = _clock(device) - began
    scenes = make_scenes(_part(12_000, scale), seed=30, least=2, most=4, distinct=False)
    cells = see(cnn, scenes.images)
    models = nn.ModuleDict({"cnn": cnn})
    for look, count in steps.items():
        began = _clock(device)
        models[look] = train_captioner(cells, scenes, look, _part(count, scale))
        seconds[look] = _clock(device) - began
        print(f"{look}: {seconds[look]:.0f} s", flush=True)

    # What ships is measured: the halved weights, on scenes of another seed
    stored = {name: _half(value) for name, value in models.state_dict().items()}
    models.load_state_dict({name: value.float() for name, value in stored.items()})
    models.eval()
    test = make_scenes(1000, seed=99, least=2, most=4, distinct=False)
    scores = _measure(models, see(cnn, test.images), test)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(stored, folder / "attention-captions.safetensors")
    rows = [
        f"| {look} | {_part(count, scale):,} | {seconds[look]:.0f} | "
        + " | ".join(f"{number:.3f}" for pair in scores[look].values() for number in pair)
        + " |"
        for look, count in steps.items()
    ]
    card = CAPTION_CARD.format(
        rows="\n".join(rows),
        cnn_steps=_part(600, scale),
        cnn_seconds=f"{seconds['CNN']:.0f}",
        scenes=f"{len(scenes):,}",
        parameters=f"{sum(p.numel() for p in models['soft'].parameters()):,}",
        device=_device_words(device),
        torch=torch.__version__.split("+")[0],
    )
    (folder / "attention-captions.md").write_text(card, encoding="utf-8")
    return scores


def _measure(
    models: nn.ModuleDict, cells: Tensor, scenes: Scenes
) -> dict[str, dict[str, tuple[float, float]]]:
    return {
        look: {tongue: measure_captions(model, cells, scenes, tongue) for tongue in START}
        for look, model in models.items()
        if isinstance(model, Captioner)
    }


CAPTION_CARD = """# attention-captions: captions of 3 × 3 rangoli scenes, in Hindi and English

Made by `python3 course.py train attention-captions` (seed 0, {device}, PyTorch {torch}) and loaded
by `load_captioners` in lesson 01, notebook 2. A frozen CNN gives 6 × 6 cells; three captioners of
{parameters} parameters differ only in how they look at them: soft attention, hard attention
(REINFORCE) and, as a control, the mean of all cells.

Data: {scenes} scenes of 2 … 4 motifs, drawn by `common/scenes.py`, captioned by rule in both
languages. The CNN learns first, from 8,000 single motifs: {cnn_steps} steps, {cnn_seconds} s.
Batch 32, Adam, one rise and fall of the learning rate to 0.003. No scene says where anything is.

Measured on 1,000 new scenes. *Exact*: every word of the caption is right. *Pointing*: when a
colour or a motif is to be named, the heaviest cell lies on that motif.

| look | steps | seconds | exact, Hindi | pointing, Hindi | exact, English | pointing, English |
|---|---|---|---|---|---|---|
{rows}

Limits: it knows only these scenes; of any other picture it writes confident nonsense.
Licence: as the course's code, MIT.
"""


def _part(count: int, scale: float) -> int:
    return max(1, round(count * scale))


def _clock(device: torch.device) -> float:
    """Seconds of computing: of one core on a CPU, so that a busy machine measures alike."""
    return time.process_time() if device.type == "cpu" else time.monotonic()


def _half(value: Tensor) -> Tensor:
    return (value.half() if value.is_floating_point() else value).cpu().contiguous()


def _device_words(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{platform.machine()} CPU, {threads} thread{'s' * (threads > 1)}, CPU seconds"


MODELS: dict[str, Callable[[torch.device], object]] = {"attention-captions": train_captions}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="course.py train", description=__doc__.split("\n")[0])
    parser.add_argument("name", nargs="?", choices=list(MODELS), metavar="NAME")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args(argv)
    if options.name is None:
        print("\n".join(MODELS))
        return 0
    scores = MODELS[options.name](torch.device(options.device))
    print(scores)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
