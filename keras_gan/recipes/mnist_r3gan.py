"""MNIST with a small convolutional pair and R3GAN's objective.

    keras-gan train --recipe mnist_r3gan

Relativistic pairs with R1 and R2 (Huang et al. 2024), a residual block at each resolution, batch
normalization in G. Seed 0, EMA weights, after 50 minutes on one core in bfloat16: 237 nats on the
test images, Frechet distance 1.4, precision 0.83 and recall 0.83 on the features of `keras-gan
evaluate`; the paper's recipe has 220, 2.8, 0.81 and 0.84 after 1,000 epochs.
"""

import dataclasses

from keras_gan import experiment, networks
from keras_gan.experiment import TrainingData
from keras_gan.recipes.settings import Built, Networks, R3GANSettings, model, output_activation


@dataclasses.dataclass(frozen=True)
class Settings(R3GANSettings, experiment.Settings):
    """Pixels in [0, 1]: a sigmoid makes the background black."""

    dataset: str = "mnist"
    batch_size: int = 32
    width: int = 16
    generator_learning_rate: float = 1e-3
    discriminator_learning_rate: float = 5e-4
    learning_rate_factor: float = 0.03
    learning_rate_decay: int = 1_300_000
    final_gamma: float = 0.03  # with less, recall is higher and precision lower
    penalty_every: int = 4
    ema_half_life: int = 30_000
    epochs: int = 26
    likelihood_every: int = 0
    likelihood_samples: int = 10_000
    distance_every: int = 2


def make_networks(
    settings: Settings, data: TrainingData, classes: int | None = None, *, residual: bool = True
) -> Networks:
    """The two networks.

    Args:
        settings: The recipe's settings.
        data: The data.
        classes: Number of classes that both networks see, or None.
        residual: Whether there are residual blocks, and batch normalization in G; else there are
            three layers each.
    """
    width, seed = settings.width, settings.seed
    generator = networks.dcgan_generator(
        data.shape,
        settings.latent_dim,
        width=width,
        blocks=int(residual),
        batch_norm=residual,
        activation=output_activation(settings),
        classes=classes,
        seed=seed,
    )
    discriminator = networks.dcgan_discriminator(
        data.shape, width=width, blocks=int(residual), classes=classes, seed=seed + 1
    )
    return generator, discriminator


def build(settings: Settings, data: TrainingData) -> Built:
    """The model, and how it learns."""
    return model(settings, data, *make_networks(settings, data))
