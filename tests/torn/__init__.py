"""Files that are cut off, zeroed or flipped anywhere, one byte at a time, and what is made of them.

Each case is a whole recovery: a daemon's own over a real pipeline, and then TensorBoard's reader.
"""
