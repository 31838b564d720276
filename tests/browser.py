"""Makes sure that the browser of the end-to-end tests is there: `python -m tests.browser`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """The path of a Chromium, None when there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def install() -> None:
    """Install Debian's package, as root or by sudo where that asks for no password."""
    apt = shutil.which("apt-get")
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if apt is None or (prefix and shutil.which("sudo") is None):
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        done = subprocess.run(
            [*prefix, apt, "-qq", *arguments],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.stderr.write(done.stderr[-500:])
            return


def main() -> int:
    """0 once a browser is there, 1 with a sentence when it cannot be."""
    if find() is None:
        sys.stderr.write("Installing Chromium for the browser tests ...\n")
        install()
    if find() is None:
        sys.stderr.write(
            "The browser tests need Chromium and it could not be installed: install the package "
            "`chromium` (or Google Chrome) and run `make test` again.\n"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
