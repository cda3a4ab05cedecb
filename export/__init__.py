"""export: trained generators as files that load elsewhere and say what they are.

Above `keras_gan`, of which it uses the public names only; what it writes needs neither.

__main__       the command: `python -m export RUN --output DIR`, `python -m export inspect PATH`
writing        one version: all formats, compared, described, published together
subject        what is exported: networks, prior, the way back to [0, 1], their description
signatures     what an export answers to, each a function of named, batched tensors
saved_model    SavedModel, with the requests that warm a server up
onnx_model     ONNX, in float32 and float16
parity         every artefact against the Keras model, in another runtime
replay         the program of the fresh process in which a SavedModel is tried
versions       names, version numbers, and publication at one stroke
inspection     what an export says of itself
"""
