"""Four-letter words in the very form of Apache ZooKeeper's: both servers get the same clients, then each word is asked.

Numbers, ids, addresses and dates are masked; what remains must be equal line by line, so that any
program that reads ZooKeeper's answers reads zabd's.
"""

import re

import pytest

import harness
import wire
from wire import Mode, Op, WatchMode

SETTINGS = {"4lw.commands.whitelist": "*", "maxSessionTimeout": 30000}

MASKS = (
    (r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \w+ \d{4}", "DATE"),
    (r"0x[0-9a-f]+", "HEX"),
    (r"/[\d.]+:\d+", "/ADDRESS"),
    (r"lop=\w+", "lop=OP"),
    (r"-?\d+(\.\d+)?", "N"),
)


def masked(text):
    for pattern, word in MASKS:
        text = re.sub(pattern, word, text)
    return text


@pytest.fixture(scope="module")
def servers(server_kind, tmp_path_factory):
    """The reference and the server under test, each with two sessions, ephemerals and watches."""
    started, links = [], []
    for kind in ("zookeeper", server_kind):
        server = harness.server_of_kind(kind, tmp_path_factory.mktemp(kind), config=SETTINGS).start()
        started.append(server)
        links += populate(server)
    yield started
    for link in links:
        link.close()
    for server in started:
        server.stop()


def populate(server):
    first = wire.open_session(server, timeout_ms=30000)
    first.result(Op.CREATE, wire.create("/a", b"12345"))
    for name in ("x", "y"):
        first.result(Op.CREATE, wire.create(f"/a/{name}", flags=Mode.EPHEMERAL))
    first.result(Op.GET_DATA, wire.get_data("/a", True))
    first.result(Op.GET_CHILDREN, wire.get_children("/a", True))
    second = wire.open_session(server, timeout_ms=30000)
    second.result(Op.CREATE, wire.create("/e", flags=Mode.EPHEMERAL))
    second.result(Op.ADD_WATCH, wire.add_watch("/a", WatchMode.PERSISTENT))
    return first, second


def answers(servers, word):
    return [server.word(word) for server in servers]


def blocks(text):
    """Paragraphs whose indented lines have no order: sessions and paths below their headings."""
    parts = re.split(r"\n(?=\S)", text)
    return sorted(tuple([part.split("\n")[0], *sorted(part.split("\n")[1:])]) for part in parts)


@pytest.mark.parametrize("word", ("ruok", "isro", "wchs", "dirs", "gtmk", "crst", "srst"))
def test_words_of_one_form(servers, word):
    reference, subject = answers(servers, word)
    assert masked(subject) == masked(reference)


def test_cons_lists_connections(servers):
    reference, subject = (sorted(masked(text).split("\n")) for text in answers(servers, "cons"))
    assert subject == reference


def test_dump_lists_sessions_and_connections(servers):
    """Into how many buckets their deadlines fall is chance."""
    reference, subject = (masked(text).splitlines() for text in answers(servers, "dump"))
    bucket = "N expire at DATE:"
    assert bucket in subject
    assert sorted(line for line in subject if line != bucket) == sorted(line for line in reference if line != bucket)


@pytest.mark.parametrize("word", ("wchc", "wchp"))
def test_words_that_list_sessions(servers, word):
    reference, subject = (masked(text) for text in answers(servers, word))
    assert blocks(subject) == blocks(reference)


@pytest.mark.parametrize("word", ("srvr", "stat"))
def test_status(servers, word):
    reference, subject = (masked(text).splitlines() for text in answers(servers, word))
    assert subject[1:] == reference[1:]
    version = re.match(r"Zookeeper version: (\d+)\.(\d+)\.\d+-\S+, built on \d", servers[1].word(word))
    assert int(version[1]) == 3 and int(version[2]) >= 8


def test_counts_in_the_status(servers):
    exact = ("Zxid", "Node count", "Mode", "Outstanding", "Connections")
    reference, subject = ([line for line in text.splitlines() if line.startswith(exact)]
                          for text in answers(servers, "srvr"))
    assert subject == reference


def test_conf_has_the_same_keys_and_values(servers):
    reference, subject = (dict(line.split("=", 1) for line in text.splitlines()) for text in answers(servers, "conf"))
    assert reference.keys() == subject.keys()
    own = ("clientPort", "dataDir", "dataDirSize", "dataLogDir", "dataLogSize")
    assert {key: subject[key] for key in subject if key not in own} == \
        {key: reference[key] for key in reference if key not in own}


def test_envi_lists_an_environment(servers):
    reference, subject = (text.splitlines() for text in answers(servers, "envi"))
    assert subject[0] == reference[0] == "Environment:"
    assert all("=" in line for line in subject[1:])
    assert {"zookeeper.version", "host.name"} <= {line.split("=")[0] for line in subject[1:]}


MNTR_KEYS = (
    "zk_version", "zk_server_state", "zk_avg_latency", "zk_min_latency", "zk_max_latency", "zk_packets_received",
    "zk_packets_sent", "zk_num_alive_connections", "zk_outstanding_requests", "zk_znode_count", "zk_watch_count",
    "zk_ephemerals_count", "zk_approximate_data_size", "zk_open_file_descriptor_count", "zk_max_file_descriptor_count",
    "zk_uptime", "zk_global_sessions", "zk_local_sessions",
)
MNTR_EQUAL = ("zk_server_state", "zk_znode_count", "zk_ephemerals_count", "zk_approximate_data_size",
              "zk_global_sessions", "zk_num_alive_connections", "zk_outstanding_requests")


def test_mntr_has_what_monitors_read(servers):
    reference, subject = (dict(line.split("\t", 1) for line in text.splitlines()) for text in answers(servers, "mntr"))
    assert set(MNTR_KEYS) <= reference.keys()
    assert set(MNTR_KEYS) <= subject.keys()
    assert {key: subject[key] for key in MNTR_EQUAL} == {key: reference[key] for key in MNTR_EQUAL}
    assert all(re.fullmatch(r"zk_[\w.-]+", key) for key in subject)


def test_hash_lists_digests_by_zxid(servers):
    for text in answers(servers, "hash"):
        assert all(re.fullmatch(r"[0-9a-f]+: -?[0-9a-f]+", line) for line in text.splitlines()), text


def test_stmk_takes_eight_more_bytes(servers):
    for server in servers:
        with wire.RawConnection(server.host, server.port) as link:
            link.send_bytes(b"stmk" + wire.int64(310))
            assert link.receive_bytes(3) == b"310"
        assert server.word("gtmk") == "310"


def test_what_is_not_on_the_whitelist_is_not_executed(make_server):
    server = make_server(config={"4lw.commands.whitelist": "ruok, conf"}).start()
    assert server.word("ruok") == "imok"
    assert server.word("conf").startswith("clientPort=")
    assert server.word("srvr").startswith("Zookeeper version: ")
    for word in ("stat", "mntr", "cons", "dump", "wchp", "hash"):
        assert server.word(word) == f"{word} is not executed because it is not in the whitelist.\n"


def test_kazoo_finds_the_version_it_looks_for(servers):
    """kazoo's server_version() reads the first line of envi."""
    text = servers[1].word("envi")
    assert re.search(r"zookeeper\.version=(\d+)\.(\d+)\.(\d+)", text)
