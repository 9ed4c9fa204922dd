"""What the notebooks of the course import."""

import os

__version__ = "0.1.0"

# Read by OpenMP when torch is imported, so they are set before that: idle threads sleep instead of
# spinning, without which two notebooks on two cores slow each other down several times.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OMP_NUM_THREADS", str(min(2, os.cpu_count() or 1)))

from common.start import start

__all__ = ["start"]
