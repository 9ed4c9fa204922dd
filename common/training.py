"""A training loop that survives: a killed run goes on where it was, to the same bits.

The loop and its body stay yours. `Training` counts the steps, shows how long they will take, and
keeps everything that a step can change:

    training = Training(
        {"model": model, "optimiser": optimiser, "generator": generator},  # a torch.Generator
        keep_folder("my-run"),
    )
    for step in training.steps(1000):
        ...
        training.note(loss=loss)

Run it again after the machine was lost, and it goes on. Interrupt it, and it ends after the
running step, with what was learnt. Without a folder nothing is kept.

Randomness must come from torch, whose states are kept: the global one, and that of each
`torch.Generator` among the parts. The file is safetensors, with what is not a tensor as JSON in
its metadata: nothing in it can run code, so a run may be passed on to others.
"""

import json
import os
import signal
import time
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor
from tqdm.auto import tqdm

from common.lang import t

DRIVE = Path("/content/drive/MyDrive")  # where Colab mounts Google Drive
RUNS = Path(__file__).parent.parent / "runs"


def keep_folder(name: str) -> Path | None:
    """Where a run of this name is kept: in Google Drive if it is mounted, else in `runs/`.

    None when the notebooks are built (COURSE_STATIC=1): what they print must not depend on an
    earlier run.
    """
    if os.environ.get("COURSE_STATIC") == "1":
        return None
    if DRIVE.is_dir():
        return DRIVE / "srijan" / name
    if "COLAB_RELEASE_TAG" in os.environ:
        print(
            t(
                "Colab forgets this run when it disconnects. To keep it, run {code} and then this"
                " cell again.",
                code="from google.colab import drive; drive.mount('/content/drive')",
            )
        )
    return RUNS / name


class Stateful(Protocol):
    """A module, an optimiser, a scheduler, a gradient scaler…"""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> Any: ...


class Training:
    """Counts, shows, keeps and resumes the steps of a training.

    parts: by name, all that a step changes: models and their averages, optimisers, schedulers,
    and every `torch.Generator` that the loop draws from.
    folder: where `name`.safetensors is kept; None keeps nothing.
    settings: what the run depends on (learning rate, seed, …; JSON). A file that was begun with
    others is refused, so that a changed setting is never overlooked.
    save_every: seconds. Saves that are slow come less often: they take 5 % of the time at most.

    step: how many steps are done. history: what was noted, {name: [(step, value), …]}.
    """

    def __init__(
        self,
        parts: Mapping[str, Stateful | torch.Generator],
        folder: Path | None = None,
        *,
        name: str = "training",
        settings: Mapping[str, Any] | None = None,
        save_every: float = 30,
    ):
        self.parts = dict(parts)
        self.path = folder and Path(folder) / f"{name}.safetensors"
        self.settings = json.loads(json.dumps(dict(settings or {})))  # as they will be read back
        self.save_every = save_every
        self.step = 0
        self.history: dict[str, list[tuple[int, float]]] = {}
        self._resumed = False
        self._kept: int | None = None  # the step of the file
        self._failed = False  # to save; it is said once

    # ------------------------------------------------------------------------------ the loop

    def steps(self, total: int) -> Iterator[int]:
        """0, 1, … total - 1, or from where the file stops. Call it again to train further.

        RuntimeError if what is kept in the folder is damaged or belongs to something else.
        """
        if not self._resumed:
            self._resume(total)
            self._resumed = True
            if self._kept is None:
                self.save()  # what cannot be kept shows at once, not after hours
        with _Interrupt() as interrupt, self._bar(total) as bar:
            due = time.monotonic() + self.save_every
            while self.step < total and not interrupt.asked:
                yield self.step
                self.step += 1
                bar.set_postfix_str(self._measures(), refresh=False)
                bar.update()
                if time.monotonic() >= due:
                    began = time.monotonic()
                    self.save()
                    ended = time.monotonic()
                    due = ended + max(self.save_every, 20 * (ended - began))
            kept = self._kept == self.step or self.save()
        if interrupt.asked:
            print(t("Stopped after step {step} of {total}.", step=self.step, total=total), end=" ")
            if kept:
                print(t("Run the cell again to go on from here; kept in {file}.", file=self.path))
            else:
                print(t("The models keep what they have learnt."))

    def note(self, **measures: float | Tensor) -> None:
        """Remember numbers of this step, for the progress bar and for `history`."""
        for name, value in measures.items():
            number = float(value.detach() if isinstance(value, Tensor) else value)
            self.history.setdefault(name, []).append((self.step, number))

    def _bar(self, total: int) -> tqdm:
        told = t(
            "step {step} of {total}, time left {left}",
            step="{n_fmt}",
            total="{total_fmt}",
            left="{remaining}",
        )
        return tqdm(
            total=total,
            initial=min(self.step, total),
            disable=os.environ.get("COURSE_STATIC") == "1",
            bar_format="{percentage:3.0f}%|{bar}| " + told + "{postfix}",
        )

    def _measures(self) -> str:
        """The last value of each: loss 0.41, fid 12.3."""
        return ", ".join(f"{name} {values[-1][1]:.3g}" for name, values in self.history.items())

    # ------------------------------------------------------------------------------ saving

    def save(self) -> bool:
        """Write the file, whole or not at all; the one before stays beside it. False if not kept.

        A full disk or a folder that cannot be written to does not end the training.
        """
        if self.path is None:
            return False
        part = self.path.with_suffix(".part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                file.write(_encode(self._state()))
                file.flush()
                os.fsync(file.fileno())  # on the disk before it gets its name
            if self.path.exists():
                self.path.replace(_previous(self.path))
            part.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            if not self._failed:
                self._failed = True
                tqdm.write(
                    t(
                        "Nothing can be kept in {folder} ({error}); the training goes on. Make"
                        " room there or choose another folder.",
                        folder=self.path.parent,
                        error=error.strerror or error,
                    )
                )
            return False
        self._kept = self.step
        return True

    def _state(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "settings": self.settings,
            "history": {
                name: torch.tensor(values, dtype=torch.float64)
                for name, values in self.history.items()
            },
            "random": {name: source.get_rng_state() for name, source in _random_sources().items()},
            "parts": {
                name: part.get_state() if isinstance(part, torch.Generator) else part.state_dict()
                for name, part in self.parts.items()
            },
        }

    # ------------------------------------------------------------------------------ resuming

    def _resume(self, total: int) -> None:
        """Take over what the file keeps, if there is one."""
        state = self._read()
        if state is None:
            return
        before, now = state["settings"], self.settings
        changed = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        if changed:
            self._refuse(
                t(
                    "it was begun with other settings: {settings}",
                    settings=", ".join(
                        f"{name} {before.get(name)} → {now.get(name)}" for name in changed
                    ),
                )
            )
        if state["parts"].keys() != self.parts.keys():
            self._refuse(
                t(
                    "it keeps {theirs}, and this run has {ours}",
                    theirs=", ".join(state["parts"]),
                    ours=", ".join(self.parts),
                )
            )
        for name, part in self.parts.items():
            try:
                if isinstance(part, torch.Generator):
                    part.set_state(state["parts"][name])
                else:
                    part.load_state_dict(state["parts"][name])
            except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
                self._refuse(t("its {name} is built differently", name=repr(name)), error)
        for name, source in _random_sources().items():
            if name in state["random"]:
                source.set_rng_state(state["random"][name])
        self.step = self._kept = state["step"]
        self.history = {
            name: [(int(step), value) for step, value in values.tolist()]
            for name, values in state["history"].items()
        }
        if self.step < total:
            print(t("Going on after step {step} of {total}.", step=self.step, total=total))
        else:
            print(
                t(
                    "All {step} steps are done already: {file}. For a new run delete it; to train"
                    " further ask for more steps.",
                    step=self.step,
                    file=self.path,
                )
            )

    def _read(self) -> dict[str, Any] | None:
        """The newest state that is whole, None if nothing is kept."""
        if self.path is None:
            return None
        damaged = None
        for path in (self.path, _previous(self.path)):
            try:
                state = _decode(path.read_bytes())
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, ValueError) as error:
                damaged = damaged or error
                continue
            if damaged:
                print(t("{file} is damaged: taking the one before it.", file=self.path))
                with suppress(OSError):  # a save must not put it in the place of the good one
                    self.path.replace(self.path.with_suffix(".damaged"))
            return state
        if damaged:
            self._refuse(t("it is damaged"), damaged)
        return None

    def _refuse(self, reason: str, error: Exception | None = None) -> None:
        raise RuntimeError(
            t(
                "Cannot go on from {file}: {reason}. To begin anew, delete this file or choose"
                " another name.",
                file=self.path,
                reason=reason,
            )
        ) from error


class _Interrupt:
    """While it is open, the first Ctrl-C (■ in a notebook) only sets `asked`: a step is never cut
    in two. The second is a KeyboardInterrupt as usual."""

    asked = False
    _before: Any = signal.default_int_handler

    def __enter__(self) -> "_Interrupt":
        self._signal(self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        self._signal(self._before)

    def _ask(self, *_: object) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def _signal(self, handler: Any) -> None:
        with suppress(ValueError, TypeError):  # not in the main thread: no Ctrl-C arrives either
            self._before = signal.signal(signal.SIGINT, handler)


# ---------------------------------------------------------------------------------- the file


def _previous(path: Path) -> Path:
    return path.with_suffix(".previous.safetensors")


def _random_sources() -> dict[str, Any]:
    """What torch draws from when no generator is given: of the CPU, and of what else is there."""
    sources: dict[str, Any] = {"cpu": torch}
    if torch.cuda.is_available():
        sources["cuda"] = torch.cuda
    if torch.backends.mps.is_available():
        sources["mps"] = torch.mps
    return sources


def _encode(state: dict[str, Any]) -> bytes:
    tensors: dict[str, Tensor] = {}
    tree = json.dumps(_pack(state, "", tensors))
    whole = json.dumps({"checksum": _checksum(tree, tensors), "state": tree})
    return save(tensors, {"training": whole})  # one entry: several come in a random order


def _decode(data: bytes) -> dict[str, Any]:
    """ValueError if the bytes are not, to the last of them, what `_encode` made."""
    try:
        tensors = load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        whole = json.loads(header["__metadata__"]["training"])
        if whole["checksum"] != _checksum(whole["state"], tensors):
            raise ValueError("checksum")
        return _unpack(json.loads(whole["state"]), tensors)
    except (SafetensorError, KeyError) as error:
        raise ValueError(str(error)) from error


def _checksum(tree: str, tensors: dict[str, Tensor]) -> int:
    """safetensors sees a file that was cut short, but not a flipped bit."""
    value = zlib.crc32(tree.encode())
    for name in sorted(tensors):
        value = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy(), value)
    return value


def _pack(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """`value` as JSON. Its tensors go to `tensors`, under their names."""
    if isinstance(value, Tensor):
        tensors[name] = value.detach().cpu().contiguous().clone()
        # Some optimisers rely on their memory being laid out as the weights are
        as_rows = value.is_contiguous() or value.dim() != 4
        last = not as_rows and value.is_contiguous(memory_format=torch.channels_last)
        return {"tensor": name, "channels_last": last}
    if isinstance(value, Mapping):
        pairs = [[key, _pack(each, f"{name}.{key}", tensors)] for key, each in value.items()]
        # A module's state also tells the versions of its layers
        return {"dict": pairs, "versions": getattr(value, "_metadata", None)}
    if isinstance(value, tuple | list):
        items = [_pack(each, f"{name}.{i}", tensors) for i, each in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(
        t("{name} cannot be kept: it is a {kind}", name=name, kind=type(value).__name__)
    )


def _unpack(value: Any, tensors: dict[str, Tensor]) -> Any:
    """The inverse of `_pack`."""
    if isinstance(value, list):
        return [_unpack(each, tensors) for each in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        tensor = tensors[value["tensor"]]
        last = value["channels_last"]
        return tensor.contiguous(memory_format=torch.channels_last) if last else tensor
    if "tuple" in value:
        return tuple(_unpack(each, tensors) for each in value["tuple"])
    state = OrderedDict((key, _unpack(each, tensors)) for key, each in value["dict"])
    state._metadata = value["versions"]
    return state
