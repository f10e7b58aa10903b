"""The installed library, as a user's project finds it: the examples, built out of the tree and run against a server."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRINTED = {
    "first_steps": "made /examples/greeting\nhello, version 0\nrefused: somebody was faster\ngone\n",
    "watching": "/examples/watched/door created\n/examples/watched/door changed\n/examples/watched/door deleted\n",
    "transaction": "bob has 3\nthe version is another; alice has 7\n",
    "locking": "held, the token grows with every grant: 1\nrefused: the grant is over: the write was turned away\n",
    "leading": "leads: first\nleads: second\n",
    "queueing": "sweep the floor\nfeed the cat\n",
    "counting": "came since: 5\n",
    "services": "thumbnails at 10.0.0.7:8080\ninstances left: 0\n",
    "configuration": "100 requests\n200 requests\n",
    "without_asio": "created\njobs: 1\n",
}


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("installed")
    run("cmake", "--install", os.environ["ZABD_BUILD_DIRECTORY"], "--prefix", prefix)
    return prefix


@pytest.fixture(scope="module")
def examples(prefix, tmp_path_factory):
    build = tmp_path_factory.mktemp("examples")
    run("cmake", "-G", "Ninja", "-S", ROOT / "examples", "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}",
        "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache", "-DCMAKE_BUILD_TYPE=Debug")
    run("cmake", "--build", build)
    return build


@pytest.fixture
def server(make_server):
    return make_server().start()


def test_each_example_prints_what_it_should(examples, server):
    printed = {path.stem: run(examples / path.stem, server.address) for path in sorted((ROOT / "examples").glob("*.cpp"))}
    assert printed == PRINTED


def test_pkg_config_tells_what_is_needed(prefix, server, tmp_path):
    environment = {**os.environ, "PKG_CONFIG_PATH": f"{prefix}/lib/pkgconfig:{prefix}/lib/x86_64-linux-gnu/pkgconfig"}
    flags = run("pkg-config", "--cflags", "--libs", "zabd", env=environment).split()
    run("g++", ROOT / "examples" / "without_asio.cpp", "-o", tmp_path / "program", *flags)
    assert run(tmp_path / "program", server.address) == PRINTED["without_asio"]


def test_the_headers_need_neither_beast_nor_lmdb(prefix):
    for header in [*prefix.glob("include/zabd/client/*.hpp"), *prefix.glob("include/zabd/recipes/*.hpp")]:
        assert not {"beast", "lmdb"} & set(header.read_text().replace("/", " ").replace(".", " ").split()), header
