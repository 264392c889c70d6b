"""The bench: tbxd, tensorboardX and torch.utils.tensorboard side by side, in one run.

``python -m tests.bench`` prints a table and, with ``--json FILE``, everything it measured;
``--check`` makes a missed budget an exit status of 1. ::

    budgets       what must hold: the ONE table of figures, units and limits
    backends      who is measured, one row each
    measurements  what is measured, one row and one file each:
                  burst paced end_to_end latency imports idle memory
    floor         the physical floors, written as backends and measured the same way
    worker        one measurement of one backend, in a fresh process
    rounds        all of them, interleaved, each in a private directory (place)
    report table  medians, verdicts; how they are shown

Nothing is pinned to a core, nothing is simulated, and no figure is a best of several: a line shows
the median over the rounds, with the smallest and the largest beside it.
"""
