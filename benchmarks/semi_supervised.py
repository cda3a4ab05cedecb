"""Few labels: a linear classifier on pixels, on principal components and on a run's features.

    python -m benchmarks.semi_supervised RUN [--labels 20 50 100] [--draws 10] [--classes RUN ...]

The run has seen no labels. For each number of labels, drawn evenly over the classes, a logistic
regression learns from the labeled images alone; its penalty is chosen on them by cross-validation.
Error on all test images over the draws, the same ones for all features; differences are paired.
Features, D's those of each maxout layer, are brought to mean 0 and mean variance 1 over all
training images. `--classes` names runs whose D names classes itself (recipes ..._semi_supervised);
each has its own number of labels.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from keras_gan import recipes
from keras_gan.cli import parsing
from keras_gan.core.errors import InputError
from keras_gan.core.files import write_atomically
from keras_gan.core.versions import versions
from keras_gan.data import DataSet, draw_labeled
from keras_gan.experiment.run import Run
from keras_gan.experiment.scikit_learn import DiscriminatorFeatures, InferenceFeatures
from keras_gan.layers import Maxout
from reproduce import results

FOLDER = results.ROOT / "benchmarks" / "results"
PENALTIES = np.logspace(-4, 2, 7)
_VARIANCE = 0.95  # that the principal components carry

Features = dict[str, tuple[np.ndarray, np.ndarray]]  # of the training and of the test images


def features_of(run: Run, data: DataSet) -> Features:
    """All that the classifier is tried on, by name."""
    from sklearn.decomposition import PCA

    gan = run.gan()
    hidden = [layer.name for layer in gan.discriminator.layers if isinstance(layer, Maxout)]

    scaled = [run.preprocessing.normalize(split.x) for split in (data.train, data.test)]
    flat = [run.preprocessing.denormalize(x).reshape(len(x), -1) for x in scaled]
    components = PCA(_VARIANCE, svd_solver="full").fit(flat[0])
    features = {
        "pixels": flat,
        f"{components.n_components_} components": [components.transform(x) for x in flat],
    }
    transformers = {
        f"D, {layer or 'first hidden layer'}": DiscriminatorFeatures(run.path, layer)
        for layer in hidden or [None]
    }
    if gan.auxiliary_networks:
        transformers["q(z | x), center"] = InferenceFeatures(run.path)
    for name, transformer in transformers.items():
        transformer.fit(data.train.x[:1])
        features[name] = [transformer.transform(split.x) for split in (data.train, data.test)]
    return {name: _normalized(*pair) for name, pair in features.items()}


def _normalized(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, scale = train.mean(axis=0), np.sqrt(train.var(axis=0).mean())
    return (train - mean) / scale, (test - mean) / scale


def test_error(x, y, test_x, test_y, seed: int) -> float:
    """Error of a logistic regression whose penalty is chosen by cross-validation on `x` alone."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    folds = min(5, np.unique(y, return_counts=True)[1].min())
    search = GridSearchCV(
        LogisticRegression(max_iter=1000),
        {"C": PENALTIES},
        cv=StratifiedKFold(folds, shuffle=True, random_state=seed),
    )
    return float(1 - search.fit(x, y).score(test_x, test_y))


def compare(
    features: Features,
    labels: np.ndarray,
    test_labels: np.ndarray,
    counts: list[int],
    draws: int,
    report: Callable[[str], None] = lambda line: None,
) -> list[dict]:
    """The errors of all features, and their paired differences to the first two.

    Args:
        features: By name; those to compare with come first.
        labels: Classes of the training images, int `[n]`.
        test_labels: Classes of the test images.
        counts: Numbers of labels.
        draws: Draws of the labeled images, at least 2.
        report: Called with a line for each number of labels.

    Returns:
        A row for each number of labels and kind of features.
    """
    rows = []
    for count in counts:
        errors: dict[str, list[float]] = {name: [] for name in features}
        for draw in range(draws):
            chosen = draw_labeled(labels, count, seed=draw)
            for name, (x, test_x) in features.items():
                error = test_error(x[chosen], labels[chosen], test_x, test_labels, draw)
                errors[name].append(error)
        for name, of_draws in errors.items():
            rows.append(
                {
                    "labels": count,
                    "features": name,
                    "dimension": features[name][0].shape[1],
                    "error": float(np.mean(of_draws)),
                    "standard_error": _standard_error(of_draws),
                    "errors": of_draws,
                    "differences": [
                        {"to": other, **_paired(of_draws, errors[other])}
                        for other in list(features)[:2]
                        if other != name
                    ],
                }
            )
        report(f"{count} labels: " + ", ".join(f"{n} {np.mean(e):.1%}" for n, e in errors.items()))
    return rows


def _standard_error(values) -> float:
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


def _paired(one: list[float], other: list[float]) -> dict[str, float]:
    differences = np.subtract(one, other)
    error = _standard_error(differences)
    mean = float(differences.mean())
    return {"difference": mean, "in_standard_errors": mean / error if error else float("nan")}


def of_classes(path: str, data: DataSet) -> dict:
    """The test error of a run whose D names classes."""
    run = Run.open(path)
    if run.identity["data"] != data.fingerprint:
        raise InputError(f"{path} was trained on other data than RUN")
    named = run.gan().classify(run.preprocessing.normalize(data.test.x)).argmax(axis=1)
    return {
        "run": run.identity,
        "epochs": run.epochs_done,
        "labels": run.identity["labels"],
        "error": float(np.mean(named != data.test.y)),
    }


def show(report: dict) -> None:
    """Prints the tables."""
    table = Table(
        title=f"Test error over {report['draws']} draws of labels; paired differences in points "
        "(in standard errors)"
    )
    first_two = [row["features"] for row in report["rows"][:2]]
    for column in ("labels", "features", "error", *(f"less {name}" for name in first_two)):
        table.add_column(column, justify="left" if column == "features" else "right")
    for row in report["rows"]:
        differences = {d["to"]: d for d in row["differences"]}
        cells = [
            f"{100 * d['difference']:+.1f} ({d['in_standard_errors']:+.1f})"
            if (d := differences.get(name))
            else ""
            for name in first_two
        ]
        error = f"{100 * row['error']:.1f} ± {100 * row['standard_error']:.1f} %"
        table.add_row(str(row["labels"]), row["features"], error, *cells)
    console = Console()
    console.print(table)
    for run in report["classes"]:
        console.print(
            f"D of {run['run']['recipe']}, {run['epochs']} epochs, "
            f"{run['labels'] or 'all'} labels: {run['error']:.2%}"
        )


def _main(argv) -> int:
    parser = parsing.Parser(description=__doc__)
    parser.add_argument("run", metavar="RUN", help="a finished run on labeled images")
    parser.add_argument("--labels", type=int, nargs="+", default=[20, 50, 100], metavar="INT")
    parser.add_argument("--draws", type=int, default=10, metavar="INT", help="at least 2 (10)")
    parser.add_argument(
        "--classes", nargs="+", default=[], metavar="RUN", help="runs whose D names classes"
    )
    parser.add_argument("--data-dir", metavar="DIR", help="of tensorflow-datasets (the run's)")
    parser.add_argument("--output", metavar="FILE", help=f"(in {FOLDER})")
    options = parser.parse_args(argv)
    if options.draws < 2:
        raise InputError(f"--draws must be at least 2. Received: {options.draws}")
    run = Run.open(options.run)
    data = recipes.data_of(run, options.data_dir)
    if data.train.y is None or data.test.y is None:
        raise InputError(f"{data.name} has no labels to learn from")
    least = 2 * len(np.unique(data.train.y))
    if min(options.labels) < least:
        raise InputError(
            f"--labels must be at least {least}, two of each class, for cross-validation. "
            f"Received: {min(options.labels)}"
        )
    report = {
        "command": "python -m benchmarks.semi_supervised "
        + " ".join(Path(word).name if Path(word).is_dir() else word for word in argv),
        "run": {"epochs": run.epochs_done, **run.identity},
        "data": data.provenance,
        "draws": options.draws,
        "penalties": PENALTIES.tolist(),
        "classes": [of_classes(path, data) for path in options.classes],
        "rows": compare(
            features_of(run, data),
            data.train.y,
            data.test.y,
            options.labels,
            options.draws,
            lambda line: print(line, flush=True),
        ),
        "machine": results.machine(),
        "versions": versions(),
    }
    name = run.identity["dataset"].replace("/", "_")
    file = Path(options.output or FOLDER / f"semi_supervised_{name}.json")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, json.dumps(report, indent=1) + "\n")
    show(report)
    print(f"written: {file}")
    return 0


if __name__ == "__main__":
    sys.exit(parsing.run(_main, sys.argv[1:], "semi_supervised"))
