"""What lies on disk, as bytes and names: pure functions that writing and reading both stand on.

Nothing here opens a file, looks at a clock or keeps state from one call to the next, apart from
caches that nobody can tell from their absence.
"""
