# %% [markdown]
# # Log to TensorBoard, Weights & Biases and MLflow
#
# `GAN` is a `keras.Model`, so callbacks of other packages work with `fit`. `keras-gan train`
# writes TensorBoard files and `metrics.csv` by itself:
#
#     keras-gan train --dataset digits --run-dir runs/digits
#     tensorboard --logdir runs

# %%
import importlib.util

import keras

import keras_gan
from keras_gan import callbacks, networks, priors

EPOCHS = 10

data = keras_gan.data.load("digits")
scale = keras_gan.data.UnitRange()
images = scale.normalize(data.train.x)


def make():
    """A small model."""
    generator, discriminator = networks.for_shape(images.shape[1:], 16, bounded=True)
    gan = keras_gan.GAN(generator, discriminator, priors.Uniform(16))
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.5),
        discriminator_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.5),
    )
    return gan


# %% [markdown]
# ## TensorBoard, CSV and pictures
#
# Every quantity that `fit` reports is logged: losses, D's outputs, penalties. Whatever a callback
# puts into `logs` at the end of an epoch is logged by the callbacks after it.


# %%
class Brightness(keras.callbacks.Callback):
    """The mean brightness of samples."""

    def on_epoch_end(self, epoch, logs=None):
        logs["brightness"] = float(self.model.generate(100, seed=0).mean())


make().fit(
    images,
    batch_size=100,
    epochs=EPOCHS,
    callbacks=[
        Brightness(),
        callbacks.SampleGrid("samples", scale.denormalize),
        keras.callbacks.TensorBoard("logs"),
        keras.callbacks.CSVLogger("metrics.csv"),
    ],
    verbose=0,
)

# %% [markdown]
# ## Weights & Biases and MLflow
#
# Their Keras callbacks read `model.optimizer`, for its learning rate or its settings. A GAN has
# two optimizers, `generator_optimizer` and `discriminator_optimizer`, and this attribute is None.
# Give it the generator's before `fit`.
#
# The two cells below run only where the packages are installed (`pip install wandb mlflow`), and
# log to local files. Without `mode="offline"`, W&B sends the run to your account.

# %%
if importlib.util.find_spec("wandb"):
    import wandb
    from wandb.integration.keras import WandbMetricsLogger

    gan = make()
    gan.optimizer = gan.generator_optimizer
    with wandb.init(project="digits", mode="offline"):
        gan.fit(images, batch_size=100, epochs=EPOCHS, callbacks=[WandbMetricsLogger()], verbose=0)

# %%
if importlib.util.find_spec("mlflow"):
    import mlflow
    from mlflow.keras import MlflowCallback

    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    gan = make()
    gan.optimizer = gan.generator_optimizer
    with mlflow.start_run():
        gan.fit(images, batch_size=100, epochs=EPOCHS, callbacks=[MlflowCallback()], verbose=0)
        mlflow.log_artifacts("samples")  # the pictures

# %% [markdown]
# In a recipe of `keras-gan train`, use `compile(metrics=[...])` instead: they go to `metrics.csv`,
# to TensorBoard and into the report ([a recipe file](../recipes.md#a-recipe-file)).
