"""Kills an export at moments spread evenly over its duration, and checks what it leaves.

    python tests/export/kill_at_moments.py RUN [--moments 20] [--writing]

Measures how long `keras-gan export RUN` takes, then runs it again and again, killing it (SIGKILL)
later each time; with --writing, over the part of the duration in which it has a draft. After every
kill the model's directory must show nothing, or a version with the files that an undisturbed export
has, which TensorFlow and ONNX Runtime load.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import onnxruntime
import tensorflow as tf


def start(run: str, output: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "export", run, "--output", str(output), "--name", "model"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for_draft(process: subprocess.Popen, output: Path) -> None:
    while process.poll() is None and not list(output.glob("model/.draft-*")):
        time.sleep(0.01)


def files(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def visible(output: Path) -> list[Path]:
    base = output / "model"
    return [p for p in base.iterdir() if not p.name.startswith(".")] if base.is_dir() else []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--writing", action="store_true")
    options = parser.parse_args()
    seen = 0
    with tempfile.TemporaryDirectory() as folder:
        for moment in range(options.moments + 1):
            output = Path(folder, str(moment))
            began = time.monotonic()
            process = start(options.run, output)
            if options.writing:
                wait_for_draft(process, output)
                began = time.monotonic()
            if moment == 0:
                if process.wait():
                    sys.exit("the export fails even if nobody kills it")
                duration = time.monotonic() - began
                whole = files(output / "model" / "1")
                print(f"an export takes {duration:.1f} s and leaves {len(whole)} files", flush=True)
                continue
            try:
                process.wait(duration * moment / options.moments)
                state = "ended by itself"
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                state = "killed"
            for version in visible(output):
                assert files(version) == whole, f"part of a version after moment {moment}"
                tf.saved_model.load(str(version))
                onnxruntime.InferenceSession(str(version / "model.onnx"))
            result = "a whole version" if visible(output) else "nothing"
            drafts = len(list(output.glob("model/.draft-*")))
            seen += result != "nothing"
            share = moment / options.moments
            print(f"{share:4.0%} {state}: {result} visible, {drafts} hidden drafts", flush=True)
    print(f"{options.moments} moments: {seen} whole versions, never a part of one")
    return 0


if __name__ == "__main__":
    sys.exit(main())
