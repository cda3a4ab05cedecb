"""`keras-gan figures`: the paper's figures from a run."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from keras_gan.cli import start_tensorflow  # noqa: F401

# isort: split
import keras
import numpy as np

from keras_gan import plotting, recipes
from keras_gan.cli import parsing
from keras_gan.conditioning import Classes, Inpainting, half_known
from keras_gan.experiment.drawings import images_of
from keras_gan.experiment.run import Run
from keras_gan.reporting import facts
from keras_gan.training.inference import Inference, among, refine

_DESCRIPTION = """Draw a finished run, as PNG into its folder figures/:

  figure_2.png    fair random samples; last column: the training example nearest to the last
                  sample of the row (L2)
  figure_3.png    straight lines in z between pairs of samples
  rectangle.png   the plane between four samples; circuit.gif walks round its edge
  classes.png     one row a class, for a model conditioned on classes
  inpainted.png   known part, four inpaintings, truth: for a model of inpainting
  encoded.png     test images, what their inferred latents give, and those refined; then straight
                  lines in z between pairs of test images: for a model with an inference network
  curves.png      V(D, G), D's outputs and the likelihood along training
  weights_*.png   weights of the first layer of D, and of the last of G

examples:
  keras-gan figures runs/mnist-5e6f7a8b --weights ema"""

_COLUMNS = 9
_STEPS = 12
_LINES = 5  # walks between real images


@parsing.command("figures")
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code (see `keras_gan.core.errors`)."""
    parser = parsing.Parser(prog="keras-gan figures", description=_DESCRIPTION)
    parsing.add_run(parser)
    parser.add_argument(
        "--rows",
        type=parsing.integer(1, 100),
        default=6,
        metavar="INT",
        help="rows of Figures 2 and 3 (6)",
    )
    options = parser.parse_args(argv)
    run = parsing.open_run(options)
    folder = run.path / "figures"
    parsing.check_writable("the folder of pictures", folder)
    generator = run.generator(options.weights, options.truncation)
    images = len(run.config["example_shape"]) == 3
    data = recipes.data_of(run, options.data_dir) if images else None
    drawn: dict[str, np.ndarray] = {}
    if run.config["sessions"] and run.metrics_file.exists():  # a .keras file has no history
        equilibrium = facts.of_run(run).equilibrium
        drawn["curves.png"] = plotting.learning_curves(run.metrics(), equilibrium=equilibrium)
    if data is not None:
        drawn.update(_of_images(run, generator, data, options))
        plotting.animate(_circuit(run, generator, options.seed), folder / "circuit.gif")
        print(folder / "circuit.gif")
    for name, picture in drawn.items():
        plotting.save_image(picture, folder / name)
        print(folder / name)
    return 0


def _corners(run: Run, seed: int) -> np.ndarray:
    return run.prior.sample(4, seed + 2).numpy()


def _images(run: Run, generator, latents: np.ndarray, lines: int = 1) -> np.ndarray:
    return images_of(generator, latents, run.preprocessing, run.condition, lines=lines)


def _circuit(run: Run, generator, seed: int) -> Iterator[np.ndarray]:
    walk = _images(run, generator, plotting.circuit(_corners(run, seed), 16))
    return (plotting.grid(image[None], 1) for image in walk)


def _of_images(run: Run, generator, data, options) -> dict[str, np.ndarray]:
    n = options.rows * _COLUMNS
    sampler = run.sampler(options.weights, options.truncation)
    samples = sampler(n, options.seed)
    ends = run.prior.sample(2 * options.rows, options.seed + 1).numpy()
    lines = plotting.lines(ends[: options.rows], ends[options.rows :], _STEPS)
    plane = plotting.rectangle(_corners(run, options.seed), _STEPS, _STEPS)
    drawn = {
        "figure_2.png": plotting.nearest_grid(
            samples, data.train.x, _COLUMNS, run.preprocessing.unit
        ),
        "figure_3.png": plotting.grid(_images(run, generator, lines, options.rows), _STEPS),
        "rectangle.png": plotting.grid(_images(run, generator, plane), _STEPS),
    }
    if isinstance(run.condition, Classes):
        condition = np.repeat(np.arange(run.condition.count), _STEPS)
        of_classes = sampler(len(condition), options.seed, condition)
        drawn["classes.png"] = plotting.grid(of_classes, _STEPS)
    if isinstance(run.condition, Inpainting):
        drawn["inpainted.png"] = _inpainted(run, sampler, data.test.x[:_STEPS], options.seed)
    gan = run.gan()
    network = among(gan.auxiliary_networks)
    if gan.condition is None and network is not None:
        drawn["encoded.png"] = _encoded(run, generator, network, data.test.x[: 2 * _STEPS])
    shape = tuple(run.config["example_shape"])
    return drawn | _weights(gan.discriminator, run.generator(options.weights), shape)


def _weights(
    discriminator: keras.Model, generator: keras.Model, shape: tuple[int, ...]
) -> dict[str, np.ndarray]:
    """D's first layer and G's last, where their weights are images."""
    drawn = {}
    for kernel in _kernels(discriminator)[:1]:
        if kernel.ndim == 4 or kernel.shape[0] == np.prod(shape):
            drawn["weights_discriminator.png"] = plotting.weight_grid(kernel, shape)
    for kernel in _kernels(generator)[-1:]:
        if kernel.ndim == 2 and kernel.shape[1] == np.prod(shape):
            drawn["weights_generator.png"] = plotting.weight_grid(kernel.T, shape)
    return drawn


def _kernels(network: keras.Model) -> list[np.ndarray]:
    return [layer.kernel.numpy() for layer in network.layers if hasattr(layer, "kernel")]


def _inpainted(run: Run, sampler, images: np.ndarray, seed: int) -> np.ndarray:
    """The known part, gray where pixels miss, four inpaintings, the truth; for two halves."""
    scaled = run.preprocessing.normalize(images)
    real = run.preprocessing.denormalize(scaled)
    panels = []
    for mask in (half_known(real.shape[1], real.shape[2], axis) for axis in (0, 1)):
        draws = [
            sampler(len(real), seed + draw, {"known": scaled, "mask": mask}) for draw in range(4)
        ]
        panels.append(np.stack([np.where(mask, real, 0.5), *draws, real], axis=1))
    rows = np.concatenate(panels, axis=1)  # [n, 12, h, w, c]
    return plotting.grid(rows.reshape(-1, *real.shape[1:]), rows.shape[1])


def _encoded(run: Run, generator, network: Inference, images: np.ndarray) -> np.ndarray:
    """Real images, encoded, refined, and straight lines between them."""
    scaled = run.preprocessing.normalize(images)
    encoded = network.encode(scaled).numpy()
    refined = refine(generator, run.prior, scaled, encoded)
    columns, pairs = min(_STEPS, len(images)), min(_LINES, len(images) // 2)
    rows = [
        run.preprocessing.denormalize(scaled[:columns]),
        # Noise inside G is that of `refine`, another one in each image.
        _images(run, generator, encoded[:columns], columns),
        _images(run, generator, refined[:columns], columns),
    ]
    if pairs:
        walks = plotting.lines(refined[:pairs], refined[pairs : 2 * pairs], columns)
        rows.append(_images(run, generator, walks))
    return plotting.grid(np.concatenate(rows), columns)


if __name__ == "__main__":
    sys.exit(main())
