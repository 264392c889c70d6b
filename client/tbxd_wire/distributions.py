"""What a histogram and a precision-recall curve may be asked for: one rule for both sides."""

from __future__ import annotations

DEFAULT_BINS = "tensorflow"
"""The name of the bins that both peers use by default: edges from -1e20 to 1e20, each 1.1 times
the one before."""

RULES = ("auto", "doane", "fd", "rice", "scott", "sqrt", "stone", "sturges")
"""The other names, those of ``numpy.histogram_bin_edges``: how to find out a number of bins."""

BINS_MAX = 1 << 16
"""Most bins of one width: 1 MiB in the event, where TensorBoard shows some thirty. A few bytes of
a record must not ask for more."""

THRESHOLDS_MAX = 127
"""Most thresholds of a precision-recall curve that is made here, as in both peers."""
