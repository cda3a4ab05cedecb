"""A GAN from few images: adaptive augmentation (ADA), measured by KID after each epoch.

    python examples/data_efficient_ada.py             # 5,000 images of CIFAR-10
    python examples/data_efficient_ada.py flowers/    # your own pictures, one folder a class
    python examples/data_efficient_ada.py digits      # the small digits of scikit-learn

KID is computed on the features of a small classifier of the same data, which needs no download. It
compares runs on these data; it is not the KID of the literature, which is on Inception's features.

The original: "Data-efficient GANs with Adaptive Discriminator Augmentation",
https://keras.io/examples/generative/gan_ada/
Lines of code: 312 there, 37 here.
"""

import sys

import keras

import keras_gan
from keras_gan.evaluation.distances import kid
from keras_gan.evaluation.features import Classifier


class KID(keras.callbacks.Callback):
    """Adds "kid" to the logs: the distance between samples and images that G has not learned from.

    Args:
        classifier: Whose features are compared.
        images: Images of the data, `[n, h, w, c]`.
    """

    def __init__(self, classifier, images):
        super().__init__()
        self.features, self.real = classifier.features, classifier.features(images)

    def on_epoch_end(self, epoch, logs=None):
        samples = self.model.generate(len(self.real), ema=True)
        logs["kid"] = kid(self.real, self.features(samples)).distance


def main(dataset="cifar10", epochs=100, limit=5000, width=64):
    """Trains on the first `limit` images; returns the model and KID after each epoch."""
    data = keras_gan.data.load(dataset, download=True)
    scale = keras_gan.data.SymmetricRange()  # pixels in [-1, 1]
    images = scale.normalize(data.train.x[:limit])
    classifier = Classifier.fit(images, data.train.y[:limit], epochs=10)

    shape = images.shape[1:]
    generator = keras_gan.networks.dcgan_generator(
        shape, latent_dim=64, width=width, batch_norm=True, activation="tanh"
    )
    discriminator = keras_gan.networks.dcgan_discriminator(shape, width=width)
    gan = keras_gan.GAN(generator, discriminator, keras_gan.priors.Normal(64), ema=0.99)
    gan.compile(
        generator_optimizer=keras_gan.optimizers.Adam(2e-4, beta_1=0.5),
        discriminator_optimizer=keras_gan.optimizers.Adam(2e-4, beta_1=0.5),
        # Stronger while D is right about more than 85 % of the images: 0.85 - 0.15 = 0.7.
        augmentation=keras_gan.augmentation.ADA(target=0.7, images=128_000),
    )
    callbacks = [
        KID(classifier, scale.normalize(data.test.x[:2000])),
        keras_gan.callbacks.Checkpoint("runs/ada/checkpoints", monitor="kid", mode="min"),
        keras_gan.callbacks.SampleGrid("runs/ada/samples", scale.denormalize),
    ]
    history = gan.fit(images, batch_size=64, epochs=epochs, callbacks=callbacks)
    return gan, history.history["kid"]


if __name__ == "__main__":
    main(*sys.argv[1:])
