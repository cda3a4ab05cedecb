"""Plain facts about a run: for reports, model cards and pages that follow training."""

from __future__ import annotations

import dataclasses
import json
import shlex
from pathlib import Path
from typing import Any

from keras_gan import callbacks, losses, recipes
from keras_gan.core.errors import InputError
from keras_gan.core.settings import Field, fields
from keras_gan.evaluation.collapse.detector import LEAST_TRAIN
from keras_gan.experiment.run import BEST, Run
from keras_gan.experiment.settings import RunSettings
from keras_gan.reporting import measured
from keras_gan.reporting.advice import RunWarning, warned, with_advice
from keras_gan.reporting.measured import Number

UNKNOWN = "unknown"  # a default that no recipe tells
_WEIGHTS = {
    "last": "weights as trained",
    "ema": "EMA weights",
    "best": "best weights along training",
    "best_ema": "best EMA weights along training",
}


@dataclasses.dataclass(frozen=True)
class Setting:
    """A setting of a run.

    Attributes:
        name: Its name in Python.
        flag: Its name on the command line.
        value: Its value in this run, as the recipe resolved it.
        default: The recipe's, or `UNKNOWN` where the recipe cannot be read.
        help: Its meaning, in one line.
    """

    name: str
    flag: str
    value: Any
    default: Any
    help: str = ""

    @property
    def changed(self) -> bool:
        """Whether the run has another value than the recipe's default."""
        return self.value != self.default


@dataclasses.dataclass(frozen=True)
class Facts:
    """The facts about a run, without its models and its data.

    Attributes:
        name: Name of the run directory.
        recipe: Name of the recipe, or its file.
        data: Name of the data set.
        fingerprint: 16 hexadecimal digits that stand for the data.
        provenance: Where the data come from and how they are split, in words.
        shape: Shape of one example, `(h, w, c)` or `(d,)`.
        settings: All settings.
        command: The command that trains the same run again; empty for a model without a recipe.
        epochs: Epochs that were trained.
        epochs_asked: Epochs that the last session was to reach, or None.
        started: When the first session began, in ISO 8601.
        finished: Whether training came to the end that was asked for.
        devices: The devices that trained the run, one sentence for each kind of session.
        versions: Versions of the software, by package.
        seconds: Time of training, of the sessions that stored one; None where none did.
        untimed_sessions: How many did not: they are running, or were killed.
        weights: Weights of G to use: those that were measured, or EMA weights where there are any.
        weights_in_words: The same for people.
        best: The epochs of the best weights, and what has chosen them; empty without any.
        measured: Whether there is an `evaluation.json`.
        numbers: The measurements.
        warnings: The warnings about the samples.
        notes: Remarks of the evaluation on its own numbers.
        load: Lines of Python that load the model.
        serve: Commands that serve it.
        evaluate: The command that measures it.
        equilibrium: Whether it is known what D's outputs are where D cannot tell data and samples
            apart.
    """

    name: str
    recipe: str
    data: str
    fingerprint: str
    provenance: str
    shape: tuple[int, ...]
    settings: tuple[Setting, ...]
    command: str
    epochs: int
    epochs_asked: int | None
    started: str
    finished: bool
    devices: tuple[str, ...]
    versions: dict[str, str]
    seconds: float | None
    untimed_sessions: int
    weights: str
    weights_in_words: str
    best: str
    measured: bool
    numbers: tuple[Number, ...]
    warnings: tuple[RunWarning, ...]
    notes: tuple[str, ...]
    load: tuple[str, ...]
    serve: tuple[str, ...]
    evaluate: str
    equilibrium: bool

    @property
    def distance(self) -> Number | None:
        """The first of the distances, where one was measured."""
        return next((number for number in self.numbers if "distance" in number.name), None)

    @property
    def verdict(self) -> str:
        """How good the run is, in one plain sentence."""
        if self.warnings:
            others = len(self.warnings) - 1
            more = f" ({others} more warning{'s' if others > 1 else ''} below)" if others else ""
            return f"Something is wrong: {self.warnings[0].message}{more}."
        if not self.finished:
            of = "" if self.epochs_asked is None else f" of {self.epochs_asked}"
            return f"Training has not come to its end: {self.epochs}{of} epochs are done."
        if not self.measured:
            return "The samples have not been measured yet."
        distance, sound = self.distance, "no sign of collapse or memorization"
        if distance is None:
            return f"There is {sound}."
        if not distance.floor:
            return (
                f"There is {sound} in the samples alone; nothing tells what distance and recall "
                "training examples would have."
            )
        ratio = distance.value / distance.floor
        if ratio < 1.5:
            return f"The samples are about as close to the test examples as real ones: {sound}."
        return (
            f"There is {sound}; the distance to the test examples is {ratio:.3g} times that of "
            "training examples."
        )

    @property
    def advice(self) -> dict[str, list[RunWarning]]:
        """The warnings by what to try next, which several have in common."""
        by_advice: dict[str, list[RunWarning]] = {}
        for warning in self.warnings:
            by_advice.setdefault(warning.advice, []).append(warning)
        return by_advice

    @property
    def duration(self) -> str:
        """The time of training in words; empty where it is not known."""
        if self.seconds is None:
            return ""
        seconds = round(self.seconds)
        hours, minutes = divmod(seconds // 60, 60)
        if seconds < 120:
            return f"{seconds} seconds"
        return f"{hours} h {minutes} min" if hours else f"{minutes} minutes"


def of_run(run: Run, handle: str = "", *, following: bool = False) -> Facts:
    """The facts of a run directory; reads no model and no data.

    Args:
        run: The run, or a preset.
        handle: Its name in commands; by default its directory.
        following: Whether a finished run that is being continued counts as training.

    Raises:
        InputError: A file of the run is damaged.
    """
    try:
        return _of_run(run, handle or str(run.path), following)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{run.path}: config.json, warnings.json or evaluation.json is damaged ({error}); "
            "move it away"
        ) from error


def _of_run(run: Run, handle: str, following: bool) -> Facts:
    config, sessions = run.config, run.config["sessions"]
    epochs = run.epochs_done
    in_table = 0 if epochs and not following else _epochs_in_table(run)
    finished = run.finished and not (following and 0 < epochs < in_table)
    epochs = max(epochs, in_table)
    results, weights = _results(run, epochs)
    weights = kind = weights or _default_weights(run)
    if "preset" in config:  # one network, whose weights were of that kind
        weights, kind = "last", str(config["preset"].get("weights", "last"))
    warnings = warned(results) if results else _raised_in_training(run)
    times = [session["seconds"] for session in sessions if "seconds" in session]
    asked = sessions[-1].get("epochs") if sessions else None
    settings = _settings(run, asked)
    # Its recipe file may be run, so its commands need the flag.
    trusts = run.recipe_file is not None and _settings_class(run) is not None
    chosen = "" if weights == "last" else f" --weights {shlex.quote(weights)}"
    flags = chosen + (" --trust-recipe" if trusts else "")
    place = shlex.quote(handle)
    data = str(run.settings.get("dataset", config["recipe"]))
    real = str(config.get("dataset", data))  # a preset does not keep where its data were
    # Earlier versions noted the loss only where it is a setting.
    of_loss = getattr(losses.NAMES.get(str(run.settings.get("loss"))), "gives_probabilities", True)
    return Facts(
        name=Path(handle).resolve().name,
        recipe=str(config["recipe"]),
        data=data,
        fingerprint=str(run.identity.get("data", "")),
        provenance=str(config.get("provenance", "")),
        shape=tuple(int(n) for n in config["example_shape"]),
        settings=settings,
        command=_command(run, settings),
        epochs=epochs,
        epochs_asked=asked,
        started=str(sessions[0].get("started", "")) if sessions else "",
        finished=finished,
        devices=tuple(dict.fromkeys(_devices(session) for session in sessions)),
        versions={str(k): str(v) for k, v in config.get("versions", {}).items()},
        seconds=sum(map(float, times)) if times else None,
        untimed_sessions=len(sessions) - len(times),
        weights=weights,
        weights_in_words=_WEIGHTS.get(kind, kind),
        best=_best(run),
        measured=bool(results),
        numbers=measured.numbers(results),
        warnings=warnings,
        notes=tuple(map(str, results.get("warnings", ()))),
        load=(
            "import keras_gan",
            f"run = keras_gan.Run.open({handle!r}{', trust_recipe=True' if trusts else ''})",
            f"images = run.samples(16, seed=0{f', weights={weights!r}' if chosen else ''})",
        ),
        serve=(
            f"keras-gan export {place}{flags} --output exports",
            "keras-gan serve exports",
            "# then open http://localhost:8501/",
        ),
        evaluate=(
            f"keras-gan evaluate {place}{flags}"
            if config.get("training_examples", LEAST_TRAIN) >= LEAST_TRAIN
            else f"keras-gan measure {place} {shlex.quote(real)}{flags}{_as_prepared(run)}"
        ),
        equilibrium=bool(config.get("gives_probabilities", of_loss)),
    )


def _as_prepared(run: Run) -> str:
    """Flags of `measure` that bring pictures to the size as the run did; "" where it does so."""
    crop = str(run.settings.get("crop", "center"))
    changed = "" if crop == "center" else f" --crop {shlex.quote(crop)}"
    return changed + (" --skip-broken" if run.settings.get("skip_broken") is True else "")


def _results(run: Run, epochs: int) -> tuple[dict[str, Any], str | None]:
    """The measurements of a run, and their weights: the best, if they can be compared.

    Those from before it was continued are of another model, and those with a truncation of samples
    that a report does not show.
    """
    file = run.path / "evaluation.json"
    if not file.is_file():
        return {}, None
    stored = json.loads(file.read_text(encoding="utf-8"))
    entries = {
        weights: of_weights
        for weights, of_weights in stored.items()
        if measured.is_current(of_weights, epochs) and of_weights.get("truncation", 1) == 1
    }
    if not entries:
        return {}, None

    weights = _nearest(entries) or _default_weights(run)
    if weights not in entries:
        weights = next(iter(entries))
    return entries[weights], weights


def _nearest(entries: dict[str, Any]) -> str | None:
    """The weights nearest to the data; None where their distances are on different scales."""
    found: dict[str, Number] = {}
    for weights, results in entries.items():
        lower = (n for n in measured.numbers(results) if not n.higher_is_better)
        if number := next(lower, None):
            found[weights] = number
    if not found:
        return None
    if all(number.floor for number in found.values()):
        return min(found, key=lambda weights: found[weights].value / (found[weights].floor or 1))
    alike = len({(number.name, number.protocol) for number in found.values()}) == 1
    return min(found, key=lambda weights: found[weights].value) if alike else None


def _default_weights(run: Run) -> str:
    """EMA weights where the recipe keeps them."""
    if "copied" in run.config:  # a copied file does not name its settings
        return "last"
    if run.config.get("keeps_ema"):  # also where no setting says so
        return "ema"
    kind = _settings_class(run)
    if kind is None:
        return "last"
    known = {field.name for field in fields(kind)}
    try:
        settings = kind(**{name: v for name, v in run.settings.items() if name in known})
    except InputError:  # another version of the recipe took other values
        return "last"
    return "last" if settings.ema is None else "ema"


def _best(run: Run) -> str:
    stored = [weights for weights in BEST if run.model_file(weights).is_file()]
    # Before its end, the table may lack the epoch.
    if not stored or not run.finished or not run.metrics_file.exists():
        return ""
    by_distance = run.best_by is callbacks.ValidationDistance
    number = "Frechet distance" if by_distance else "log-likelihood"
    epochs = ", ".join(f"{weights}: epoch {run.epoch_of(weights)}" for weights in stored)
    return f"{epochs}; chosen by the {number} of validation examples"


def _settings_class(run: Run) -> type[RunSettings] | None:
    """The recipe's settings; None if its file is gone or not trusted, or if it is not known."""
    try:
        return recipes.get(run.recipe()).settings
    except InputError:
        return None


def _raised_in_training(run: Run) -> tuple[RunWarning, ...]:
    """The last warnings; none from before a run was continued, whose last epoch is examined."""
    file = run.path / "warnings.json"
    if not file.is_file():
        return ()
    stored = json.loads(file.read_text(encoding="utf-8"))
    is_old = run.finished and stored.get("epoch", run.epochs_done) + 1 < run.epochs_done
    return () if is_old else with_advice(stored["warnings"])


def _settings(run: Run, epochs: int | None) -> tuple[Setting, ...]:
    """All settings of the run; those that other versions of the recipe had, without a default."""
    kind = _settings_class(run)
    known = {} if kind is None else {field.name: field for field in fields(kind)}
    values = run.settings if epochs is None else {"epochs": epochs, **run.settings}
    return tuple(_setting(name, value, known.get(name)) for name, value in values.items())


def _setting(name: str, value: Any, field: Field | None) -> Setting:
    if field is None:
        return Setting(name, f"--{name.replace('_', '-')}", value, UNKNOWN)
    return Setting(name, field.flag, value, field.default, field.help)


def _command(run: Run, settings: tuple[Setting, ...]) -> str:
    """The command that trains the run again, with the values that the recipe resolved."""
    if not (run.config["recipe"] and "data" in run.identity):  # a file whose data were named later
        return ""
    words = ["keras-gan", "train", "--recipe", str(run.config["recipe"])]
    changed = [(s.flag, s.value) for s in settings if s.changed and s.value is not None]
    if "shards" in run.identity:
        changed += [("--stream", True), ("--shuffle-mebibytes", run.identity["shuffle_mebibytes"])]
    for flag, value in changed:
        if isinstance(value, bool):
            words.append(flag if value else flag.replace("--", "--no-", 1))
        elif str(value).startswith("-"):
            words.append(f"{flag}={value}")
        else:
            words += [flag, str(value)]
    return shlex.join(words)


def _epochs_in_table(run: Run) -> int:
    epochs = run.metrics()["epoch"] if run.metrics_file.exists() else []
    return int(epochs[-1]) + 1 if epochs else 0


def _devices(session: dict[str, Any]) -> str:
    """The devices of a session, in words."""
    replicas, strategy = session.get("replicas", 1), session.get("strategy", "default")
    machine = ", ".join([str(session.get("processor", "")), *map(str, session.get("gpus", ()))])
    several = f", {replicas} replicas" if replicas != 1 else ""
    return f"{machine or 'processor not noted'} (strategy {strategy}{several})"
