"""How much longer `import keras_gan` takes than `import keras` on the TensorFlow backend.

    python benchmarks/import_time.py [ROUNDS]

Each import is timed in a process of its own, the two alternating; after one round that warms the
disk cache, the medians are compared. Ends with code 1 where the ratio is above 1.1.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

BAR = 1.1
CODE = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def seconds_to_import(module: str) -> float:
    result = subprocess.run(
        [sys.executable, "-c", CODE.format(module)],
        env=os.environ | {"KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
    )
    if result.returncode:
        sys.exit(result.stderr)
    return float(result.stdout)


def main(rounds: int = 9) -> int:
    seconds: dict[str, list[float]] = {"keras": [], "keras_gan": []}
    for _ in range(rounds + 1):
        for module, times in seconds.items():
            times.append(seconds_to_import(module))
    medians = {module: statistics.median(times[1:]) for module, times in seconds.items()}
    for module, median in medians.items():
        low, *_, high = sorted(seconds[module][1:])
        print(f"import {module:10} {median:.2f} s   ({low:.2f} to {high:.2f}, {rounds} rounds)")
    ratio = medians["keras_gan"] / medians["keras"]
    print(f"ratio of medians  {ratio:.3f}    (at most {BAR})")
    return int(ratio > BAR)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
