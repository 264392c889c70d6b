"""The training program that ``tbxd demo`` runs: a small network, real processes, one real kill.

An ordinary program of the client's side, and so an example of one: a writer made in the main
process, handed to loader processes that log through it too. Beside what it logs it keeps notebooks
(:mod:`.notebook`), which let anybody count afterwards what became of each call. It judges nothing
itself: who logs should not be the one who says that all of it arrived.
"""
