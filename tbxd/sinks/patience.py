"""How long the loop waits for file systems: for each answer, and for all of one turn together.

One that is slow and answers all the same is as bad as one that does not, if it is asked often
enough: a thousand directories at 40 ms each would be a turn of 40 s for everybody.
"""

from __future__ import annotations

PATIENCE_S = 0.05
"""How long the loop waits for an answer. A disk that is well gives it in less than a millisecond,
and a busy one mostly in a few."""

_TURN = 4
"""So many times that, all of a turn may wait for what may as well come later."""

_TURN_AT_MOST = 20
"""So many times that for what is given up if it does not come now. It is not much, and rare."""


class Patience:
    """What is left of it, in the turn that goes on.

    Args:
        each_s: how long to wait for an answer.
    """

    __slots__ = ("_spent_s", "each_s")

    def __init__(self, each_s: float = PATIENCE_S) -> None:
        self.each_s = each_s
        self._spent_s = 0.0

    def left_s(self, *, now_or_never: bool) -> float:
        """Return how long to wait for an answer at most.

        Args:
            now_or_never: nobody needs it later.
        """
        turn_s = self.each_s * (_TURN_AT_MOST if now_or_never else _TURN)
        return max(min(self.each_s, turn_s - self._spent_s), 0.0)

    def spend(self, waited_s: float) -> None:
        """Note that the loop has waited."""
        self._spent_s += waited_s

    def renew(self) -> None:
        """Begin another turn."""
        self._spent_s = 0.0
