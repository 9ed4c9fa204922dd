"""Stores trained weights in half precision beside a card that says how they were made."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tools import clock

WEIGHTS = Path(__file__).parent.parent / "common" / "weights"


def part(count: int, scale: float) -> int:
    """So many of `count` for a trial at `scale`, at least 1."""
    return max(1, round(count * scale))


def halved(model: nn.Module) -> dict[str, Tensor]:
    """What is stored, in half precision; the model gets the same numbers, to be measured."""
    state = {
        name: (value.half() if value.is_floating_point() else value).cpu().contiguous()
        for name, value in model.state_dict().items()
    }
    model.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    return state


def store(
    folder: Path, name: str, state: dict[str, Tensor], notes: dict[str, str] | None = None
) -> None:
    """Write weights whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{name}.safetensors.part"
    save_file(state, unfinished, notes)
    unfinished.replace(folder / f"{name}.safetensors")


def card(folder: Path, name: str, text: str, device: torch.device, **values: object) -> None:
    """Write the card of weights, whole or not at all; it may tell {device} and {torch} too."""
    values |= {"device": clock.words(device), "torch": torch.__version__.split("+")[0]}
    unfinished = folder / f"{name}.md.part"
    unfinished.write_text(text.format(**values), encoding="utf-8")
    unfinished.replace(folder / f"{name}.md")
