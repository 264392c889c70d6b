"""What ``tbxd demo`` stands on: a training is run, and what became of each of its calls is counted.

::

    program    runs the training program of the client's side, in a process of its own
    notebooks  what the training's processes say they have logged
    findings   what the event files hold, read back
    judge      the one held against the other
    show       progress, table and verdict, for people
"""
