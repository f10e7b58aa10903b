"""The web page in a browser, against a live ensemble of three: the specs of tests/page, run by Playwright on Chromium.

Needs Debian's nodejs, npm and chromium. Playwright itself comes from npm at its locked version, once, into
tests/page/node_modules. Screenshots are left in build/page-screenshots.
"""

import os
import pathlib
import shutil
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parents[1] / "page"
sys.path.insert(0, str(PAGE))

from stage import Stage  # noqa: E402

INSTALL_SECONDS = 300
RUN_SECONDS = 240


def test_the_page_in_a_browser(only_zabd, tmp_path):
    install_playwright()
    with Stage(tmp_path / "stage") as stage:
        environment = {**os.environ, "ZABD_PAGE_STAGE": stage.url, "CI": "1"}
        run = subprocess.run(["npx", "--no-install", "playwright", "test"], cwd=PAGE, env=environment,
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_SECONDS)
        print(run.stdout, run.stderr)
        assert run.returncode == 0, run.stdout[-4000:]


def install_playwright():
    for program in ("node", "npm", os.environ.get("ZABD_CHROMIUM", "/usr/bin/chromium")):
        assert shutil.which(program), f"{program} is missing: apt-get install nodejs npm chromium"
    if not (PAGE / "node_modules").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=PAGE, check=True, timeout=INSTALL_SECONDS,
                       env={**os.environ, "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1"})
