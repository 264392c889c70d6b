"""Serialized events into files: one run directory, one event file, descriptors in bounds."""
