"""`python -m keras_gan.evaluate`: how good a run is, and how far to trust the number."""

from __future__ import annotations

import dataclasses
import functools
import json
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.progress import track
from rich.table import Table

from keras_gan import command, conditions, inference, pictures, recipes, sampling, strategies
from keras_gan.conditions import Classes, Known
from keras_gan.data import DataSet
from keras_gan.errors import InputError
from keras_gan.evaluation import (
    alarms,
    completion,
    distances,
    encoding,
    likelihood,
    support,
    tables,
    trust,
)
from keras_gan.evaluation.classifier import Classifier
from keras_gan.evaluation.examiner import Examiner
from keras_gan.inference import Inference
from keras_gan.randomness import row_seeds
from keras_gan.run import Run, versions, write_atomically

_DESCRIPTION = """Measure a finished run: Parzen log-likelihood in the paper's protocol, beside
published rows and beside rows that tell how to read it; distances on the features of a small
classifier of the same data; and a search for collapse and memorisation.
The numbers and their whole protocol go to evaluation.json in the run directory.

examples:
  python -m keras_gan.evaluate runs/digits-1a2b3c4d
  python -m keras_gan.evaluate runs/mnist-5e6f7a8b --weights averaged --sets 5"""

_EXAMINED = 1000
_JACOBIANS = 200
_COMPLETIONS = 16  # of each image
_DRAWS = 100  # of each q, for its calibration


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code (0 done, 2 bad input)."""
    return command.run(_main, argv, "evaluate")


def _main(argv: Sequence[str] | None) -> int:
    parser = command.Parser(prog="python -m keras_gan.evaluate", description=_DESCRIPTION)
    command.add_run(parser)
    parser.add_argument(
        "--samples", type=int, default=10_000, metavar="INT", help="samples of G (10000)"
    )
    parser.add_argument(
        "--sets",
        type=int,
        default=1,
        metavar="INT",
        help="independent sets of samples, 1 or at least 5 (1); several also measure the "
        "estimator's error on known Gaussians and draw both, figures/trust.png",
    )
    parser.add_argument(
        "--refine", action="store_true", help="report a bandwidth between the grid's as well"
    )
    parser.add_argument(
        "--no-sanity", action="store_true", help="leave out training images and centroids"
    )
    parser.add_argument(
        "--strategy", default="default", metavar="NAME", help="devices for the likelihood (default)"
    )
    options = parser.parse_args(argv)
    if options.samples < 2:
        raise InputError(f"--samples must be at least 2. Received: {options.samples}")
    if options.sets != 1 and options.sets < trust.LEAST_SETS:
        raise InputError(
            f"--sets must be 1 or at least {trust.LEAST_SETS}. Received: {options.sets}"
        )
    run = Run.open(options.run)
    run.generator(options.weights)
    evaluation = _Evaluation(run, options)
    results = evaluation.measure()
    file = run.path / "evaluation.json"
    earlier = json.loads(file.read_text()) if file.exists() else {}
    write_atomically(file, json.dumps({**earlier, options.weights: results}, indent=1))
    evaluation.show(results)
    print(f"written to {file}")
    if "gaussian_error" in results:
        print(evaluation.draw_trust(results))
    return 0


class _Evaluation:
    """One call of the command."""

    def __init__(self, run: Run, options):
        self.run = run
        self.options = options
        self.data = recipes.data_of(run, options.data_dir)
        self.name = run.identity["dataset"]
        self.settings: dict[str, Any] = {
            "strategy": None
            if options.strategy == "default"
            else strategies.make(options.strategy),
            "track": track,
        }

    def measure(self) -> dict:
        """All numbers, as JSON can hold them."""
        found: dict = {
            "run": {"epochs": self.run.epochs_done, **self.run.identity},
            "weights": self.options.weights,
            "data": self.data.provenance,
            "versions": versions(),
        }
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            found["likelihood"] = self._likelihood()
            if not self.options.no_sanity:
                found["sanity"] = self._sanity()
        if "spread" in found["likelihood"]:
            errors = trust.error_on_gaussians(track=track)
            found["gaussian_error"] = [dataclasses.asdict(error) for error in errors]
        found["warnings"] = sorted({str(w.message) for w in caught if w.category is UserWarning})
        train = self.data.train
        classifier = Classifier.of_labelled(self._unit(train.x), train.y)
        found["distances"] = self._distances(classifier)
        found["diversity"] = self._diversity(classifier)
        if isinstance(self.run.condition, Classes):
            found["given_classes"] = self._given_classes(self.run.condition.count, classifier)
        if isinstance(self.run.condition, Known):
            found["completion"] = self._completion(classifier)
        gan = self.run.gan()
        if gan.names_classes and self.data.test.y is not None:
            found["classification"] = self._classification(gan)
        if any(isinstance(companion, Inference) for companion in gan.companions):
            found["inference"] = self._inference(gan, self.run.inference())
        return found

    def _unit(self, x: np.ndarray) -> np.ndarray:
        return self.run.preprocessing.to_unit(self.run.preprocessing.forward(x))

    @functools.cached_property
    def _sampler(self) -> Callable[..., np.ndarray]:
        return self.run.sampler(self.options.weights)

    def _samples(self, seed: int) -> np.ndarray:
        return self._sampler(self.options.samples, seed)

    def _protocol(self, data: DataSet) -> likelihood.Protocol:
        validation = None if self.name == "tfd" else min(1000, len(data.validation))
        return likelihood.Protocol(self.options.samples, validation, refine=self.options.refine)

    def _likelihood(self) -> dict:
        options = self.options
        settings: dict[str, Any] = {**self.settings, "protocol": self._protocol(self.data)}
        if self.name == "tfd":
            folds = [recipes.data_of(self.run, options.data_dir, fold) for fold in range(5)]
            pairs = [(self._unit(fold.validation.x), self._unit(fold.test.x)) for fold in folds]
            over_folds = likelihood.log_likelihood_over_folds(
                self._samples(options.seed), pairs, seed=options.seed, **settings
            )
            return dataclasses.asdict(over_folds)
        validation, test = self._unit(self.data.validation.x), self._unit(self.data.test.x)
        if options.sets == 1:
            result = likelihood.log_likelihood(
                self._samples(options.seed), validation, test, seed=options.seed, **settings
            )
            return dataclasses.asdict(result)
        seeds = range(options.seed, options.seed + options.sets)
        spread = trust.spread_over_sets(self._samples, validation, test, seeds=seeds, **settings)
        return {**dataclasses.asdict(spread.sets[0]), "spread": dataclasses.asdict(spread)}

    def _sanity(self) -> dict:
        rows = trust.sanity_rows(
            self._unit(self.data.train.x),
            self._unit(self.data.validation.x),
            self._unit(self.data.test.x),
            protocol=self._protocol(self.data),
            seed=self.options.seed,
            **self.settings,
        )
        return {name: dataclasses.asdict(row) for name, row in rows.items()}

    def _distances(self, classifier: Classifier | None) -> dict:
        """Samples, and training examples to read them by, against the test set."""
        on = (
            "the examples as they are"
            if classifier is None
            else "the last hidden layer of the small classifier"
        )
        extract = (lambda x: x) if classifier is None else classifier.features
        real = extract(self._unit(self.data.test.x))
        sets = {"samples": self._samples(self.options.seed)}
        if not self.options.no_sanity:
            train = np.random.default_rng(self.options.seed).permutation(len(self.data.train))
            sets["training examples"] = self._unit(self.data.train.x[train[: len(sets["samples"])]])
        found: dict = {"features": on}
        for name, examples in sets.items():
            rows = extract(examples)
            found[name] = {
                "frechet": dataclasses.asdict(distances.frechet_distance(real, rows)),
                "kernel": dataclasses.asdict(distances.kernel_distance(real, rows)),
                "support": dataclasses.asdict(support.support_overlap(real, rows)),
            }
        return found

    def _diversity(self, classifier: Classifier | None) -> dict:
        """Class coverage, duplicates and memorisation of some of the samples, with their alarms."""
        train = self._unit(self.data.train.x)
        examiner = Examiner(train, held_out=self._unit(self.data.test.x), classifier=classifier)
        samples = self._sampler(_EXAMINED, self.options.seed)
        results = examiner.examine(samples)
        found: dict = {type(result).__name__: dataclasses.asdict(result) for result in results}
        if classifier is not None and self.data.test.y is not None:
            found["classifier_accuracy_on_test"] = classifier.accuracy(
                self._unit(self.data.test.x), self.data.test.y
            )
        found["alarms"] = [dataclasses.asdict(alarm) for alarm in alarms.diagnose(*results)]
        return json.loads(json.dumps(found, default=lambda value: np.asarray(value).tolist()))

    def _given_classes(self, count: int, classifier: Classifier | None) -> dict:
        """Samples of each class: which the classifier sees, and the likelihood given the class."""
        each = max(1, self.options.samples // count)
        asked = np.repeat(np.arange(count), each)
        samples = self._sampler(len(asked), self.options.seed, asked)
        found: dict = {"samples_of_each": each}
        if classifier is not None:
            named = classifier.probabilities(samples).argmax(axis=1)
            right = (named == asked).reshape(count, each).mean(axis=1)
            found |= {"named_as_asked": float(right.mean()), "of_each_class": right.tolist()}
        found["alarms"] = self._alarms_within(samples.reshape(count, each, *samples.shape[1:]))
        validation, test = self.data.validation, self.data.test
        if validation.y is not None and test.y is not None:
            result = likelihood.log_likelihood_given_classes(
                list(samples.reshape(count, each, *samples.shape[1:])),
                (self._unit(validation.x), validation.y),
                (self._unit(test.x), test.y),
                protocol=dataclasses.replace(
                    self._protocol(self.data), samples=len(samples), refine=False
                ),
                seed=self.options.seed,
                **self.settings,
            )
            found["likelihood"] = dataclasses.asdict(result)
        return found

    def _classification(self, gan) -> dict:
        """Test error of the classes that D names."""
        labels = np.asarray(self.data.test.y)
        known = labels >= 0
        named = gan.classify(self.run.preprocessing.forward(self.data.test.x[known])).argmax(axis=1)
        wrong = named != labels[known]
        return {
            "labels": self.run.identity.get("labels", 0),
            "images": len(wrong),
            "test_error": float(wrong.mean()),
            "standard_error": float(wrong.std() / np.sqrt(len(wrong))),
        }

    def _alarms_within(self, samples: np.ndarray) -> dict[str, list[str]]:
        """Alarms that the samples of a class raise beside its own examples, by class."""
        train, test = self.data.train, self.data.test
        found = {}
        for c, own in enumerate(samples):
            of_class = [
                self._unit(split.x[split.y == c]) for split in (train, test) if split.y is not None
            ]
            examiner = Examiner(of_class[0], held_out=of_class[1] if of_class[1:] else None)
            names = [alarm.name for alarm in alarms.diagnose(*examiner.examine(own[:_EXAMINED]))]
            if names:
                found[str(c)] = names
        return found

    def _completion(self, classifier: Classifier | None) -> dict:
        """Test images completed below a known upper half."""
        test, train = self.data.test, self._unit(self.data.train.x)
        scaled = self.run.preprocessing.forward(test.x[:_EXAMINED])
        real, labels = self._unit(test.x[:_EXAMINED]), None
        if test.y is not None:
            labels = test.y[:_EXAMINED]
        height = real.shape[1]
        mask = np.broadcast_to(
            (np.arange(height) < height // 2)[:, None, None], (*real.shape[1:3], 1)
        )
        seeds = range(self.options.seed, self.options.seed + _COMPLETIONS)
        given = {"known": scaled, "mask": mask}
        drawn = np.stack([self._sampler(len(real), seed, given) for seed in seeds])
        places, _ = pictures.nearest_examples(np.where(mask, real, 0), np.where(mask, train, 0))
        mean = train.mean(axis=0)
        measured = completion.completion(
            real, mask, drawn, nearest=train[places], mean=mean, labels=labels
        )
        found: dict = {"known": "the upper half", **dataclasses.asdict(measured)}
        if classifier is not None and labels is not None:
            found["named_rightly"] = {
                what: classifier.accuracy(images, labels)
                for what, images in (
                    ("whole images", real),
                    ("completed", drawn[0]),
                    ("mean image filled in", np.where(mask, real, mean)),
                )
            }
        return found

    def _inference(self, gan, network: Inference) -> dict:
        """Latents found again, q's calibration, and test images reconstructed."""
        seed = self.options.seed
        latents = gan.prior.sample(_EXAMINED, seed)
        parts = sampling.draw(gan.condition, tf.constant(row_seeds(seed, _EXAMINED)))
        q = network.posterior(conditions.call(gan.generator, latents, parts), parts)
        drawn = q.sample(_DRAWS, seed=seed)
        few = {name: part[:_JACOBIANS] for name, part in parts.items()}
        gram = inference.jacobian_gram(gan.generator, latents[:_JACOBIANS], few)
        recovered = encoding.recovery(latents, inference.center(q), gram)
        found: dict = {
            "recovery": {**dataclasses.asdict(recovered), "mean": recovered.mean},
            "calibration": dataclasses.asdict(
                encoding.calibration(q.log_prob(latents), q.log_prob(drawn))
            ),
        }
        if gan.condition is None:
            found["reconstruction"] = self._reconstructed(gan, network)
        return found

    def _reconstructed(self, gan, network: Inference) -> dict:
        """Test images by way of their latents, and beside them the nearest of the samples."""
        images = self.data.test.x[:_EXAMINED]
        scaled = self.run.preprocessing.forward(images)
        real = self._unit(images)

        def made(latents) -> np.ndarray:
            return self.run.preprocessing.to_unit(gan.generator(latents).numpy())

        encoded = network.encode(scaled)
        refined = inference.refine(gan.generator, gan.prior, scaled, encoded)
        samples = self._samples(self.options.seed)
        places, _ = pictures.nearest_examples(real, samples)
        ways = {
            "encoded": made(encoded),
            "refined": made(refined),
            f"nearest of {len(samples):,} samples": samples[places],
        }
        return {
            way: dataclasses.asdict(encoding.reconstruction(real, result))
            for way, result in ways.items()
        }

    def draw_trust(self, results: dict) -> Path:
        """Draws the spread over sets of samples and the error on known Gaussians."""
        file = self.run.path / "figures" / "trust.png"
        file.parent.mkdir(exist_ok=True)
        sets, errors = results["likelihood"]["spread"]["sets"], results["gaussian_error"]
        picture = pictures.trust(
            [row["mean"] for row in sets],
            [row["standard_error"] for row in sets],
            [row["dimension"] for row in errors],
            [row["error"] for row in errors],
        )
        pictures.save_image(picture, file)
        return file

    def show(self, results: dict) -> None:
        """Prints the numbers beside those that tell how to read them."""
        console = Console()
        own = results["likelihood"]
        table = Table(title=f"Mean log-likelihood of the test set of {self.name}, nats")
        for column in ("model", "nats", "sigma", "source"):
            table.add_column(column, justify="left" if column in ("model", "source") else "right")
        if self.name in ("mnist", "tfd"):
            for row in (*tables.TABLE_1, *tables.LATER):
                score = getattr(row, self.name)
                table.add_row(row.model, f"{score or ''}", "", row.source)
            table.add_section()
        for name, row in results.get("sanity", {}).items():
            table.add_row(
                f"{row['samples']:,} {name} as samples", *_cells(row), "this data, this protocol"
            )
        table.add_section()
        trained = f"{results['run']['recipe']}, {results['run']['epochs']} epochs"
        what = f"{trained}, {self.options.weights} weights"
        table.add_row(f"[bold]{what}", *_cells(own), f"{self.options.samples:,} samples")
        if own.get("refined"):
            table.add_row(
                "the same, bandwidth between the grid's",
                *_cells(own["refined"]),
                "not the paper's protocol",
            )
        console.print(table)
        self._show_distances(console, results["distances"])
        if "given_classes" in results:
            self._show_classes(console, results["given_classes"])
        if "classification" in results:
            found = results["classification"]
            console.print(
                f"D names {found['test_error']:.2%} ± {found['standard_error']:.2%} of "
                f"{found['images']:,} test images wrongly, with {found['labels'] or 'all'} labels"
            )
        if "completion" in results:
            self._show_completion(console, results["completion"])
        if "inference" in results:
            self._show_inference(console, results["inference"])
        if "spread" in own:
            spread = own["spread"]
            console.print(
                f"over {len(spread['sets'])} sets of samples: {spread['mean']:.1f} nats, "
                f"standard deviation {spread['standard_deviation']:.2f}"
            )
        for warning in results["warnings"]:
            console.print(f"[yellow]warning:[/] {warning}")
        for alarm in results["diversity"]["alarms"]:
            console.print(f"[red]alarm:[/] {alarm['name']}: {alarm['message']}")
        if not results["diversity"]["alarms"]:
            console.print(f"no sign of collapse or memorisation in {_EXAMINED:,} samples")

    @staticmethod
    def _show_completion(console: Console, found: dict) -> None:
        table = Table(title=f"{found['images']:,} test images completed from {found['known']}")
        table.add_column("missing pixels filled with")
        table.add_column("squared error", justify="right")
        for what, name in (
            (f"mean of {found['draws']} completions", "squared_error"),
            ("one completion", "squared_error_of_one"),
            ("nearest training image", "squared_error_of_nearest"),
            ("mean training image", "squared_error_of_mean"),
        ):
            table.add_row(what, f"{found[name]:.2f}")
        console.print(table)
        within = found["spread_within_class"]
        beside = "" if within is None else f"; of images of one class {within:.3f}"
        console.print(f"spread of the completions of an image {found['spread']:.3f}{beside}")
        for what, share in found.get("named_rightly", {}).items():
            console.print(f"the classifier names {share:.1%} rightly: {what}")

    @staticmethod
    def _show_inference(console: Console, found: dict) -> None:
        recovered, calibrated = found["recovery"], found["calibration"]
        console.print(
            f"latents of samples: correlation with those inferred {recovered['mean']:.3f} over the "
            f"{recovered['used']} directions that carry {recovered['share']:.0%} of G's change"
        )
        pairs = zip(calibrated["masses"], calibrated["covered"], strict=True)
        console.print(
            "calibration of q: "
            + ", ".join(f"{covered:.1%} in regions of {mass:.0%}" for mass, covered in pairs)
        )
        for way, row in found.get("reconstruction", {}).items():
            console.print(
                f"test images, {way}: squared error {row['mean']:.2f} ± {row['standard_error']:.2f}"
            )

    @staticmethod
    def _show_classes(console: Console, found: dict) -> None:
        if "likelihood" in found:
            nats, sigma = _cells(found["likelihood"])
            console.print(f"given the class: {nats} nats, sigma {sigma}")
        for c, names in found["alarms"].items():
            console.print(f"[red]alarm within class {c}:[/] {', '.join(names)}")
        if "of_each_class" in found:
            worst = min(found["of_each_class"])
            console.print(
                f"the classifier names {found['named_as_asked']:.1%} of "
                f"{found['samples_of_each']:,} samples of each class as asked; of the worst "
                f"class {worst:.1%}"
            )

    @staticmethod
    def _show_distances(console: Console, found: dict) -> None:
        table = Table(title=f"Against the test set, on {found['features']}")
        columns = ("", "Frechet", "kernel", "precision", "recall", "density", "coverage")
        for column in columns:
            table.add_column(column, justify="right" if column else "left")
        for name, row in found.items():
            if name != "features":
                overlap = row["support"]
                table.add_row(
                    f"{row['frechet']['generated']:,} {name}",
                    f"{row['frechet']['distance']:.4g}",
                    f"{row['kernel']['distance']:.3g}",
                    *(f"{overlap[column]:.3f}" for column in columns[3:]),
                )
        console.print(table)


def _cells(row: dict) -> tuple[str, str]:
    sigma = f"{row['bandwidth']:.3f}" if "bandwidth" in row else "per fold"
    return f"{row['mean']:.1f} ± {row['standard_error']:.1f}", sigma


if __name__ == "__main__":
    sys.exit(main())
