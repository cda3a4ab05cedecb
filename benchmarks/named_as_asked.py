"""Does a strong classifier, which no recipe and no evaluation knows, see what was asked for?

    python benchmarks/named_as_asked.py RUN [--weights ema]

RUN is a run of mnist_conditional or mnist_inpainting. The classifier, a convolutional network
trained here on MNIST's training split, names at least 99 % of the real test digits rightly, or the
program stops. Conditional: 10,000 samples, 1,000 of each class. Completion: test digits whose lower
half is missing, inpainted, and with the mean image filled in. How often any inpainting can be right
is estimated by an equal classifier of upper halves, black below: as its first guess, and as a
class drawn after its probabilities, which is what inpaintings drawn from the truth would have.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import keras
import numpy as np

from keras_gan import recipes
from keras_gan.conditioning import Classes, Inpainting
from keras_gan.experiment.run import Run

LEAST = 0.99
EACH = 1000
DRAWS = 16
HALF = 14  # lines of the known upper half


def classifier(train, validation, lines: int = 28) -> keras.Model:
    """The classifier by the upper lines, trained if there is none yet; about two minutes."""
    file = Path(f"build/mnist_classifier_{lines}.keras")
    if file.is_file():
        return keras.saving.load_model(file)
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.4),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.4),
            layers.Dense(10, activation="softmax"),
        ]
    )
    rate = keras.optimizers.schedules.CosineDecay(2e-3, 5 * len(train.x) // 128)
    model.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    seen = (np.arange(28) < lines)[:, None, None] / np.float32(255)
    held_out = (validation.x * seen, validation.y)
    model.fit(
        train.x * seen,
        train.y,
        batch_size=128,
        epochs=5,
        validation_data=held_out,
        verbose=2,
    )
    file.parent.mkdir(exist_ok=True)
    model.save(file)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("--weights", default="ema")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    run = Run.open(options.run)
    data = recipes.data_of(run)
    model = classifier(data.train, data.validation)

    def right(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return model.predict(images, batch_size=1000, verbose=0).argmax(axis=1) == labels

    real, labels = data.test.x / np.float32(255), data.test.y
    accuracy = {"real test digits": float(right(real, labels).mean())}
    if accuracy["real test digits"] < LEAST:
        raise SystemExit(f"the classifier names {accuracy['real test digits']:.2%} of real digits")
    sample = run.sampler(options.weights)
    if isinstance(run.condition, Classes):
        asked = np.repeat(np.arange(run.condition.count), EACH)
        named = right(sample(len(asked), options.seed, asked), asked)
        accuracy["samples"] = float(named.mean())
        accuracy |= {
            f"samples of class {c}": float(named[asked == c].mean())
            for c in range(named.size // EACH)
        }
    elif isinstance(run.condition, Inpainting):
        mask = np.zeros((28, 28), bool)
        mask[:HALF] = True
        known = {"known": run.preprocessing.normalize(data.test.x), "mask": mask}
        mean = run.preprocessing.unit(data.train.x).mean(axis=0)
        seeds = range(options.seed, options.seed + DRAWS)
        draws = (sample(len(real), seed, known) for seed in seeds)
        first = next(draws)
        accuracy["inpainted"] = float(right(first, labels).mean())
        average = sum(draws, first) / DRAWS
        accuracy[f"mean of {DRAWS} inpaintings"] = float(right(average, labels).mean())
        filled = np.where(mask[..., None], real, mean)
        accuracy["mean image filled in"] = float(right(filled, labels).mean())
        of_halves = classifier(data.train, data.validation, HALF)
        upper = np.where(mask[..., None], real, 0)
        probability = of_halves.predict(upper, batch_size=1000, verbose=0)
        accuracy["upper half alone, first guess"] = float((probability.argmax(1) == labels).mean())
        drawn = probability[np.arange(len(labels)), labels].mean()
        accuracy["upper half alone, a class drawn"] = float(drawn)
    else:
        raise SystemExit(f"{run.path} is a run of neither mnist_conditional nor mnist_inpainting")
    print(
        json.dumps(
            {"run": run.identity["recipe"], "weights": options.weights, **accuracy}, indent=1
        )
    )


if __name__ == "__main__":
    main()
