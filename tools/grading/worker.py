"""Runs one submission's cells and functions: the only place where students' code runs.

    python worker.py [--uid N] [--memory BYTES] [--seconds N]

Grading starts it inside a sandbox and speaks to it over stdin and stdout. A message is its length
(4 bytes) and then a pickle on the way in, which only the judge writes, and JSON on the way out, so
that nothing a student makes is ever unpickled. There is no solution here: whether an answer is
right is decided outside. What a student's code patches, it patches for itself alone.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import io
import json
import linecache
import os
import pickle
import re
import sys
from pathlib import Path
from typing import Any, BinaryIO

MEBIBYTE = 2**20
MAGIC = re.compile(r"^(\s*)[%!].*$", re.MULTILINE)


class Sink(io.TextIOBase):
    """Counts what is printed, and keeps nothing."""

    count = 0

    def write(self, text: str) -> int:
        self.count += len(text)
        return len(text)


def become(uid: int) -> None:
    """Give up root: a user of its own has no other processes, so their number can be limited."""
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


def limit(memory: int, seconds: int) -> None:
    """What this process and each one that it starts may use, beyond what it has now."""
    try:
        import resource
    except ImportError:  # Windows
        return
    try:
        in_use = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        in_use = 0
    wanted = {
        "RLIMIT_AS": in_use + memory if in_use else resource.RLIM_INFINITY,
        "RLIMIT_CPU": seconds,
        "RLIMIT_FSIZE": 64 * MEBIBYTE,
        "RLIMIT_NPROC": 64,
        "RLIMIT_NOFILE": 256,
        "RLIMIT_CORE": 0,
    }
    for name, most in wanted.items():
        try:
            resource.setrlimit(getattr(resource, name), (most, most))
        except (AttributeError, ValueError, OSError):
            continue  # a system without this limit


def reap() -> None:
    """Let go of processes that have ended: they would count as long as nobody asked for them."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except (OSError, AttributeError):  # there are none; Windows
        pass


def plain(source: str) -> str:
    """A cell as Python: lines such as `%matplotlib inline` or `!pip install` are taken out."""
    try:
        ast.parse(source)
    except SyntaxError:
        return MAGIC.sub(r"\1pass", source)
    return source


def names_used(source: str) -> list[str]:
    """The names that a cell's functions use, and those to which it only gives another name."""
    names: set[str] = set()
    tree = ast.parse(plain(source))
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for node in ast.walk(function):
                if isinstance(node, ast.Name):
                    names.add(node.id)
                elif isinstance(node, ast.Attribute):
                    names.add(node.attr)
        elif isinstance(function, ast.ImportFrom):
            names.update(alias.name for alias in function.names)
        elif isinstance(function, ast.Assign) and isinstance(function.value, ast.Attribute):
            names.add(function.value.attr)
    return sorted(names)


class Worker:
    """One namespace, in which the cells of a submission run one after another."""

    def __init__(self, lang: str) -> None:
        import torch

        from common.lang import use_language

        use_language(lang)
        self.frozen = importlib.import_module("common.check.frozen")
        self.space: dict[str, Any] = {
            "__name__": "__main__",
            "LANG": lang,
            "device": torch.device("cpu"),
            "display": print,
        }

    def read(self, source: str) -> dict[str, Any]:
        """What can be known of a cell before any is run."""
        try:
            return {"names": names_used(source), "error": None}
        except Exception as error:  # SyntaxError, or too deep a nesting
            return {"names": [], "error": self.frozen.fault(error, None)}

    def run(self, label: str, source: str, name: str = "") -> dict[str, Any]:
        """Run a cell, which should define `name`."""
        reap()
        sys.stdout = sys.stderr = sink = Sink()
        source, file = plain(source), f"<{label}>"
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        self.space.pop(name, None)
        error = None
        try:
            exec(compile(source, file, "exec"), self.space)
        except BaseException as caught:  # SystemExit and KeyboardInterrupt too
            error = self.frozen.fault(caught, file)
        defined = callable(self.space.get(name))
        return {"error": error, "defined": defined, "printed": sink.count}

    def call(self, name: str, cases: list[bytes]) -> list[Any]:
        """What the function does with each case: value, error, whether it changed its input."""
        sys.stdout = sys.stderr = Sink()
        attempts = []
        for case in cases:
            attempt = self.frozen.try_out(self.space[name], pickle.loads(case))
            attempts.append((self.frozen.pack(attempt.value), *attempt[1:]))
        return attempts


def serve(inlet: BinaryIO, outlet: BinaryIO, lang: str, memory: int, seconds: int) -> None:
    """Answer one message after the other, until there are no more."""

    def reply(value: Any) -> None:
        data = json.dumps(value).encode()
        outlet.write(len(data).to_bytes(4, "big") + data)
        outlet.flush()

    worker = Worker(lang)
    limit(memory, seconds)
    reply("ready")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)  # from here on, what comes out is the student's
    while head := inlet.read(4):
        action, *arguments = pickle.loads(inlet.read(int.from_bytes(head, "big")))
        reply(getattr(worker, action)(*arguments))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lang", default="en")
    parser.add_argument("--uid", type=int, default=0)
    parser.add_argument("--memory", type=int, default=2048 * MEBIBYTE)
    parser.add_argument("--seconds", type=int, default=600)
    options = parser.parse_args()
    if options.uid:
        become(options.uid)
    # The two pipes to the judge get other numbers, and 0 and 1 lead nowhere
    inlet, outlet = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    serve(inlet, outlet, options.lang, options.memory, options.seconds)


if __name__ == "__main__":
    main()
