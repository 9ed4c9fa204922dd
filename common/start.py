"""The first line of every notebook: language, fonts for it, and the device to compute on."""

import os
from typing import TYPE_CHECKING

from common.lang import t, use_language

if TYPE_CHECKING:  # torch takes seconds to import: only `start` itself waits for it
    import torch


def start(language: str) -> "torch.device":
    """Set the notebook's language ("hi" or "en") and return the device to compute on.

    The device is the one that the environment variable COURSE_DEVICE names (cpu, cuda, mps), else
    the best there is. ValueError for an unknown language or device, RuntimeError for a device
    that this machine lacks. Sets no seed: whoever claims a number makes a generator of their own.
    """
    import torch

    from common import fonts, plots

    use_language(language)
    device = _device()
    release = torch.__version__.split("+")[0]
    print(t("Ready: PyTorch {version}, device {device}", version=release, device=device))
    if notice := fonts.prepare(language):
        print(notice)
    plots.style()
    return device


def _device() -> "torch.device":
    """The device that COURSE_DEVICE asks for, else cuda, mps or cpu, whichever is there first."""
    import torch

    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    wanted = os.environ.get("COURSE_DEVICE", "").strip().lower()
    if not wanted:
        return torch.device(next(name for name, is_there in there.items() if is_there))
    if wanted not in there:
        raise ValueError(t("COURSE_DEVICE must be cpu, cuda or mps, not {name}", name=wanted))
    if not there[wanted]:
        raise RuntimeError(
            t("COURSE_DEVICE asks for {name}, but PyTorch finds no such device here", name=wanted)
        )
    return torch.device(wanted)
