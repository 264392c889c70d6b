"""Pictures of every page of a real TensorBoard: ``python -m tests.boards.browser LOGDIR OUTDIR``.

For a look by hand, not for CI. Behind OUTDIR may stand the only pages to go to, each with a query
or without: ``projector 'timeseries?tagFilter=loss'``. Written is OUTDIR/<page>.png, and printed
what the page's console complains about. It needs Chromium (Debian: ``apt-get install chromium``),
which draws WebGL without a GPU here.

Chromium is spoken to over two pipes (``--remote-debugging-pipe``): JSON messages of the DevTools
protocol, each ended by a zero byte. A page is taken when it has stopped to change.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from tests.board import tensorboard

PAGES = (
    *("timeseries", "scalars", "images", "histograms", "distributions", "audio", "text"),
    *("pr_curves", "mesh", "hparams", "custom_scalars", "graphs", "projector"),
)
WIDTH, HEIGHT = 1600, 1200
QUIET_S = 2.0
"""A page that has not changed for so long is finished..."""
DEADLINE_S = 40.0
"""... and one that moves on its own is taken as it is then."""

_FLAGS = (
    *("--headless=new", "--no-sandbox", "--no-first-run", "--hide-scrollbars", "--mute-audio"),
    *("--remote-debugging-pipe", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
    *("--ignore-gpu-blocklist", "--disable-dev-shm-usage"),
)


class CommandFailed(Exception):
    """Chromium answered with an error."""


class Page:
    """One tab.

    Attributes:
        complaints: errors of its console, and exceptions that nobody caught.
    """

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self.complaints: list[str] = []
        self._requests = requests
        self._answers = answers
        self._number = 0
        self._rest = b""
        self._session: str | None = None
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session, self._target = attached["sessionId"], target
        for domain in ("Page", "Runtime", "Log"):
            self._ask(f"{domain}.enable")
        size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        self._ask("Emulation.setDeviceMetricsOverride", **size)

    def picture(self, url: str) -> bytes:
        """Go to ``url``, wait for it to be finished, and return what is seen, a PNG."""
        self._ask("Page.navigate", url=url)
        deadline = time.monotonic() + DEADLINE_S
        seen, since = b"", time.monotonic()
        while time.monotonic() < min(since + QUIET_S, deadline):
            time.sleep(0.2)
            try:
                found = base64.b64decode(self._ask("Page.captureScreenshot", format="png")["data"])
            except CommandFailed:
                # The tab changes from one renderer to the next: for a moment it has none.
                since = time.monotonic()
                continue
            if found != seen:
                seen, since = found, time.monotonic()
        assert seen, f"there was nothing to see at {url}"
        return seen

    def close(self) -> None:
        """Close the tab."""
        self._session = None
        self._ask("Target.closeTarget", targetId=self._target)

    def _ask(self, method: str, **parameters: Any) -> Any:
        """Return the result of a command; what happens in between is looked at for complaints."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        self._requests.write(json.dumps(message).encode() + b"\0")
        self._requests.flush()
        while (answer := self._next()).get("id") != self._number:
            self._notice(answer.get("method"), answer.get("params", {}))
        if "result" not in answer:
            raise CommandFailed(f"{method}: {answer.get('error')}")
        return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self._answers.fileno(), 1 << 20)
            assert piece, "Chromium has ended"
            self._rest += piece
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def _notice(self, method: str | None, event: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            details = event["exceptionDetails"]
            thrown = details.get("exception", {})
            self.complaints.append(thrown.get("description", details["text"]))
        elif method == "Log.entryAdded" and event["entry"]["level"] == "error":
            self.complaints.append(f"{event['entry']['text']} {event['entry'].get('url', '')}")


@contextlib.contextmanager
def chromium() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Run Chromium; yield its pipes: the one for requests and the one for answers."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    # It reads from descriptor 3 and writes to 4.
    script = f'exec chromium "$@" 3<&{theirs_in} 4>&{theirs_out}'
    with tempfile.TemporaryDirectory() as profile:
        process = subprocess.Popen(
            ["sh", "-c", script, "chromium", *_FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(theirs_in, theirs_out),
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            with open(ours_out, "wb") as requests, open(ours_in, "rb") as answers:
                yield requests, answers
                requests.write(b'{"id": 0, "method": "Browser.close"}\0')
        finally:
            # It ends when its pipes do, and its profile must not be taken away before.
            process.wait()


def main(logdir: str, outdir: str, *pages: str) -> None:
    """Go to each of ``pages``, or to all: see the module's head."""
    Path(outdir).mkdir(parents=True, exist_ok=True)
    with tensorboard(Path(logdir), fast=True) as board, chromium() as pipes:
        for name in pages or PAGES:
            page = Page(*pipes)
            fragment, _, query = name.partition("?")
            path = Path(outdir, f"{fragment}.png")
            path.write_bytes(page.picture(f"{board.address}/?{query}#{fragment}"))
            page.close()
            print(path, *page.complaints, sep="\n    ", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
