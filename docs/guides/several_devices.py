# %% [markdown]
# # Several devices
#
# A model that is made in a strategy's scope trains on all of its devices. On the command line:
#
#     keras-gan train --strategy mirrored          # all GPUs of this machine
#     keras-gan train --strategy multi_worker      # several machines: TF_CONFIG, or a job of Slurm
#
# This guide shows that two devices give the same result as one. It uses two virtual CPUs, so it
# runs anywhere; it shows no speedup.

# %%
import keras
import numpy as np
import tensorflow as tf

import keras_gan
from keras_gan import networks, priors

STEPS = 20

cpu = tf.config.list_physical_devices("CPU")[0]
if tf.config.get_logical_device_configuration(cpu) is None:  # before TensorFlow uses the device
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

data = keras_gan.data.load("digits")
images = keras_gan.data.UnitRange().normalize(data.train.x)[: 50 * STEPS]

# %% [markdown]
# ## One program
#
# `batch_size` is always the number of examples of *all* devices together. A minibatch of 50 is
# divided into 25 and 25; losses and logged numbers are means over the 50.


# %%
def train(strategy):
    """A small model, trained for some steps under this strategy."""
    with strategy.scope():
        generator, discriminator = networks.for_shape(images.shape[1:], 16, bounded=True, seed=0)
        gan = keras_gan.GAN(generator, discriminator, priors.Uniform(16), seed=0)
        gan.compile(
            generator_optimizer=keras.optimizers.SGD(0.1),
            discriminator_optimizer=keras.optimizers.SGD(0.1),
        )
    history = gan.fit(images, batch_size=50, epochs=1, verbose=0).history
    return gan.generator.get_weights(), history


one, history = train(tf.distribute.get_strategy())
two, history_of_two = train(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))

# %% [markdown]
# ## The same weights
#
# Noise, dropout and augmentation depend on the row of the global minibatch, not on the device.
# So only rounding differs. The seed, a checkpoint and the logged losses mean the same on any
# number of devices.

# %%
difference = max(np.abs(a - b).max() for a, b in zip(one, two, strict=True))
print(f"largest difference of a weight: {difference:.1e}")
print(f"loss of D: {history['d_loss'][0]:.6f} and {history_of_two['d_loss'][0]:.6f}")
assert difference < 1e-5

# %% [markdown]
# ## What to change for more devices
#
# - **The minibatch.** Each device needs enough work: multiply `batch_size` by the number of
#   devices, and try learning rates up to the square root of that factor higher.
# - **Several updates for each call into TensorFlow:** `compile(steps_per_execution=10)`.
# - **Precision:** `keras.mixed_precision.set_global_policy("mixed_bfloat16")` before the networks
#   are made, or `--precision mixed_bfloat16`.
# - **Not XLA:** `jit_compile=True` is refused on several devices.
#
# ## Several machines
#
# Start the same command on each machine; `TF_CONFIG` tells each its place. Only the first one
# writes the run directory. If a machine fails, the others stop, and the same command continues
# from the last checkpoint. [Several devices and hosts](../scaling.md) has an example, files for
# Slurm and Kubernetes, and measured costs; [interruptions](../survival.md) says what happens when
# something fails.
