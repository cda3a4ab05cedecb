"""`keras-gan serve launch`: starts the real server on this machine, and waits until it serves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from serving.admin import Admin
from serving.errors import ServingError, UsageError
from serving.files import write_text
from serving.flags import Parser, find_models
from serving.production import Deployment, server_flags
from serving.settings import port_number

PROGRAM = "tensorflow_model_server"


def main(argv: Sequence[str]) -> int:
    """Runs the real server until it ends; returns its exit code."""
    parser = Parser(
        prog="keras-gan serve launch",
        description=f"Start {PROGRAM}, which must be on PATH, with an export directory. "
        "Flags that are not listed here go to it as they are.",
    )
    parser.add_argument("export_dir", type=Path, help="a model's directory of versions, or models")
    parser.add_argument("--port", type=port_number, default=8500, help="gRPC's port")
    parser.add_argument("--rest_api_port", type=port_number, default=8501, help="REST's port")
    parser.add_argument("--config_dir", type=Path, help="where to keep its configuration files")
    parser.add_argument("--seconds", type=float, default=300.0, help="time for the models to load")
    flags, more = parser.parse_known_args(argv)
    program = shutil.which(PROGRAM)
    if program is None:
        raise UsageError(
            f"{PROGRAM} is not on PATH; keras-gan serve {flags.export_dir} serves without it"
        )
    models = find_models(flags.export_dir)
    deployment = Deployment(models, cpu=os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as temporary:
        config_dir = flags.config_dir or Path(temporary)
        for name, text in deployment.config_files().items():
            write_text(config_dir / name, text)
        command = [program, *server_flags(config_dir, flags.port, flags.rest_api_port), *more]
        return _run(command, f"localhost:{flags.port}", [m.name for m in models], flags.seconds)


def _run(command: list[str], address: str, models: list[str], seconds: float) -> int:
    process = subprocess.Popen(command)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, frame: process.send_signal(number))
    try:
        with Admin(address) as admin:
            for model in models:
                _wait(process, admin, model, seconds)
        print(f"AVAILABLE: {', '.join(models)} at {address}", flush=True)
        return process.wait()
    except ServingError:
        process.terminate()
        process.wait()
        raise


def _wait(process: subprocess.Popen, admin: Admin, model: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        if process.poll() is not None:
            raise UsageError(f"{PROGRAM} ended with exit code {process.returncode}")
        try:
            return admin.wait_until_available(model, [], 1.0)
        except ServingError:
            if time.monotonic() > deadline:
                raise
