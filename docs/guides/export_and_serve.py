# %% [markdown]
# # Export and serve
#
# An exported model needs neither keras_gan nor Keras. On the command line:
#
#     keras-gan export RUN --weights ema --output exports
#     keras-gan export inspect exports/NAME
#     keras-gan serve exports
#
# This guide does the same in one Python process, with the preset `digits`.

# %%
import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime

import keras_gan
from export import inspection, writing
from export.subject import Subject
from serving import AsyncClient
from serving.config import ModelConfig
from serving.server import Server
from serving.settings import Settings

PORT = 8500

# %% [markdown]
# ## Export
#
# The SavedModel is loaded in another process, the ONNX model in ONNX Runtime, and both must give
# the Keras model's numbers. Only then does the new version appear.

# %%
run = keras_gan.Run.open("digits")  # a preset; or a run directory
written = writing.write(Subject.from_run(run), Path("exports"), "digits")
for artifact, errors in written.errors.items():
    print(f"{artifact}: largest error {max(errors.values()):.1e}")
print(*inspection.card(inspection.describe(written.path)), sep="\n")

# %% [markdown]
# ## ONNX Runtime
#
# The model takes latents. Draw them from the prior that the metadata name.

# %%
session = onnxruntime.InferenceSession(written.path / "model.onnx")
latents = run.gan().prior.sample(16, seed=0).numpy()  # float32 [16, d]
(images,) = session.run(["images"], {"latents": latents})
expected = run.preprocessing.denormalize(run.generator()(latents).numpy())
print(f"ONNX: largest difference to Keras {np.abs(images - expected).max():.1e}")

# %% [markdown]
# ## Serve
#
# The embedded server speaks TensorFlow Serving's protocol, over gRPC and REST. In production, run
# `keras-gan serve exports`, or TensorFlow Serving itself: `keras-gan serve config exports` writes
# all that it needs. Here the server runs in this process and listens on this machine only.


# %%
async def serve_and_ask():
    """Starts a server, asks for samples, and stops it."""
    models = (ModelConfig("digits", Path("exports/digits").absolute()),)
    server = Server(Settings(models, port=PORT, rest_api_port=None))
    await server.start()
    try:
        async with AsyncClient(f"grpc://localhost:{PORT}", model="digits") as client:
            return await client.generate(16, seed=0)
    finally:
        await server.stop()


with ThreadPoolExecutor() as pool:  # a notebook has an event loop of its own
    served = pool.submit(asyncio.run, serve_and_ask()).result()

# %% [markdown]
# Row i of `generate` depends on the seed and on i alone: the server, an export and Python give
# the same samples.

# %%
difference = np.abs(served - run.samples(16, seed=0)).max()
print(f"served: largest difference to Python {difference:.1e}")
assert difference < 1e-5

# %% [markdown]
# ## Which one?
#
# | you want | use |
# |---|---|
# | a page to explore the generator, or requests from programs | `keras-gan serve exports` |
# | many requests, GPUs, Kubernetes | TensorFlow Serving with `keras-gan serve config exports` |
# | Python, JavaScript, Java, Go or C++ without a server | [loading the files](../export.md) |
# | a static page that runs the model in the browser | `keras-gan export RUN --output exports --formats web` |
#
# Before you open a server to others, read [security](../security.md).
