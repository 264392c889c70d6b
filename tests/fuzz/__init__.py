"""Fuzzing of all that takes bytes from elsewhere: ``python -m tests.fuzz TARGET --seconds 60``.

A target is a function of bytes that raises only if something is wrong: an exception that the parser
does not document, or an answer that contradicts the bytes. ``pip install 'tbxd[fuzz]'`` brings the
fuzzer, which goes by the branches that an input has taken; the tests here run each target without
it as well, on inputs that hypothesis makes.
"""
