"""How long computing takes, and on what: for the cards of weights and for the benchmarks."""

from __future__ import annotations

import platform
import time

import torch


def seconds(device: torch.device) -> float:
    """Seconds of computing: of one core on a CPU, so that a busy machine measures alike."""
    return time.process_time() if device.type == "cpu" else time.monotonic()


def words(device: torch.device) -> str:
    """What computes, as a card says it: "x86_64 CPU, 1 thread, CPU seconds"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{platform.machine()} CPU, {threads} thread{'s' * (threads > 1)}, CPU seconds"


class Spent:
    """Seconds of computing by step, kept in the history, so that a broken run counts them all."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.skip()

    def skip(self) -> None:
        """What was computed since the last step is not counted."""
        self.before = seconds(self.device)

    def step(self) -> dict[str, float]:
        before = self.before
        self.skip()
        return {"seconds": self.before - before}


def total(history: dict[str, list[tuple[int, float]]]) -> float:
    """The seconds of all steps."""
    return sum(spent for _, spent in history.get("seconds", []))
