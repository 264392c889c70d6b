"""TensorFlow's Event family under names of our own; see README.md for how it is generated."""
