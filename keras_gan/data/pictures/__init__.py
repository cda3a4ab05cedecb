"""Pictures of any kind and size, as training data.

options       `PictureOptions`: what is to be made of them
sources       finding files in folders and archives
decoding      one file: its header, its pixels
fitting       one picture: size and crop
parallel      many files: a thread for each core, in order
inspection    all headers, and what they mean for the size and the channels
labeling      splits and classes, by folders or a file
duplicates    equal and nearly equal pictures; pictures that look like writing
cache         a folder of decoded pictures, made once
loading       all of it, from a path to a `DataSet`
arrays        the same options for pictures that are arrays already
batches       `Pictures`: what `fit` reads batch by batch
"""
