"""Every test runs on one thread: what is timed or compared must not depend on the machine."""

import os

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

collect_ignore = ["conftest.py"]
