# %% [markdown]
# # Getting started: your pictures in ten minutes
#
# This guide trains a generator on a folder of pictures, measures it, exports it and serves it
# ([terms](../terms.md) explains the words).
# It takes about ten minutes on two CPU cores. You need Python 3.11 to 3.13 and a copy of the
# repository (`git clone`):
#
#     python3 -m venv .venv && . .venv/bin/activate
#     pip install --constraint constraints.txt '.[serving]'
#     python docs/guides/getting_started.py
#
# Run the cells in order. They write into the working directory.

# %%
import subprocess
import time
from pathlib import Path

import numpy as np
from PIL import Image

import keras_gan
from export.__main__ import main as export
from keras_gan import evaluate, train
from serving import Client, ServingError

LENGTH = ["--budget", "5m"]  # time to train for
SAMPLES = 1000  # to measure
PICTURES = 2000  # used only if there is no folder `photos`
PORT = 8500  # of the server

# %% [markdown]
# ## The pictures
#
# Put your pictures into a folder named `photos`. PNG, JPEG, WebP, AVIF, GIF, BMP and TIFF files of
# any size and shape are read ([how pictures are prepared](../own_pictures.md)). Without such a
# folder, this cell makes one from the bundled images of handwritten digits.

# %%
photos = Path("photos")
if not photos.is_dir():
    photos.mkdir()
    digits = keras_gan.data.load("mnist_10k").train.x[:PICTURES]  # uint8 [n, 28, 28, 1]
    for index, digit in enumerate(digits):
        Image.fromarray(digit[..., 0]).save(photos / f"{index:04d}.png")

# %% [markdown]
# ## Train
#
# This cell does the same as the command
# `keras-gan train --dataset photos/ --budget 5m --run-dir runs/photos`.
# It reads the pictures, prints what it found and what it will do, and trains for five minutes. If
# you interrupt it, the same command continues.

# %%
assert train.main(["--dataset", "photos/", *LENGTH, "--run-dir", "runs/photos"]) == 0

# %% [markdown]
# ## Look
#
# `runs/photos` has everything about the run: its settings, metrics, models, and samples
# from each stage of training. Open `runs/photos/report.html` in a browser for an overview.

# %%
run = keras_gan.Run.open("runs/photos")
samples = run.samples(64, weights="ema")  # float32 [64, height, width, channels] in [0, 1]
keras_gan.plotting.save_image(keras_gan.plotting.grid(samples, 8), Path("samples.png"))

# %% [markdown]
# Samples of the digits, after five minutes on two cores:
#
# ![64 samples of handwritten digits](../pictures/guides/samples.png)
#
# "ema" stands for the moving average of the generator's weights. Its samples are nearly always
# better than those of the weights after the last step.
#
# ## Measure
#
# This cell does the same as `keras-gan evaluate runs/photos --weights ema`. It prints distances
# between samples and test pictures, and the same numbers for real training pictures. A generator is
# good if its numbers are close to these. It also prints warnings, for example if the samples lack
# variety. [Evaluation](../evaluation.md) explains every number and cites its paper.

# %%
assert evaluate.main(["runs/photos", "--weights", "ema", "--samples", str(SAMPLES)]) == 0

# %% [markdown]
# ## Export and serve
#
# This cell does the same as
# `keras-gan export runs/photos --weights ema --name photos --output exports`.
# It writes a SavedModel and an ONNX model, and checks that both give the same pictures as the Keras
# model. Then `keras-gan serve exports` starts a server: open <http://localhost:8501/> to explore
# the generator. Programs can request samples over gRPC or REST.

# %%
arguments = ["runs/photos", "--weights", "ema", "--name", "photos", "--output", "exports"]
assert export(arguments) == 0


def first_samples(patience=120):
    """The first samples of the server, which needs some seconds to start."""
    with Client(f"grpc://localhost:{PORT}", model="photos") as client:
        while True:
            try:
                return client.generate(16, seed=0)  # float32 [16, height, width, channels]
            except ServingError:
                patience -= 1
                if not patience:
                    raise
                time.sleep(1)


server = subprocess.Popen(["keras-gan", "serve", "exports", "--port", str(PORT)])
try:
    served = first_samples()
finally:
    server.terminate()
    server.wait()

# %% [markdown]
# The server gives the same samples as Python for the same seed.

# %%
difference = np.abs(served - run.samples(16, seed=0, weights="ema")).max()
print(f"largest difference to Python: {difference:.1e}")
assert difference < 1e-4

# %% [markdown]
# ## Next steps
#
# - Better pictures need more time: `--budget 8h`. A GPU helps most.
# - If you have few pictures, or the discriminator overfits: [few pictures](few_pictures.py).
# - Pictures in one folder for each class: add `--classes folders` ([classes](classes.py)).
# - Losses that do not fall: [read a training run](read_a_run.py).
