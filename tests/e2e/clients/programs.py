"""Running client programs: what they need must be installed, and a conversation with them never waits for ever."""

import os
import re
import subprocess
import threading

import pytest
from waiting import SECONDS, eventually

HERE = os.path.dirname(os.path.abspath(__file__))


def require(path, package):
    """The path, which must exist: a missing client is a failure, never a skipped test."""
    if not os.path.exists(path):
        pytest.fail(f"{path} is missing: install Debian's package {package}", pytrace=False)
    return path


def run(command, timeout=60, **options):
    """The completed process, standard output and error as text in its .stdout and .stderr."""
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL, **options)


def build(command):
    """Runs a compiler; its complaints are the failure's text."""
    done = run(command, timeout=90)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"


class Program:
    """A program to talk to: say() writes a line, expect() waits for text in what it prints (both streams, in order)."""

    def __init__(self, command, **options):
        self.output = ""
        self._read_up_to = 0
        self._process = subprocess.Popen(command, text=True, bufsize=1, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, errors="replace", **options)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def say(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def expect(self, pattern, timeout=SECONDS):
        """The first match after the end of the previous one."""
        compiled = re.compile(pattern, re.MULTILINE)

        def find():
            may_still_print = self._reader.is_alive()
            found = compiled.search(self.output, self._read_up_to)
            assert found or may_still_print, "the program has ended"
            return found

        try:
            match = eventually(find, timeout)
        except AssertionError as problem:
            raise AssertionError(f"no {pattern!r} ({problem}) in:\n{self.output[self._read_up_to:]}") from None
        self._read_up_to = match.end()
        return match

    def end(self, timeout=SECONDS):
        """The exit code, when the program has ended by itself."""
        code = self._process.wait(timeout)
        self._reader.join(timeout)
        return code

    def _read(self):
        for line in self._process.stdout:
            self.output += line

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdin.close()
        self._process.stdout.close()
