"""What the notebooks of the course import."""

import os

__version__ = "0.1.0"

# Read by OpenMP when torch is imported, so they are set before that: idle threads sleep instead of
# spinning, without which two notebooks on two cores slow each other down several times. Networks as
# small as the course's are no slower on one thread than on two (93 s against 104 s, notebook 1.2).
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from common.start import start

__all__ = ["start"]
