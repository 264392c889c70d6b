"""``python -m tests.fuzz TARGET``: go on making inputs for a target until time is over.

An input that makes it fail is written to the corpus' directory, and its name is printed last:
``python -m tests.fuzz TARGET --replay FILE`` runs that alone.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

SLOW_S = 20
"""An input that takes longer counts as a failure."""
_MEMORY_MIB = 2048
_LONGEST_BYTES = 4096


@click.command()
@click.argument("name", metavar="TARGET")
@click.option("--seconds", default=60, show_default=True, type=click.IntRange(1))
@click.option("--corpus", type=click.Path(path_type=Path, file_okay=False), help="Kept here.")
@click.option("--replay", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--seed", default=0, help="Of the fuzzer's chance; 0: another one each time.")
def main(name: str, seconds: int, corpus: Path | None, replay: Path | None, seed: int) -> None:
    """Fuzz one target: frame, message, record, encode, segment, journal or conversation."""
    import atheris

    with atheris.instrument_imports(include=["tbxd", "tbxd_wire"]):
        from .targets import TARGETS
    if name not in TARGETS:
        raise click.BadParameter(f"there are {', '.join(TARGETS)}", param_hint="TARGET")
    target = TARGETS[name]
    if replay is not None:
        target.run(replay.read_bytes())
        return
    if corpus is None:
        corpus = Path(tempfile.mkdtemp(prefix=f"tbxd-fuzz-{name}-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(content)
    options = [
        f"-max_total_time={seconds}",
        f"-artifact_prefix={corpus}/",
        f"-timeout={SLOW_S}",
        f"-rss_limit_mb={_MEMORY_MIB}",
        f"-max_len={_LONGEST_BYTES}",
        f"-seed={seed}",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
