"""One process's share of a run: where to begin, what to write, how to end when something fails.

Every worker makes the same session. The chief reads and writes the run directory; it tells the
others what it found there and gives them its state, so they need no directory in common.

    a signal                  the state is saved at the next step, on all workers the same one
    NaN or Inf                the run ends, or goes back to its last checkpoint with other noise
    a full disk and the like  the run ends; its last checkpoint stays
    a lost worker             the others end

Whatever ended a run, the same command continues it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import shlex
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

import keras
import tensorflow as tf

from keras_gan.callbacks import Checkpoint, StopOnNonFinite, StopOnRequest
from keras_gan.core.errors import (
    InputError,
    Interrupted,
    SurroundingsError,
    TrainingError,
    faulty_file,
    first_line,
)
from keras_gan.core.randomness import row_seeds
from keras_gan.experiment.run import Run
from keras_gan.experiment.workers import Workers
from keras_gan.training import checkpoints, run_config
from keras_gan.training.gan import GAN

_log = logging.getLogger("keras_gan")

# Damaged data, or a file system that does not answer.
_UNREADABLE = (
    tf.errors.DataLossError,
    tf.errors.UnavailableError,
    tf.errors.DeadlineExceededError,
    tf.errors.AbortedError,
)


class Interruption:
    """While it is entered, notes SIGTERM, SIGHUP or SIGINT; a second SIGINT ends at once."""

    def __init__(self) -> None:
        self.signal: str | None = None  # name of the one that came
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                # nohup ignores SIGHUP. SIGINT, which shells ignore in the background, may be sent.
                if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, _: FrameType | None) -> None:
        name = signal.Signals(number).name
        if number == signal.SIGINT and self.signal is not None:
            raise KeyboardInterrupt
        self.signal = name
        # The reader of a pipe may have ended by the same signal; or this interrupts another print.
        with contextlib.suppress(OSError, RuntimeError):
            print(
                f"{name}: ending as soon as the state is saved; SIGINT once more ends at once",
                file=sys.stderr,
                flush=True,
            )


@dataclasses.dataclass(frozen=True)
class Session:
    """One call of the train command: what it does with a model.

    Attributes:
        gan: A compiled model.
        workers: The processes of the run.
        asked: Notes the signals that ask for an end; entered by the caller.
        fit: Calls `gan.fit` with (first epoch, steps of it already done, callbacks, verbose).
        steps_per_epoch: Steps of an epoch.
        dropped_examples: Examples of an epoch that fill no step.
        epochs: Epochs asked for.
        retries: How often NaN or Inf may send the run back to its last checkpoint.
    """

    gan: GAN
    workers: Workers
    asked: Interruption
    fit: Callable[[int, int, list[keras.callbacks.Callback], int], None]
    steps_per_epoch: int
    dropped_examples: int
    epochs: int
    retries: int = 0

    def train(
        self,
        open_run: Callable[[], Run],
        resources: dict,
        callbacks: Callable[[Run, dict], list[keras.callbacks.Callback]],
        verbose: int,
        finish: Callable[[Run], None] = lambda run: None,
    ) -> Run | None:
        """Trains from where the run stands to the epochs asked for.

        Args:
            open_run: Makes or opens the run directory; called on the chief.
            resources: Devices and the like, noted in the run.
            callbacks: From the run and the facts that come back from its checkpoint to the
                chief's callbacks, `Checkpoint` among them.
            verbose: The chief's, as in Keras.
            finish: Called by the chief with the trained run. Models are saved after it, so that a
                run which ends before is not finished, and the same command goes on.

        Returns:
            The run, on the chief, if there was something to do.
        """
        with contextlib.ExitStack() as stack, self._faults():
            run, facts = self._begin(open_run, stack)
            if facts is None:
                return None
            if self._is_to_end():
                raise Interrupted("no step was made; the same command goes on")
            if run is not None:
                self._announce(run, resources)
                stack.callback(run.end_session)
                if self.retries and not int(self.gan.current_step.numpy()):
                    checkpoints.write(run.checkpoints, checkpoints.snapshot(self.gan, facts))
            seed = self.gan.seed
            while True:
                self.workers.share(checkpoints.state(self.gan).values())
                if facts["reseeds"]:
                    self.gan.reseed(int(row_seeds(seed, facts["reseeds"])[-1]))
                try:
                    self._fit(callbacks(run, facts) if run else [], verbose if run else 0)
                    break
                except TrainingError as error:
                    if type(error) is not TrainingError or facts["reseeds"] >= self.retries:
                        raise
                    _log.warning(
                        "%s. Going back to the last checkpoint with other noise, %d of %d times",
                        error,
                        facts["reseeds"] + 1,
                        self.retries,
                    )
                    facts = {**facts, "reseeds": facts["reseeds"] + 1}
                    if run is not None:
                        checkpoints.restore_latest(run.checkpoints, self.gan)
            if run is not None:
                finish(run)
            if self._is_to_end():
                raise Interrupted("all steps are made and saved; the same command finishes")
            if run is not None:
                run.save_models(
                    self.gan, int(self.gan.current_step.numpy()) // self.steps_per_epoch
                )
            self.workers.any(False)  # no worker ends before the models are saved
            return run

    def _is_to_end(self) -> bool:
        """Whether a signal came to any worker."""
        return self.workers.any(self.asked.signal is not None)

    def _begin(self, open_run, stack) -> tuple[Run | None, dict | None]:
        """The chief's run, and what every worker must know; None when nothing is left to do."""

        def of_chief() -> tuple[Run | None, dict | None]:
            if not self.workers.is_chief:
                return None, None
            run = open_run()
            stack.enter_context(run.owned())
            if run.finished and run.epochs_done >= self.epochs:
                print(
                    f"{run.path} is finished: {run.epochs_done} epochs. More --epochs continue it, "
                    "another --run-dir begins a new run"
                )
                return run, None
            return run, self._restored(run)

        run, facts = self.workers.together(of_chief)
        return run, json.loads(self.workers.from_chief(json.dumps(facts)))

    def _restored(self, run: Run) -> dict:
        facts = checkpoints.restore_latest(run.checkpoints, self.gan) or {}
        identity = run_config.identity_hash(run.identity)
        if facts.get("identity", identity) != identity:  # the folder need not be the run's own
            raise InputError(
                f"{run.checkpoints} holds the checkpoints of another run; choose another "
                "--checkpoint-dir, with another --run-dir"
            )
        return {"reseeds": 0, **facts, "identity": identity}

    def _announce(self, run: Run, resources: dict) -> None:
        before = run.config["sessions"][-1]["replicas"] if run.config["sessions"] else None
        run.begin_session(**resources)
        step = int(self.gan.current_step.numpy())
        epoch, steps = divmod(step, self.steps_per_epoch)
        where = f"going on after epoch {epoch}" + (f", step {steps}" if steps else "")
        print(
            f"{where if step else 'training'} in {run.path}: {self.steps_per_epoch} steps an "
            f"epoch, {self.dropped_examples} examples dropped",
            flush=True,
        )
        if before not in (None, resources["replicas"]):
            print(f"replicas: {before} before, {resources['replicas']} now", flush=True)
        place = shlex.quote(str(run.path))
        print(f"to follow it in a browser: keras-gan watch {place}", flush=True)

    def _fit(self, callbacks: list[keras.callbacks.Callback], verbose: int) -> None:
        saving = next((c for c in callbacks if isinstance(c, Checkpoint)), None)
        stop = StopOnRequest(self._is_to_end, saving)
        epoch, steps = divmod(int(self.gan.current_step.numpy()), self.steps_per_epoch)
        try:
            self.fit(epoch, steps, [StopOnNonFinite(), *callbacks, stop], verbose)
        finally:
            if saving is not None:
                saving.wait()  # nobody reads checkpoints, or leaves, while one is written

    @contextlib.contextmanager
    def _faults(self):
        """Failures of the surroundings as one line, whoever noticed them."""
        again = (
            "the last complete checkpoint, if any, is kept; fix this and run the same command again"
        )
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            raise SurroundingsError(f"{faulty_file(error)}: {reason}; {again}") from error
        except tf.errors.OpError as error:
            worker = self.workers.lost(error)
            if worker:
                raise SurroundingsError(
                    f"{worker} is gone; run the same command again, on any number of workers"
                ) from error
            fault = checkpoints.FILE_FAULT.search(error.message)
            if fault:
                raise SurroundingsError(f"{fault[1]}: {fault[2]}; {again}") from error
            if isinstance(error, _UNREADABLE):
                raise SurroundingsError(f"{first_line(error)}; {again}") from error
            raise
