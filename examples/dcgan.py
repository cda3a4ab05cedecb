"""DCGAN on digits, or on a folder of your pictures, with a picture of samples after each epoch.

    python examples/dcgan.py            # MNIST, downloaded if necessary
    python examples/dcgan.py faces/     # your own pictures
    python examples/dcgan.py digits     # the small digits of scikit-learn

The original: "DCGAN to generate face images",
https://keras.io/examples/generative/dcgan_overriding_train_step/
Lines of code: 122 there, 22 here.
"""

import sys

import keras_gan


def main(dataset="mnist", epochs=30, limit=None, width=64):
    """Trains on the first `limit` images and returns the model."""
    data = keras_gan.data.load(dataset, download=True)
    scale = keras_gan.data.SymmetricRange()  # pixels in [-1, 1]
    images = scale.normalize(data.train.x[:limit])

    # Any two Keras models may stand here. D returns logits: it has no sigmoid at its end.
    shape = images.shape[1:]
    generator = keras_gan.networks.dcgan_generator(
        shape, latent_dim=100, width=width, activation="tanh"
    )
    discriminator = keras_gan.networks.dcgan_discriminator(shape, width=width)

    gan = keras_gan.GAN(generator, discriminator, keras_gan.priors.Normal(100))
    gan.compile(
        generator_optimizer=keras_gan.optimizers.Adam(2e-4, beta_1=0.5),
        discriminator_optimizer=keras_gan.optimizers.Adam(2e-4, beta_1=0.5),
        loss="non_saturating",
    )
    pictures = keras_gan.callbacks.SampleGrid("runs/dcgan", scale.denormalize)
    gan.fit(images, batch_size=64, epochs=epochs, callbacks=[pictures])
    return gan


if __name__ == "__main__":
    main(*sys.argv[1:])
