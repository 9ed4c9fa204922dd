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
