"""WGAN with a gradient penalty: three updates of the critic for each one of the generator.

    python examples/wgan_gp.py            # Fashion-MNIST, downloaded if necessary
    python examples/wgan_gp.py digits     # the small digits of scikit-learn

The original: "WGAN-GP overriding Model.train_step",
https://keras.io/examples/generative/wgan_gp/
Lines of code: 250 there, 24 here.
"""

import sys

import keras_gan


def main(dataset="fashion_mnist", epochs=20, limit=None, width=64):
    """Trains on the first `limit` images and returns the model."""
    data = keras_gan.data.load(dataset, download=True)
    scale = keras_gan.data.SymmetricRange()  # pixels in [-1, 1]
    images = scale.normalize(data.train.x[:limit])

    # The penalty looks at each image alone, so the critic has no batch normalization.
    shape = images.shape[1:]
    generator = keras_gan.networks.dcgan_generator(
        shape, latent_dim=128, width=width, batch_norm=True, activation="tanh"
    )
    critic = keras_gan.networks.dcgan_discriminator(shape, width=width)

    gan = keras_gan.GAN(generator, critic, keras_gan.priors.Normal(128))
    gan.compile(
        generator_optimizer=keras_gan.optimizers.Adam(2e-4, beta_1=0.5, beta_2=0.9),
        discriminator_optimizer=keras_gan.optimizers.Adam(2e-4, beta_1=0.5, beta_2=0.9),
        loss="wasserstein",
        regularizers=[keras_gan.regularizers.WGANGP(10.0)],
        discriminator_steps=3,  # each on images of its own
    )
    pictures = keras_gan.callbacks.SampleGrid("runs/wgan_gp", scale.denormalize)
    gan.fit(images, batch_size=64, epochs=epochs, callbacks=[pictures])
    return gan


if __name__ == "__main__":
    main(*sys.argv[1:])
