"""Losses and gradient penalties in a training loop of one's own, without `GAN`.

    python examples/own_loop.py            # MNIST, downloaded if necessary
    python examples/own_loop.py digits     # the small digits of scikit-learn

The loss is that of R3GAN: relativistic pairs, with both zero-centered gradient penalties.

The original: "Deep Convolutional Generative Adversarial Network",
https://www.tensorflow.org/tutorials/generative/dcgan
Lines of code: 128 there, 42 here.
"""

import sys

import keras
import tensorflow as tf

import keras_gan
from keras_gan import losses
from keras_gan.regularizers import squared_norm, with_input_gradients


def main(dataset="mnist", epochs=30, limit=None, width=32, gamma=1.0):
    """Trains on the first `limit` images; returns G and the last losses."""
    data = keras_gan.data.load(dataset, download=True)
    x = keras_gan.data.UnitRange().normalize(data.train.x[:limit])
    batches = tf.data.Dataset.from_tensor_slices(x).shuffle(len(x)).batch(64, drop_remainder=True)

    generator = keras_gan.networks.dcgan_generator(x.shape[1:], 100, width=width)
    discriminator = keras_gan.networks.dcgan_discriminator(x.shape[1:], width=width)
    g_optimizer, d_optimizer = keras.optimizers.Adam(2e-4, 0.5), keras.optimizers.Adam(2e-4, 0.5)

    def judge(*examples):
        return [losses.DiscriminatorOutput(discriminator(image)[:, 0]) for image in examples]

    @tf.function
    def train_step(real_images):
        latents = tf.random.normal([real_images.shape[0], 100])
        fake_images = generator(latents)
        with tf.GradientTape() as tape:
            # Both gradients with respect to the images come from one backward pass.
            real, fake = with_input_gradients(judge, real_images, fake_images)
            loss = losses.relativistic_discriminator(
                real_logits=real.logits, fake_logits=fake.logits
            )
            slopes = squared_norm(real.input_gradients) + squared_norm(fake.input_gradients)
            d_loss = tf.reduce_mean(loss + gamma / 2 * slopes)
        gradients = tape.gradient(d_loss, discriminator.trainable_variables)
        d_optimizer.apply(gradients, discriminator.trainable_variables)

        with tf.GradientTape() as tape:
            real, fake = judge(real_images, generator(latents))
            loss = losses.relativistic_generator(real_logits=real.logits, fake_logits=fake.logits)
            g_loss = tf.reduce_mean(loss)
        gradients = tape.gradient(g_loss, generator.trainable_variables)
        g_optimizer.apply(gradients, generator.trainable_variables)
        return d_loss, g_loss

    for epoch in range(epochs):
        for batch in batches:
            d_loss, g_loss = train_step(batch)
        print(f"epoch {epoch + 1}: d_loss {d_loss:.3f}, g_loss {g_loss:.3f}")
    return generator, (float(d_loss), float(g_loss))


if __name__ == "__main__":
    main(*sys.argv[1:])
