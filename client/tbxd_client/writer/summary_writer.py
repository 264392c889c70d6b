"""SummaryWriter: what users of tensorboardX and torch.utils.tensorboard already know.

Every method checks its arguments, builds one record and puts it into the journal; all encoding and
all writing of event files happen in the daemon.

Example::

    from tbxd_client import SummaryWriter

    with SummaryWriter("runs/first") as writer:
        for step in range(1000):
            writer.add_scalar("train/loss", 1 / (step + 1), step)

Guarantees:
    A record whose call has returned is written to the event file exactly once, whatever happens to
    this process or to the daemon afterwards, as long as there was room in the journal
    (``stats()["shed"]`` counts the records for which there was none).
    A mistake in the arguments raises at once, and nothing of that call is logged. Nothing else
    ever raises out of an ``add_*`` or ``log`` call.
    Within one writer, records reach the file in the order of the calls.
"""

from __future__ import annotations

from .audio import AudioMethods
from .dashboards import DashboardMethods
from .distributions import DistributionMethods
from .embeddings import EmbeddingMethods
from .graphs import GraphMethods
from .pictures import PictureMethods
from .plots import PlotMethods
from .raw import RawMethods
from .scalars import ScalarMethods
from .shapes import ShapeMethods
from .training import TrainingMethods
from .videos import VideoMethods


class SummaryWriter(
    ScalarMethods,
    DistributionMethods,
    PictureMethods,
    VideoMethods,
    PlotMethods,
    AudioMethods,
    ShapeMethods,
    DashboardMethods,
    EmbeddingMethods,
    GraphMethods,
    RawMethods,
    TrainingMethods,
):
    """Logs into one run; other processes may log into the same run at the same time.

    The process that is the main one, or rank 0, writes the run directory itself. Rank r writes
    ``<run>/rank<r>``, DataLoader worker i ``<run>/worker<i>`` (below its rank's), any other child
    process ``<run>/<process name>``: TensorBoard keeps one order of steps per run and tag, so each
    tag of a run has one author. A writer may be pickled, copied, inherited by a fork: on the other
    side it is the same run under that process's role.

    The constructor's arguments are those of :class:`~tbxd_client.writer.core.Writer`.
    """
