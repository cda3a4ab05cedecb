"""Loads and unloads versions as the disk and the configuration change, as TensorFlow Serving does.

One thread loads and unloads. A new version is loaded while the old one serves, and replaces it when
it is available; the old one is closed when its last request is answered. A version that does not
load is reported in the status, replaces no other, and is tried again when its files change. While a
base path cannot be listed, its model's versions stay as they are.
"""

from __future__ import annotations

import ctypes
import enum
import gc
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.config import ModelConfig
from serving.errors import FailedPrecondition, InvalidArgument, NotFound, ServingError, Unknown
from serving.files import check_plain, fingerprint, versions_on_disk
from serving.loader import Servable

_logger = logging.getLogger(__name__)


class State(enum.IntEnum):
    """The life of a version, with the numbers of the protocol."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass
class Version:
    """One version of one model, from its first sight on disk on."""

    model: str
    number: int
    path: Path
    state: State = State.START
    error: ServingError | None = None
    servable: Any = None  # a Servable while there is one to run
    in_use: int = 0
    tried: tuple | None = None  # the path and its files' fingerprint at the last load


class Manager:
    """Loads and unloads versions, and gives them to requests."""

    def __init__(
        self,
        load: Callable[[Path], Servable] = Servable,
        poll_seconds: float = 1.0,
        early_labels: bool = False,
    ) -> None:
        self._load = load
        self._poll_seconds = poll_seconds
        self._early_labels = early_labels  # a new label may point to a version not loaded yet
        self._changed = threading.Condition()  # guards everything below
        self._models: dict[str, ModelConfig] = {}
        self._versions: dict[tuple[str, int], Version] = {}
        self._labels: dict[str, dict[str, int]] = {}
        self._configured = self._reconciled = 0
        self._stopped = False
        self._thread = threading.Thread(target=self._follow, name="model-manager", daemon=True)
        self._configuring = threading.Lock()

    # Configuration

    def start(self, models: Sequence[ModelConfig]) -> None:
        """Starts with these models and returns when each has a version available."""
        self._replace_models(models)
        self._thread.start()
        try:
            self._wait_until_available([model.name for model in models])
            self._set_labels(models)
        except ServingError:
            self.stop()
            raise

    def reload(self, models: Sequence[ModelConfig]) -> None:
        """Serves these models alone; changes nothing if a label points to no available version."""
        with self._configuring:
            self._set_labels(models)
            new = [model.name for model in models if model.name not in self._models]
            self._replace_models(models)
            self._wait_until_available(new)

    def _replace_models(self, models: Sequence[ModelConfig]) -> None:
        with self._changed:
            self._models = {model.name: model for model in models}
            self._configured += 1
            self._changed.notify_all()

    def _set_labels(self, models: Sequence[ModelConfig]) -> None:
        with self._changed:
            for model in models:
                known = self._labels.get(model.name, {})
                for label, number in model.labels.items():
                    version = self._versions.get((model.name, number))
                    available = version is not None and version.state is State.AVAILABLE
                    early = self._early_labels and known.get(label, number) == number
                    if not (available or early):
                        raise FailedPrecondition(
                            f"Request to assign label to version {number} of model {model.name}, "
                            "which is not currently available for inference"
                        )
            self._labels = {model.name: dict(model.labels) for model in models}

    def _wait_until_available(self, names: Sequence[str]) -> None:
        with self._changed:
            generation = self._configured
            self._changed.wait_for(lambda: self._reconciled >= generation or self._stopped)
            missing = [name for name in names if self._latest(name) is None]
            if not missing:
                return
            reasons = [
                f"{version.model} version {version.number}: {version.error.message}"
                for version in self._versions.values()
                if version.model in missing and version.error is not None
            ]
            raise Unknown(
                f"Some models did not become available: {{{', '.join(missing)}}}. "
                + (" ".join(reasons) or "No version found.")
            )

    # Requests

    @contextmanager
    def use(
        self, name: str, number: int | None = None, label: str | None = None
    ) -> Iterator[Version]:
        """A context with a version, which stays loaded until the context ends."""
        with self._changed:
            if label is not None:
                try:
                    number = self._labels[name][label]
                except KeyError:
                    raise InvalidArgument(f"Unrecognized servable version label: {label}") from None
            wanted = f"Latest({name})" if number is None else f"Specific({name}, {number})"
            version = self._latest(name) if number is None else self._versions.get((name, number))
            if version is None or version.state is not State.AVAILABLE:
                raise NotFound(f"Servable not found for request: {wanted}")
            version.in_use += 1
        try:
            yield version
        finally:
            with self._changed:
                version.in_use -= 1
                if not version.in_use and version.state is State.UNLOADING:  # type: ignore[comparison-overlap]
                    self._changed.notify_all()

    def _available(self, name: str) -> list[Version]:
        """The versions of a model that can answer, the newest first."""
        versions = [v for v in self._versions.values() if v.model == name]
        available = [v for v in versions if v.state is State.AVAILABLE]
        return sorted(available, key=lambda version: -version.number)

    def _latest(self, name: str) -> Version | None:
        return next(iter(self._available(name)), None)

    def status(
        self, name: str, number: int | None = None
    ) -> list[tuple[int, State, ServingError | None]]:
        """Version, state and error of a model's versions, the newest first."""
        with self._changed:
            entries = [
                (version.number, version.state, version.error)
                for version in self._versions.values()
                if version.model == name and number in (None, version.number)
            ]
        if not entries and number is None:
            raise NotFound(f"Could not find any versions of model {name}")
        if not entries:
            raise NotFound(f"Could not find version {number} of model {name}")
        return sorted(entries, key=lambda entry: -entry[0])

    def serves(self, name: str) -> bool:
        """Whether a model of that name is configured."""
        return name in self._models

    def available(self) -> dict[str, list[int]]:
        """The versions available now, the newest first, of each configured model."""
        with self._changed:
            return {name: [v.number for v in self._available(name)] for name in self._models}

    def labels(self, name: str) -> dict[str, int]:
        """The labels of a model."""
        with self._changed:
            return dict(self._labels.get(name, {}))

    # The thread that loads and unloads

    def _follow(self) -> None:
        while True:
            with self._changed:
                generation, models = self._configured, self._models
            try:
                self._close_retired()
                self._look(models)
            except Exception:  # an error with one model must not stop the others
                _logger.exception("versions not followed")
            with self._changed:
                self._reconciled = generation
                self._changed.notify_all()
                self._changed.wait_for(
                    lambda: self._stopped or self._configured != generation or self._retired(),  # noqa: B023
                    self._poll_seconds or None,
                )
                if self._stopped:
                    return

    def _look(self, models: dict[str, ModelConfig]) -> None:
        aspired: dict[str, dict[int, Path]] = {}
        for name, model in models.items():
            try:
                on_disk = versions_on_disk(model.base_path)
            except OSError as error:
                _logger.error("versions not listed", extra={"model": name, "error": str(error)})
                continue
            aspired[name] = {n: on_disk[n] for n in sorted(model.aspired(on_disk))}
            self._bring_up(name, aspired[name])
        self._take_down(models, aspired)

    def _bring_up(self, name: str, aspired: dict[int, Path]) -> None:
        for number, path in aspired.items():
            with self._changed:
                version = self._versions.setdefault((name, number), Version(name, number, path))
                idle = version.state in (State.START, State.END)
            if (
                not self._stopped
                and idle
                and (not version.error or version.tried != (path, fingerprint(path)))
            ):
                version.path = path
                self._load_version(version)

    def _load_version(self, version: Version) -> None:
        context = {"model": version.model, "version": version.number}
        version.tried = (version.path, fingerprint(version.path))
        self._move(version, State.LOADING)
        started = time.monotonic()
        try:
            check_plain(version.path)
            version.servable = self._load(version.path)
        except Exception as error:  # of any kind: the server continues
            text = f"{type(error).__name__}: {getattr(error, 'message', None) or error}"
            failure = error if isinstance(error, ServingError) else Unknown(text)
            self._move(version, State.END, failure)
            _logger.error("version not loaded", extra={**context, "error": failure.message})
            return
        self._move(version, State.AVAILABLE)
        seconds = round(time.monotonic() - started, 3)
        _logger.info("version available", extra={**context, "seconds": seconds})

    def _take_down(
        self, models: dict[str, ModelConfig], aspired: dict[str, dict[int, Path]]
    ) -> None:
        """Retires versions that are no longer wanted, once one that is wanted is available."""
        unlisted = models.keys() - aspired.keys()
        for name in {version.model for version in self._versions.values()} - unlisted:
            available, wanted = self._available(name), aspired.get(name, {})
            if not wanted or any(version.number in wanted for version in available):
                self._retire(version for version in available if version.number not in wanted)

    def _retire(self, versions: Iterable[Version]) -> None:
        """Gives versions to no more requests; when the last of these is answered, they close."""
        for version in versions:
            self._move(version, State.UNLOADING)

    def _retired(self) -> list[Version]:
        """The versions that can be closed."""
        versions = self._versions.values()
        return [v for v in versions if v.state is State.UNLOADING and not v.in_use]

    def _close_retired(self) -> None:
        with self._changed:
            versions = self._retired()
        for version in versions:
            servable, version.servable = version.servable, None
            if servable is not None:  # else it failed to close
                servable.close()
            del servable
        if versions:
            _return_memory()  # once for all of them: it searches the whole heap
        for version in versions:
            self._move(version, State.END)
            context = {"model": version.model, "version": version.number}
            _logger.info("version unloaded", extra=context)

    def _move(self, version: Version, state: State, error: ServingError | None = None) -> None:
        with self._changed:
            version.state, version.error = state, error
            self._changed.notify_all()

    def give_up(self) -> None:
        """Loads no further versions; `start` fails unless each model has one already."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Ends the thread, waits for running requests and unloads everything."""
        self.give_up()
        self._thread.join()
        self._retire(v for v in self._versions.values() if v.state is State.AVAILABLE)
        while any(v.state is State.UNLOADING for v in self._versions.values()):
            with self._changed:
                self._changed.wait_for(self._retired)
            self._close_retired()


def _return_memory() -> None:
    """Frees closed graphs, which refer to themselves, and returns their memory to the system."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
