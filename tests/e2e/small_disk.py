"""A disk of a few MiB that a test can fill and empty again: a tmpfs of its own.

    with SmallDisk(directory, mebibytes=48) as disk:
        disk.fill()         # nothing more fits
        disk.empty()        # what fill() took is free again

Mounting takes root; where that is not to be had, SmallDisk.available() is False.
"""

import errno
import os
import subprocess

CHUNK = 1 << 16


class SmallDisk:
    def __init__(self, directory, mebibytes):
        self.path = directory
        self._size = f"size={mebibytes}m"
        self._filler = directory / "filler"

    def __enter__(self):
        self.path.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", self._size, "tmpfs", str(self.path)], check=True)
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "--lazy", str(self.path)], check=True)

    @staticmethod
    def available(directory):
        """Whether this process may mount; tried, because there are many ways to be forbidden."""
        directory.mkdir(parents=True, exist_ok=True)
        if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(directory)], check=False, capture_output=True).returncode:
            return False
        subprocess.run(["umount", str(directory)], check=True)
        return True

    def fill(self):
        with open(self._filler, "ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(CHUNK))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def empty(self):
        self._filler.unlink(missing_ok=True)

    def free_bytes(self):
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize
