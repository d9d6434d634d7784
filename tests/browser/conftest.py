"""One headless Chromium for the tests of pages, and what pages asked for and complained of."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NEEDED = "W2V_SPARK_BROWSER_TESTS"
"""Variable that, as ``.ci/run`` sets it to ``needed``, makes a missing browser a failure."""


def _lacking(what: str) -> None:
    if os.environ.get(NEEDED) == "needed":
        pytest.fail(f"{what}, and {NEEDED}=needed")
    pytest.skip(f"NOT RUN: {what}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        _lacking("playwright is not installed; run: pip install playwright")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        _lacking("there is no Chromium on this machine; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        # Without its sandbox, since tests may be run by root, and with the renderer that every machine has.
        arguments = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
        try:
            started = playwright.chromium.launch(executable_path=path, args=arguments)
        except Error as error:
            _lacking(f"{path} does not start: {str(error).splitlines()[0]}")
        yield started
        started.close()


@dataclass
class Visit:
    """A page, and what it did.

    Attributes
    ----------
    requests : list of str
        Addresses that it asked for.
    complaints : list of str
        Errors and warnings of the console, and exceptions.
    """

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """A page of a context of its own; nothing may have gone wrong in it."""
    context = browser.new_context(viewport={"width": 1200, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(20_000)
    seen = Visit(context.new_page())
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on(
        "console",
        lambda message: seen.complaints.append(message.text) if message.type in ("error", "warning") else None,
    )
    yield seen
    context.close()
    # Of the driver of the graphics, where there is no graphics card.
    assert [text for text in seen.complaints if "GL Driver Message" not in text] == []
