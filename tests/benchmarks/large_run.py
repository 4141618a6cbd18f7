"""A run of fifty thousand spans in the browser: until it is seen, until all its spans are there, and how it scrolls.

    python -m tests.benchmarks.large_run [--quick]

The run has ended, with 2.5 events a span; the browser is Debian's Chromium without a graphics card. Floors of the same
run: for the skeleton, fetching, unpacking and parsing the same bytes from a server that has them ready; for scrolling,
the frames of an empty page. The longest task is the longest that kept the page from answering while it loaded; the
browser tells only of those over 50 ms.
"""

import gzip
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import figure, heading, milliseconds, options
from tests.benchmarks.installation import servers  # first: it settles where the data lies

STEPS, QUICK_STEPS, CALLS = 100, 4, 250
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--enable-precise-memory-info"]
MEGABYTE = 1_000_000
SCROLL_MS = 3000

WATCH = """
globalThis.longest = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration);
}).observe({ type: "longtask", buffered: true });
"""
ALL_SPANS = """
(count) => {
  const shown = document.querySelector("rlm-outline .count")?.textContent;
  return shown === count && performance.now();
}
"""
READ_ALL = """
async () => {
  const started = performance.now();
  const text = await (await fetch("/skeleton")).text();
  const lines = text.trim().split("\\n").map((line) => JSON.parse(line));
  return [performance.now() - started, lines.length];
}
"""
SIZE = "performance.getEntriesByType('resource').find((entry) => entry.name.endsWith('/spans')).encodedBodySize"
FRAMES = """
([selector, milliseconds]) => new Promise((resolve) => {
  const list = selector && document.querySelector(selector);
  let [frames, started, way] = [0, 0, 97];
  const frame = (now) => {
    started ||= now;
    if (now - started >= milliseconds) return resolve((frames * 1000) / (now - started));
    frames += 1;
    if (list) {
      const before = list.scrollTop;
      list.scrollTop += way;
      if (list.scrollTop === before) way = -way;
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})
"""


@contextmanager
def ready_answer(body: bytes) -> Iterator[str]:
    """Serve a body, compressed beforehand, beside an empty page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_body = self.path == "/skeleton"
            self.send_response(200)
            self.send_header("Content-Type", "application/x-ndjson" if is_body else "text/html")
            if is_body:
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(body if is_body else b"<!doctype html><title>empty</title>")

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def signed_in(url: str, user: Any) -> Iterator[Any]:
    """Open a browser for a person."""
    from django.conf import settings
    from django.test import Client
    from playwright.sync_api import sync_playwright

    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    name = settings.SESSION_COOKIE_NAME
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])
        context.set_default_timeout(120_000)
        yield context
        browser.close()


def floors(context: Any, body: bytes) -> tuple[float, float]:
    """Return how long the same bytes take that are ready, in seconds, and the frames a second of an empty page."""
    with ready_answer(body) as url:
        page = context.new_page()
        page.goto(url)
        took = min(page.evaluate(READ_ALL)[0] for _ in range(3))
        rate = page.evaluate(FRAMES, ["", SCROLL_MS])
        page.close()
    return took / 1000, rate


def load(context: Any, address: str, spans: int) -> tuple[Any, float]:
    """Open a run; return the page and how long it took to have all spans, in seconds."""
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(address, wait_until="commit")
    found = page.wait_for_function(ALL_SPANS, arg=f"{spans:,}", polling="raf").json_value()
    page.locator('[data-part=connection][data-state="ended"]').wait_for()
    return page, found / 1000


def loading(context: Any, address: str, spans: int, floor: float) -> Any:
    """Load the run, warm, and tell how that went."""
    load(context, address, spans)[0].close()
    rounds = []
    for _ in range(3):
        page, seconds = load(context, address, spans)
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000
        rounds.append((seconds, paint, page.evaluate("longest")))
        size = page.evaluate(SIZE)
        if len(rounds) < 3:
            page.close()
    seconds, paint, longest = sorted(rounds)[1]
    figure(f"{spans:,} spans, first paint", milliseconds(paint), limit="< 400 ms")
    against, shown = f"the same bytes ready, {milliseconds(floor)}", f"{seconds:.2f} s, ratio {seconds / floor:.1f}"
    figure(f"{spans:,} spans, all there", shown, against=against, limit="< 1.5 s")
    figure(f"{spans:,} spans, compressed", f"{size / MEGABYTE:.2f} MB", limit="< 2.5 MB")
    figure(f"{spans:,} spans, longest task", f"{longest:.0f} ms" if longest else "< 50 ms", limit="< 50 ms")
    return page


def scrolling(page: Any, spans: int, floor: float) -> None:
    """Scroll each list of the run, all of it unfolded."""
    views = (
        ("tree", "[data-list].tree", "+"),
        ("timeline", "[data-list].time", "t"),
        ("raw events", "[data-list].event", "3"),
    )
    for view, selector, key in views:
        page.keyboard.press(key)
        page.locator(selector).wait_for()
        page.wait_for_timeout(1000)
        rate = page.evaluate(FRAMES, [selector, SCROLL_MS])
        shown = f"{rate:.0f} frames/s, ratio {rate / floor:.2f}"
        figure(f"{spans:,} spans, scrolling the {view}", shown, against=f"an empty page's {floor:.0f}", limit=">= 55")


def heap(page: Any) -> float:
    """Return what the page's objects take, in megabytes."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"]) / MEGABYTE


def body_of(url: str, run: Any, key: str) -> bytes:
    """Fetch the skeleton as a browser gets it."""
    import urllib.request

    headers = {"Authorization": f"Bearer {key}", "Accept": "application/x-ndjson", "Accept-Encoding": "gzip"}
    request = urllib.request.Request(f"{url}/api/v1/runs/{run.id}/spans", headers=headers)  # noqa: S310 - our own
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own address
        body: bytes = answer.read()
    assert gzip.decompress(body).count(b"\n") > 1
    return body


def measure(*, quick: bool) -> None:
    """Make the run and look at it."""
    from tests.factories.large_runs import large_run
    from tests.factories.tenancy import make_tenant
    from tests.live import web

    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(collect, cwd=Path(__file__).parents[2], check=True)
    tenant = make_tenant("acme", "ada@acme.example")
    steps = QUICK_STEPS if quick else STEPS
    run = large_run(tenant.principal, tenant.project, steps=steps, calls=CALLS)
    spans = 1 + steps * (3 + 2 * CALLS)
    with web() as site:
        body = body_of(site.url, run, tenant.key)
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # playwright's loop runs in this thread
        with signed_in(site.url, tenant.user) as context:
            floor, rate = floors(context, body)
            page = loading(context, f"{site.url}/runs/{run.id}", spans, floor)
            figure(f"{spans:,} spans, heap once all are there", f"{heap(page):.0f} MB")
            scrolling(page, spans, rate)


def main() -> None:
    """Measure."""
    found = options(__doc__)
    heading("large_run", quick=found.quick)
    with servers():
        measure(quick=found.quick)


if __name__ == "__main__":
    main()
