"""Runs notebooks in kernels of their own, at most two at a time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

PARALLEL = 2
CELL_TIMEOUT = 900  # seconds; ten times what a whole notebook may take on an idle machine


def environment() -> dict[str, str]:
    """What every tool runs notebooks with: static pictures, one quiet thread, fixed hashes."""
    fixed = {
        "COURSE_STATIC": "1",
        "OMP_WAIT_POLICY": "passive",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "",  # else every kernel compiles all of torch anew
        "MPLBACKEND": "agg",
    }
    return {"OMP_NUM_THREADS": "1", **os.environ, **fixed}


@dataclass
class Job:
    """A notebook to run in the folder ``cwd``; ``run`` fills in the rest."""

    notebook: NotebookNode
    cwd: Path
    label: str
    wall: float = 0.0  # seconds on the clock
    cpu: float = 0.0  # seconds of processor: the same on a busy machine
    cells: int = 0  # code cells that were run to their end
    failure: tuple[str, str] | None = None  # (cell id, last line of the error)

    @property
    def stderr(self) -> list[tuple[str, str]]:
        """(cell id, last line) of what was written to the error stream, such as warnings."""
        return [
            (cell.id, last_line(output.text))
            for cell in self.notebook.cells
            for output in cell.get("outputs", ())
            if output.get("name") == "stderr"
        ]

    def line(self) -> str:
        """The progress line."""
        text = f"{self.label:<34} {self.wall:6.1f} s  {self.cells:3d} cells"
        if self.failure:
            text += f"  FAILED in {self.failure[0]}: {self.failure[1]}"
        return text


def last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""


async def _run(job: Job) -> None:
    notebook = job.notebook
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=CELL_TIMEOUT,
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],  # else each kernel warns that it speaks over TCP
        resources={"metadata": {"path": str(job.cwd)}},
    )
    client.reset_execution_trackers()
    started = time.perf_counter()
    cell = None
    try:
        async with client.async_setup_kernel(env=environment()):
            # nbclient takes Ctrl-C to mean this kernel alone; here it ends the whole run
            for name in (signal.SIGINT, signal.SIGTERM):
                with contextlib.suppress(RuntimeError):
                    asyncio.get_running_loop().remove_signal_handler(name)
            kernel = psutil.Process(client.km.provisioner.pid)
            for index, cell in enumerate(notebook.cells):
                await client.async_execute_cell(cell, index)
                job.cells += cell.cell_type == "code" and bool(cell.source.strip())
                with contextlib.suppress(psutil.Error):
                    job.cpu = sum(kernel.cpu_times()[:2])
    except CellExecutionError as error:
        job.failure = (cell.id, last_line(f"{error.ename}: {error.evalue}"))
    except (CellTimeoutError, DeadKernelError, RuntimeError) as error:
        job.failure = (cell.id if cell else "start of the kernel", last_line(str(error)))
    job.wall = time.perf_counter() - started


def run(jobs: list[Job], done: Callable[[Job], None]) -> None:
    """Runs all jobs, calling ``done`` as each ends; one that fails does not stop the others."""

    async def work() -> None:
        gate = asyncio.Semaphore(PARALLEL)

        async def one(job: Job) -> None:
            async with gate:
                await _run(job)
            done(job)

        await asyncio.gather(*(one(job) for job in jobs))

    asyncio.run(work())
