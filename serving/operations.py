"""Commands for running servers: `keras-gan serve launch` and `keras-gan serve label`.

The configuration file records what is served. A label may only point to a version that is
available, so a new version is loaded first and labeled then; versions without a label are unloaded
last. When a step fails, the servers get their old configuration again.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

import grpc
from google.protobuf import text_format
from tensorflow_serving.apis import model_management_pb2

from serving import errors
from serving.calls import Status, Target, VersionStatus
from serving.config import ModelConfig, read_model_config_file
from serving.errors import ServingError, UsageError
from serving.files import replacing, write_text
from serving.grpc_transport import GrpcTransport, typed_errors
from serving.production import Deployment, model_message, parse_labels
from serving.settings import Parser, at_least, find_models, path_name, port_number

PROGRAM = "tensorflow_model_server"
_SECONDS = 60  # for one call


class Admin(GrpcTransport):
    """A connection to the model service of a running server, embedded or real, at host:port."""

    def __init__(self, address: str) -> None:
        # A server that is starting should be found within half a second.
        channel = grpc.insecure_channel(address, [("grpc.max_reconnect_backoff_ms", 500)])
        super().__init__(channel)

    def states(self, model: str) -> dict[int, VersionStatus]:
        """The state of each version of a model; raises ServingError."""
        entries = self.send(Status(Target(model)), _SECONDS)
        return {entry.version: entry for entry in entries}

    def reload(self, models: Sequence[ModelConfig]) -> None:
        """Replaces the whole configuration; raises ServingError."""
        request = model_management_pb2.ReloadConfigRequest(config=model_message(models))
        with typed_errors():
            self._model.HandleReloadConfigRequest(request, timeout=_SECONDS)

    def wait_until_available(self, model: str, versions: Sequence[int], seconds: float) -> None:
        """Waits for versions of a model; if none is given, for any."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                states = self.states(model)
            except (errors.Unavailable, errors.NotFound):  # not listening yet, or nothing seen yet
                states = {}
            for version in set(versions) & set(states):
                if states[version].state == "END" and states[version].error:
                    text = states[version].error
                    raise errors.FailedPrecondition(f"{model} version {version}: {text}")
            available = {v for v, status in states.items() if status.state == "AVAILABLE"}
            if available and available.issuperset(versions):
                return
            if time.monotonic() > deadline:
                raise errors.DeadlineExceeded(f"{model}: not available within {seconds:g} seconds")
            time.sleep(0.1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def with_labels(
    models: Sequence[ModelConfig],
    name: str,
    labels: Mapping[str, int],
    more_versions: Iterable[int] = (),
) -> list[ModelConfig]:
    """The models, of which one has these labels, their versions and maybe further ones."""
    versions = frozenset({*labels.values(), *more_versions})
    return [
        replace(model, latest=0, versions=versions, labels=labels) if model.name == name else model
        for model in models
    ]


def move_labels(
    admins: Sequence[Admin],
    models: Sequence[ModelConfig],
    name: str,
    labels: dict[str, int],
    seconds: float = 300.0,
) -> None:
    """Points a model's labels to versions, on each server in turn."""
    old = next(model for model in models if model.name == name)
    new_versions = frozenset(labels.values())
    states = [state for admin in admins for state in admin.states(name).values()]
    both = new_versions | {state.version for state in states if state.state == "AVAILABLE"}
    moved = with_labels(models, name, labels, both)

    def restore(admin: Admin) -> None:
        try:
            admin.reload(models)
        except errors.FailedPrecondition:  # it has unloaded a version that the old labels name
            admin.reload(moved)
            admin.wait_until_available(name, sorted(set(old.labels.values())), seconds)
            admin.reload(models)

    try:
        for admin in admins:
            admin.reload(with_labels(models, name, old.labels, both))
            admin.wait_until_available(name, sorted(new_versions), seconds)
        for admin in admins:
            admin.reload(moved)
        for admin in admins:
            admin.reload(with_labels(models, name, labels))
    except (ServingError, KeyboardInterrupt):
        for admin in admins:
            with suppress(ServingError):
                restore(admin)
        raise


def label(argv: Sequence[str]) -> int:
    """Moves labels and records them in the configuration file."""
    parser = Parser(
        prog="keras-gan serve label",
        description="Point a model's version labels to versions: a canary, or a rollback.",
    )
    parser.add_argument("address", nargs="+", help="host:port of a server's gRPC interface")
    parser.add_argument(
        "--model_config_file",
        type=path_name,
        required=True,
        help="the file of the models that they serve",
    )
    parser.add_argument("--model", required=True, help="the model")
    parser.add_argument(
        "--label",
        action="append",
        required=True,
        help="a label, as stable=3; repeat it: other labels of the model are removed",
    )
    parser.add_argument(
        "--seconds", type=at_least(0, float), default=300.0, help="seconds for a version to load"
    )
    flags = parser.parse_args(argv)
    labels = parse_labels(flags.label)
    models = read_model_config_file(flags.model_config_file)
    if flags.model not in [model.name for model in models]:
        raise UsageError(f"--model: {flags.model_config_file} has no model {flags.model!r}")
    admins = [Admin(address) for address in flags.address]
    with replacing(flags.model_config_file) as record:  # no label moves that cannot be recorded
        final = model_message(with_labels(models, flags.model, labels))
        record.write_text(text_format.MessageToString(final), encoding="utf-8")
        move_labels(admins, models, flags.model, labels, flags.seconds)
    print(f"{flags.model}: " + ", ".join(f"{k} is version {v}" for k, v in sorted(labels.items())))
    return 0


def launch(argv: Sequence[str]) -> int:
    """Runs the real server until it ends; returns its exit code."""
    parser = Parser(
        prog="keras-gan serve launch",
        description=f"Start {PROGRAM}, which must be on PATH, with an export directory. "
        "Flags that are not listed here go to it as they are.",
    )
    parser.add_argument(
        "export_dir",
        nargs="?",
        type=path_name,
        help="a model's directory of versions, or one of models",
    )
    parser.add_argument(
        "--model_config_file", type=path_name, help="what to serve, instead of an export directory"
    )
    parser.add_argument("--port", type=port_number, default=8500, help="gRPC's port")
    parser.add_argument("--rest_api_port", type=port_number, default=8501, help="REST's port")
    parser.add_argument(
        "--config_dir",
        type=path_name,
        help="where to keep its configuration files (a temporary folder)",
    )
    parser.add_argument(
        "--seconds", type=at_least(0, float), default=300.0, help="seconds for the models to load"
    )
    flags, more = parser.parse_known_args(argv)
    program = shutil.which(PROGRAM)
    if program is None:
        raise UsageError(
            f"{PROGRAM} is not on PATH; keras-gan serve, with the same directory or "
            "--model_config_file, serves without it"
        )
    if (flags.export_dir is None) == (flags.model_config_file is None):
        raise UsageError("one of EXPORT_DIR and --model_config_file is needed, and only one")
    if flags.model_config_file is None:
        models = find_models(flags.export_dir)
    else:
        models = tuple(read_model_config_file(flags.model_config_file))
    deployment = Deployment(models, cpu=os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as temporary:
        config_dir = flags.config_dir or Path(temporary)
        for name, text in deployment.config_files().items():
            write_text(config_dir / name, text)
        command = [program, *deployment.flags(config_dir, flags.port, flags.rest_api_port), *more]
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
