"""Four-letter words, parsed as monitors in use parse them: Telegraf, Datadog, zookeeper_exporter, Netdata, zktop."""

import re
import socket
import struct

import pytest
from waiting import Events, eventually

import harness

VERSION = r"(\d+)\.(\d+)\.(\d+)-(\S+), built on (\d{4}-\d\d-\d\d \d\d:\d\d) UTC"
CONNECTION = r" /(?P<ip>[\d.]+):(?P<port>\d+)\[(?P<ops>[0-9a-f]+)\]\((?P<fields>[^)]*)\)"
MODES = {"standalone", "leader", "follower", "observer", "read-only"}


def version_numbers(text, server_kind):
    match = re.fullmatch(VERSION, text)
    assert match, text
    assert match.group(1, 2) == ("3", "9" if server_kind == "zabd" else "8")
    return match.group(1, 2, 3)


def status_block(lines):
    """What a monitor keeps of the lines that srvr and stat end with, by name."""
    found = dict(line.split(": ", 1) for line in lines)
    latency = re.fullmatch(r"(\d+)/(\d+(?:\.\d{1,4})?)/(\d+)", found["Latency min/avg/max"])
    assert latency and int(latency[1]) <= float(latency[2]) <= int(latency[3])
    for key in ("Received", "Sent", "Connections", "Outstanding", "Node count"):
        assert found[key].isdecimal(), (key, found[key])
    assert re.fullmatch(r"0x[0-9a-f]+", found["Zxid"])
    assert found["Mode"] in MODES
    return found


def properties(text):
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def metrics(server):
    """mntr as Telegraf reads it: every line must fit."""
    found = {}
    for line in server.word("mntr").splitlines():
        match = re.fullmatch(r"(zk_[\w.-]+)\t(.+)", line)
        assert match, line
        found[match[1]] = match[2]
    return found


def connection_of(client, lines):
    """The fields of the client's line in cons."""
    for line in lines:
        match = re.fullmatch(CONNECTION, line)
        assert match, line
        fields = dict(field.split("=", 1) for field in match["fields"].split(","))
        if fields.get("sid") == session_of(client):
            return {**match.groupdict(), **fields}
    raise AssertionError(f"{session_of(client)} is not among {lines}")


def session_of(client):
    return f"{client.client_id[0]:#x}"


def raw_exchange(server, request):
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def test_ruok_and_isro_answer_without_a_newline(server, zk):
    assert raw_exchange(server, b"ruok") == b"imok"
    assert raw_exchange(server, b"isro") == b"rw"
    assert zk.command(b"ruok") == "imok"


def test_what_follows_the_word_is_ignored(server):
    assert raw_exchange(server, b"ruok\n") == b"imok"
    assert raw_exchange(server, b"ruok\r\nand more") == b"imok"


def test_a_word_may_come_in_pieces(server):
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for letter in b"ruok":
            connection.sendall(bytes([letter]))
        assert connection.recv(100) == b"imok"


def test_srvr_is_a_version_line_and_a_status_block(server, server_kind):
    text = server.word("srvr")
    assert text.endswith("\n")
    first, *rest = text.splitlines()
    assert first.startswith("Zookeeper version: ")
    version_numbers(first.removeprefix("Zookeeper version: "), server_kind)
    assert [line.split(": ")[0] for line in rest] == [
        "Latency min/avg/max", "Received", "Sent", "Connections", "Outstanding", "Zxid", "Mode", "Node count"]
    assert status_block(rest)["Mode"] == "standalone"


def test_srvr_follows_the_zxid_and_the_nodes(server, zk, base):
    before = status_block(server.word("srvr").splitlines()[1:])
    zk.create(base + "/a")
    zk.create(base + "/b")
    after = status_block(server.word("srvr").splitlines()[1:])
    assert int(after["Zxid"], 16) == zk.exists(base + "/b").czxid == int(before["Zxid"], 16) + 2
    assert int(after["Node count"]) == int(before["Node count"]) + 2
    assert int(after["Received"]) > int(before["Received"])


def test_stat_lists_the_clients_before_the_status_block(server, zk, server_kind):
    version, title, *rest = server.word("stat").splitlines()
    version_numbers(version.removeprefix("Zookeeper version: "), server_kind)
    assert title == "Clients:"
    end = rest.index("")
    for line in rest[:end]:
        match = re.fullmatch(CONNECTION, line)
        assert match and re.fullmatch(r"queued=\d+,recved=\d+,sent=\d+", match["fields"]), line
    status = status_block(rest[end + 1:])
    assert int(status["Connections"]) == end >= 2


def test_cons_describes_each_connection(server, zk, base):
    zk.set(base, b"x")
    text = server.word("cons")
    assert text.endswith(")\n\n")
    found = connection_of(zk, text.splitlines()[:-1])
    assert found["ip"] == "127.0.0.1"
    assert found["lop"] == "SETD"
    assert found["to"] == "10000"
    assert int(found["lzxid"], 16) == zk.exists(base).mzxid
    assert list(found)[4:] == ["queued", "recved", "sent", "sid", "lop", "est", "to", "lcxid", "lzxid", "lresp", "llat",
                               "minlat", "avglat", "maxlat"]
    for key in ("queued", "recved", "sent", "est", "lresp", "llat", "minlat", "avglat", "maxlat"):
        assert found[key].isdecimal(), (key, found[key])


@pytest.mark.parametrize("letters, call", [
    ("CREA", lambda zk, base: zk.create(base + "/n")), ("DELE", lambda zk, base: zk.delete(base)),
    ("GETD", lambda zk, base: zk.get(base)), ("EXIS", lambda zk, base: zk.exists(base)),
    ("GETC", lambda zk, base: zk.get_children(base, include_data=True)), ("GETA", lambda zk, base: zk.get_acls(base)),
    ("MULT", lambda zk, base: zk.transaction().commit()), ("SYNC", lambda zk, base: zk.sync(base)),
])
def test_cons_names_the_last_operation(server, zk, base, letters, call):
    call(zk, base)
    assert connection_of(zk, server.word("cons").splitlines()[:-1])["lop"] == letters


def test_crst_and_srst_reset_what_they_name(server, zk, base):
    for _ in range(20):
        zk.exists(base)
    assert server.word("crst") == "Connection stats reset.\n"
    assert int(connection_of(zk, server.word("cons").splitlines()[:-1])["recved"]) < 20
    assert server.word("srst") == "Server stats reset.\n"
    status = status_block(server.word("srvr").splitlines()[1:])
    assert int(status["Received"]) < 20 and int(status["Sent"]) < 20


def test_mntr_has_the_keys_that_dashboards_read(server, zk, base, server_kind):
    zk.create(base + "/e", ephemeral=True)
    zk.get(base + "/e", watch=Events())
    found = metrics(server)
    version_numbers(found["zk_version"], server_kind)
    assert found["zk_server_state"] == "standalone"
    for key in ("zk_min_latency", "zk_max_latency", "zk_packets_received", "zk_packets_sent",
                "zk_num_alive_connections", "zk_outstanding_requests", "zk_znode_count", "zk_watch_count",
                "zk_ephemerals_count", "zk_approximate_data_size", "zk_open_file_descriptor_count",
                "zk_max_file_descriptor_count", "zk_global_sessions", "zk_local_sessions", "zk_uptime",
                "zk_auth_failed_count"):
        assert found[key].isdecimal(), (key, found[key])
    for key in ("zk_last_client_response_size", "zk_min_client_response_size", "zk_max_client_response_size"):
        assert re.fullmatch(r"-?\d+", found[key]), (key, found[key])
    for key in ("zk_avg_latency", "zk_connection_drop_probability"):
        assert re.fullmatch(r"\d+\.\d{1,4}", found[key]), (key, found[key])
    assert int(found["zk_ephemerals_count"]) == 1
    assert int(found["zk_watch_count"]) >= 1
    assert int(found["zk_open_file_descriptor_count"]) < int(found["zk_max_file_descriptor_count"])
    numbers = {key: value for key, value in found.items() if key not in ("zk_version", "zk_server_state")}
    strangers = {key: value for key, value in numbers.items() if not re.fullmatch(r"-?\d+(\.\d+)?(E-?\d+)?", value)
                 and "zabd" not in key}
    assert not strangers


def test_mntr_follows_nodes_watches_and_sessions(server, zk, base, connect):
    def numbers():
        found = metrics(server)
        return [int(found[key]) for key in ("zk_znode_count", "zk_ephemerals_count", "zk_watch_count",
                                            "zk_global_sessions", "zk_num_alive_connections")]

    before = numbers()
    other = connect()
    other.create(base + "/e", ephemeral=True)
    other.get(base + "/e", watch=Events())
    assert [after - was for after, was in zip(numbers(), before)] == [1, 1, 1, 1, 1]
    other.stop()
    eventually(lambda: numbers() == before)


def test_conf_tells_the_configuration(server):
    found = properties(server.word("conf"))
    assert found["clientPort"] == str(server.port)
    assert found["secureClientPort"] == "-1"
    assert found["dataDir"].startswith(str(server.data_dir))
    assert found["dataLogDir"].startswith(str(server.data_dir))
    assert found["dataDirSize"].isdecimal() and found["dataLogSize"].isdecimal()
    assert (found["tickTime"], found["minSessionTimeout"], found["maxSessionTimeout"]) == ("2000", "4000", "40000")
    assert (found["maxClientCnxns"], found["serverId"]) == ("0", "0")
    assert "clientPortListenBacklog" in found


def test_envi_names_the_version_and_the_machine(server, zk, server_kind):
    text = server.word("envi")
    assert text.startswith("Environment:\n")
    found = properties(text)
    version = version_numbers(found["zookeeper.version"], server_kind)
    assert zk.server_version() == tuple(map(int, version))
    assert found["os.name"] == "Linux"
    for key in ("host.name", "os.arch", "os.version", "user.name", "user.home", "user.dir"):
        assert found[key]
    for key in ("os.memory.free", "os.memory.max", "os.memory.total"):
        assert re.fullmatch(r"\d+MB", found[key])
    assert "java.version" in found


def test_zabd_shows_its_own_version_beside(server, only_zabd):
    own = properties(server.word("envi"))["zabd.version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", own)
    assert metrics(server)["zk_zabd_version"] == own
    assert f"-zabd-{own}" in server.word("srvr").splitlines()[0]


def test_the_watch_words_list_data_watches(server, zk, base, connect):
    other, events = connect(), Events()
    zk.create(base + "/a")
    zk.get(base + "/a", watch=events)
    other.get(base + "/a", watch=events)
    other.exists(base + "/missing", watch=events)
    zk.get_children(base, watch=events)

    summary = re.fullmatch(r"(\d+) connections watching (\d+) paths\nTotal watches:(\d+)\n\n?", server.word("wchs"))
    assert summary
    by_session, by_path = grouped(server.word("wchc")), grouped(server.word("wchp"))
    assert by_session[session_of(zk)] == {base + "/a"}
    assert by_session[session_of(other)] == {base + "/a", base + "/missing"}
    assert by_path[base + "/a"] == {session_of(zk), session_of(other)}
    assert by_path[base + "/missing"] == {session_of(other)}
    assert base not in by_path
    assert int(summary[2]) == len(by_path)
    assert int(summary[3]) == sum(map(len, by_path.values()))


def grouped(text):
    """Lines of wchc and wchp: a heading, then its members, each after a tab."""
    assert text.endswith("\n")
    groups = {}
    for block in re.findall(r"^\S.*\n(?:\t.*\n)*", text, re.MULTILINE):
        heading, *members = block.splitlines()
        groups[heading] = {member.removeprefix("\t") for member in members}
    return groups


def test_dump_lists_sessions_ephemerals_and_connections(server, zk, base):
    zk.create(base + "/e", ephemeral=True)
    text = server.word("dump")
    session = session_of(zk)
    sessions, rest = text.split("ephemeral nodes dump:\n")
    ephemerals, connections = rest.split("Connections dump:\n")
    assert re.match(r"SessionTracker dump:\nSession Sets \(\d+\)/\(\d+\):\n", sessions)
    assert re.search(r"^\d+ expire at \w{3} \w{3} \d\d \d\d:\d\d:\d\d \w+ \d{4}:$", sessions, re.MULTILINE)
    assert f"\n\t{session}\n" in sessions
    assert re.match(r"Sessions with Ephemerals \(\d+\):\n", ephemerals)
    assert f"{session}:\n\t{base}/e\n" in ephemerals
    assert re.match(r"Connections Sets \(\d+\)/\(\d+\):\n", connections)
    assert re.search(rf"^\tip: /127\.0\.0\.1:\d+ sessionId: {session}$", connections, re.MULTILINE)


def test_dirs_tells_sizes(server):
    assert re.fullmatch(r"datadir_size: \d+\nlogdir_size: \d+\n", server.word("dirs"))


def test_hash_keeps_a_digest_every_128_zxids(server, zk, base):
    for call in [zk.set_async(base, b"x") for _ in range(260)]:
        call.get()
    lines = server.word("hash").splitlines()
    zxids = [int(re.fullmatch(r"([0-9a-f]+): \d+", line)[1], 16) for line in lines]
    assert len(zxids) >= 2
    assert zxids == list(range(zxids[0], zxids[0] + 128 * len(zxids), 128))
    assert zxids[0] % 128 == 0
    assert 0 <= zk.exists(base).mzxid - zxids[-1] < 128


def test_the_trace_mask_is_read_and_set(server):
    before = int(server.word("gtmk"))
    assert raw_exchange(server, b"stmk" + struct.pack(">q", 258)) == b"258"
    assert raw_exchange(server, b"gtmk") == b"258"
    assert raw_exchange(server, b"stmk" + struct.pack(">q", before)) == str(before).encode()


def test_an_unknown_word_closes_the_connection(server):
    assert raw_exchange(server, b"zzzz") == b""


def test_words_do_not_disturb_sessions(server, zk, base):
    session = zk.client_id
    for word in ("srvr", "stat", "cons", "dump", "wchs", "crst", "srst", "mntr", "hash"):
        server.word(word)
    assert zk.exists(base) and zk.client_id == session


# The whitelist


@pytest.fixture(scope="module", params=["srvr", "ruok, mntr", ""])
def listed(request, server_kind, tmp_path_factory):
    """A server whose whitelist is the parameter ('' for none given), and the words on it."""
    config = {"4lw.commands.whitelist": request.param} if request.param else {}
    with harness.server_of_kind(server_kind, tmp_path_factory.mktemp("listed"), config=config) as running:
        yield running, {"srvr", *request.param.replace(" ", "").split(",")}


def test_only_listed_words_are_executed_and_srvr_always(listed):
    server, allowed = listed
    for word in ("ruok", "srvr", "stat", "mntr", "conf", "cons", "envi", "wchs", "wchc", "wchp", "dump", "dirs",
                 "isro", "crst", "srst", "gtmk", "hash"):
        refusal = f"{word} is not executed because it is not in the whitelist.\n"
        assert (server.word(word) != refusal) == (word in allowed), word
