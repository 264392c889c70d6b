"""Many processes in one run, all of them real: every record arrives, each under its author."""
