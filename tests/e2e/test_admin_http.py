"""The HTTP endpoint as such: who is let in, what is refused, what it never tells."""

import base64
import contextlib
import hashlib
import re
import socket
import ssl
import subprocess
import time
import warnings

import pytest

import admin
import harness
from admin import OPERATOR, READER, admin_config, admin_server

EXIT_UNEXPECTED = 1
EXIT_USAGE = 2
WHO = "/api/v1/whoami"  # what every reader may see


@pytest.fixture(autouse=True)
def zabd_alone(only_zabd):
    """None of this file is asked of Apache ZooKeeper."""


def digest(user, password):
    """As zoo.cfg and ACLs have it."""
    return f"{user}:" + base64.b64encode(hashlib.sha1(f"{user}:{password}".encode()).digest()).decode()


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory, server_kind):
    """With tokens, users and a superDigest."""
    if server_kind != "zabd":
        pytest.skip("a property of zabd alone")
    config = {"zabd.admin.operators": digest("ann", "secret"), "zabd.admin.readers": digest("ben", "with:colon"),
              "zookeeper.DigestAuthenticationProvider.superDigest": digest("super", "duper"),
              "zabd.admin.hosts": "zk1.example"}
    with admin_server(tmp_path_factory.mktemp("guarded"), config=config) as server:
        yield server


@pytest.fixture(scope="module")
def open_server(tmp_path_factory, server_kind):
    """Without any credentials."""
    if server_kind != "zabd":
        pytest.skip("a property of zabd alone")
    with admin_server(tmp_path_factory.mktemp("open"), tokens=False) as server:
        yield server


def raw(server, text, timeout=15):
    """Sends bytes as they are; all that comes back until the server closes."""
    with socket.create_connection((harness.HOST, server.admin_port), timeout=timeout) as link:
        with contextlib.suppress(OSError):  # it may have answered, and closed, before it has all
            link.sendall(text)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while chunk := link.recv(65536):
                answer += chunk
    return answer


def raw_status(server, text):
    line = raw(server, text).split(b"\r\n", 1)[0]
    return int(line.split()[1]) if line else None


# --- who it is for ---


@pytest.mark.parametrize("host, status", (
    ("localhost", 200), ("127.0.0.1:1", 200), ("[::1]:8080", 200), ("zk1.example:8080", 200),
    ("evil.example", 421), ("localhost.evil.example", 421), ("10.0.0.1", 421)))
def test_a_host_that_is_not_ours_is_refused(guarded, host, status):
    for path in (WHO, "/livez", "/metrics"):
        answer = guarded.http("GET", path, headers={"Host": host})
        assert (answer.status == 421) == (status == 421), (path, answer)


def test_pages_of_other_origins_are_refused(guarded):
    ours = f"127.0.0.1:{guarded.admin_port}"
    for origin, status in ((f"http://{ours}", 200), ("http://127.0.0.1:1", 403), ("https://evil.example", 403),
                           ("null", 403)):
        answer = guarded.http("GET", WHO, headers={"Origin": origin})
        assert answer.status == status, origin
        assert not any(name.startswith("access-control-") for name in answer.headers)
    preflight = guarded.http("OPTIONS", WHO, headers={"Origin": f"http://{ours}"})
    assert preflight.status == 405 and preflight.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("headers, body, status", (
    ({}, {"level": "info"}, 200),
    ({"Sec-Fetch-Site": "same-origin"}, {"level": "info"}, 200),
    ({"Sec-Fetch-Site": "cross-site"}, {"level": "info"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, {"level": "info"}, 403),
    ({"X-Zabd-Request": None}, {"level": "info"}, 403),
    ({"X-Zabd-Request": "yes"}, {"level": "info"}, 403),
    ({"Content-Type": "text/plain"}, {"level": "info"}, 415),
    ({"Content-Type": None}, {"level": "info"}, 415),
    ({}, b"level=info", 400),
    ({}, b"{", 400),
    ({}, {"level": "loud"}, 400),
    ({}, {"level": "off"}, 400),
    ({}, {"level": "info", "more": 1}, 400)))
def test_what_a_write_needs(guarded, headers, body, status):
    assert guarded.http("PUT", "/api/v1/log-level", headers=headers, body=body).status == status


# --- credentials ---


@pytest.mark.parametrize("headers, role, user", (
    ({"Authorization": f"Bearer {OPERATOR}"}, "operator", "token:operator"),
    ({"Authorization": f"Bearer {READER}"}, "reader", "token:reader"),
    (basic("ann", "secret"), "operator", "digest:ann"),
    (basic("ben", "with:colon"), "reader", "digest:ben"),
    (basic("super", "duper"), "operator", "digest:super")))
def test_right_credentials_have_their_role(guarded, headers, role, user):
    answer = guarded.http("GET", "/api/v1/whoami", headers=headers)
    assert answer.json() == {"role": role, "user": user, "can_write": role == "operator",
                             "credentials_configured": True}
    written = guarded.http("PUT", "/api/v1/log-level", headers=headers, body={"level": "info"})
    assert written.status == (200 if role == "operator" else 403)


@pytest.mark.parametrize("headers", (
    {}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {OPERATOR[:-1]}"}, basic("ann", "wrong"),
    basic("nobody", "secret"), {"Authorization": "Basic ===="}, {"Authorization": OPERATOR},
    {"Authorization": "Negotiate x"}))
def test_wrong_credentials_are_refused(guarded, headers):
    for method, path in (("GET", WHO), ("GET", "/metrics"), ("GET", "/commands"), ("DELETE", "/api/v1/tree/a?version=-1")):
        answer = guarded.http(method, path, headers=headers, token=None)
        assert answer.status == 401 and answer.headers["www-authenticate"].startswith("Basic "), (method, path, answer)
        assert guarded.http("GET", WHO).status == 200  # and what failed before is forgotten


def test_an_unknown_user_is_told_what_a_wrong_password_is(guarded):
    answers = [guarded.http("GET", WHO, headers=basic(user, "x"), token=None) for user in ("ann", "nobody")]
    assert answers[0].body == answers[1].body


def test_guessing_takes_longer_and_longer_but_not_for_who_knows(guarded):
    spent = 0
    for _ in range(6):
        start = time.monotonic()
        assert guarded.http("GET", WHO, token="wrong").status == 401
        spent = time.monotonic() - start
    assert spent > 0.3
    start = time.monotonic()
    assert guarded.http("GET", WHO).status == 200
    assert time.monotonic() - start < spent


def test_health_needs_no_credentials(guarded):
    for path in ("/livez", "/readyz"):
        answer = guarded.http("GET", path, token=None)
        assert answer.status == 200 and answer.json()["status"] == "ok"
        assert all(check["ok"] and check["reason"] for check in answer.json()["checks"])


def test_without_credentials_everybody_reads_and_nobody_writes(open_server):
    status, who = open_server.get("/api/v1/whoami", token=None)
    assert status == 200
    assert who == {"role": "reader", "user": "anonymous", "can_write": False, "credentials_configured": False}
    for method, path in (("PUT", "/api/v1/log-level"), ("DELETE", "/api/v1/tree/a?version=-1"),
                         ("POST", "/api/v1/tree/a")):
        answer = open_server.http(method, path, token=None)
        assert answer.status == 403 and "zabd.admin.operatorToken" in answer.json()["error"]["message"]
    assert open_server.http("PUT", "/api/v1/log-level", token=OPERATOR, body={"level": "info"}).status == 403


def test_other_machines_need_credentials(tmp_path):
    server = harness.zabd(tmp_path, config=admin_config(harness.free_port(), tokens=False) |
                          {"admin.serverAddress": "0.0.0.0"})
    server.launch()
    assert server.process.wait(20) == EXIT_USAGE
    assert "zabd.admin.operatorToken" in server.log_text()

    with admin_server(tmp_path / "with", config={"admin.serverAddress": "0.0.0.0"}) as server:
        assert server.get(WHO)[0] == 200
        assert server.http("GET", WHO, headers={"Host": f"10.0.0.1:{server.admin_port}"}).status == 200
        assert server.http("GET", WHO, headers={"Host": "evil.example"}).status == 421
        assert "credentials can be read on their way" in server.log_text()


# --- malformed and too much ---


@pytest.mark.parametrize("request_bytes, status", (
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
    (b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431),
    (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431),
    (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 3_000_000, 413),
    (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
    (b"GET http://localhost/livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    (b"GET /livez%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    (b"GET /livez%2 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    (b"GET /livez HTTP/3.0\r\nHost: localhost\r\n\r\n", 505),
    (b"BREW /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
    (b"GET /no/such/thing HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    (b"\x16\x03\x01\x02\x00 hello of TLS\r\n\r\n", 400),
    (b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
    (b"GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n", 200)))
def test_what_is_not_a_proper_request_is_refused(guarded, request_bytes, status):
    assert raw_status(guarded, request_bytes) == status


def test_a_second_request_on_a_connection_has_no_answer(guarded):
    one = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert raw(guarded, one + one).count(b"HTTP/1.1 200") == 1


def test_who_does_not_finish_a_request_is_cut_off(guarded):
    """And whoever sends it byte by byte; others are served meanwhile."""
    with socket.create_connection((harness.HOST, guarded.admin_port)) as silent, \
            socket.create_connection((harness.HOST, guarded.admin_port)) as slow:
        start = time.monotonic()
        slow.settimeout(0.2)
        slow.sendall(b"GET / HTTP/1.1\r\nX: ")
        while time.monotonic() - start < 30:
            try:
                slow.sendall(b"x")
                if slow.recv(1) == b"":
                    break
            except TimeoutError:
                assert guarded.http("GET", "/livez").status == 200
            except OSError:
                break
        assert 5 < time.monotonic() - start < 25
        silent.settimeout(20)
        assert silent.recv(1) == b""


def test_more_connections_than_it_has_room_for(guarded):
    with contextlib.ExitStack() as links:
        for _ in range(256):
            links.enter_context(socket.create_connection((harness.HOST, guarded.admin_port)))
        assert guarded.http("GET", "/livez").status == 503
        assert guarded.word("srvr")  # clients notice nothing
    deadline = time.monotonic() + 10
    while guarded.http("GET", "/livez").status != 200:
        assert time.monotonic() < deadline


def test_head_and_headers(guarded):
    answer = guarded.http("HEAD", "/livez")
    assert answer.status == 200 and answer.body == b"" and int(answer.headers["content-length"]) > 0
    for path, token in ((WHO, OPERATOR), (WHO, None), ("/no/such/thing", OPERATOR)):
        headers = guarded.http("GET", path, token=token).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["connection"] == "close"
        assert "set-cookie" not in headers


# --- settings ---


def test_the_configuration_in_force_is_told_with_its_sources(guarded):
    status, config = guarded.get("/api/v1/config", token=READER)
    assert status == 200 and config["file"] == str(guarded.config_file)
    settings = {one["key"]: one for one in config["settings"]}
    lines = guarded.config_file.read_text().splitlines()
    tick = next(number for number, line in enumerate(lines, 1) if line.startswith("tickTime="))
    assert settings["tickTime"] == {"key": "tickTime", "value": "2000", "source": f"zoo.cfg:{tick}"}
    assert settings["minSessionTimeout"] == {"key": "minSessionTimeout", "value": "4000", "source": "derived"}
    assert settings["audit.enable"]["source"] == "default"
    for key in ("zabd.admin.operatorToken", "zabd.admin.readerToken", "zabd.admin.operators", "zabd.admin.readers",
                "DigestAuthenticationProvider.superDigest"):
        assert settings[key]["value"] == "***"


def test_the_level_of_the_log_can_be_set(guarded):
    assert guarded.http("PUT", "/api/v1/log-level", body={"level": "debug"}).json() == {"level": "debug"}
    assert guarded.get("/api/v1/log-level", token=READER) == (200, {"level": "debug"})
    guarded.await_in_log("log level=debug set by user=token:operator")
    assert guarded.http("PUT", "/api/v1/log-level", body={"level": "info"}).status == 200


def test_secrets_are_told_nowhere(tmp_path):
    """Not when they are right, nor when the configuration is wrong about them."""
    secrets = [OPERATOR, READER, digest("ann", "secret").split(":")[1], digest("super", "duper").split(":")[1]]
    config = {"zabd.admin.operators": digest("ann", "secret"), "audit.enable": "true", "4lw.commands.whitelist": "*",
              "DigestAuthenticationProvider.superDigest": digest("super", "duper")}
    with admin_server(tmp_path / "right", config=config) as server:
        server.http("PUT", "/api/v1/log-level", body={"level": "trace"})
        told = [server.http("GET", path).text for path in (
            "/api/v1/config", "/api/v1/whoami", "/commands/configuration", "/commands", "/metrics",
            "/api/v1/audit", "/api/v1/openapi.json")]
        server.http("GET", WHO, token=OPERATOR + "x")
        server.http("GET", WHO, headers=basic("super", "duper"))
        told += [server.word(word) for word in ("conf", "envi", "stat")] + [server.log_text()]
    told.append(server.log_text())
    for file in server.data_dir.rglob("audit*"):
        told.append(file.read_text())

    wrong = {"zabd.admin.operatorToken": "hush!", "zabd.admin.readers": "ann:hush!",
             "DigestAuthenticationProvider.superDigest": "hush!", "zabd.admin.operatortoken": "hush!"}
    for number, (key, value) in enumerate(wrong.items()):
        broken = harness.zabd(tmp_path / f"wrong{number}", config={key: value, "secureClientPort": "1"})
        broken.launch()
        assert broken.process.wait(20) == EXIT_USAGE
        told.append(broken.log_text())
    assert not any(secret in text for secret in [*secrets, "hush!"] for text in told)


# --- ports, TLS ---


def test_a_port_that_is_taken_is_an_error_only_if_it_was_asked_for(tmp_path):
    with socket.socket() as taken:
        taken.bind((harness.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = harness.zabd(tmp_path, config=admin_config(port))
        server.launch()
        assert server.process.wait(20) == EXIT_UNEXPECTED
        assert re.search(rf"admin: cannot listen on 127.0.0.1:{port}", server.log_text())


def test_the_usual_port_being_taken_is_only_warned_about(tmp_path):
    with socket.socket() as taken:
        with contextlib.suppress(OSError):  # then somebody else has it, which is as good
            taken.bind((harness.HOST, 8080))
            taken.listen()
        with harness.zabd(tmp_path, config={"admin.enableServer": "true"}) as server:
            server.await_in_log(r"warn\S* admin: cannot listen on 127.0.0.1:8080.*going on without")
            assert "Mode: standalone" in server.word("srvr")


def test_switched_off_it_listens_nowhere(tmp_path):
    port = harness.free_port()
    with harness.zabd(tmp_path, config=admin_config(port) | {"admin.enableServer": "false"}) as server:
        assert not harness.listens(server.pid, port)


def test_metrics_have_a_port_of_their_own(tmp_path):
    port = harness.free_port()
    provider = "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider"
    config = {"metricsProvider.className": provider, "metricsProvider.httpPort": str(port)}
    with admin_server(tmp_path, config=config) as server:
        answer = admin.http(port, "GET", "/metrics", token=None)
        assert answer.status == 200 and answer.headers["content-type"].startswith("text/plain")
        for method, path, status in (("GET", "/", 404), ("GET", WHO, 404), ("POST", "/metrics", 405),
                                     ("GET", "/commands/configuration", 404)):
            assert admin.http(port, method, path).status == status
        assert admin.http(port, "GET", "/metrics", headers={"Host": "evil.example"}).status == 421
        assert server.http("GET", "/metrics", token=None).status == 401


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    directory = tmp_path_factory.mktemp("certificate")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", directory / "key.pem",
                    "-out", directory / "certificate.pem"], check=True, capture_output=True)
    return directory


def tls_config(certificate):
    return {"zabd.admin.tlsCertificate": certificate / "certificate.pem", "zabd.admin.tlsKey": certificate / "key.pem"}


def test_tls(tmp_path, certificate):
    context = ssl.create_default_context(cafile=certificate / "certificate.pem")
    with admin_server(tmp_path, config=tls_config(certificate)) as server:
        answer = server.http("GET", WHO, context=context)
        assert answer.status == 200 and answer.json()["role"] == "operator"
        written = server.http("PUT", "/api/v1/log-level", body={"level": "info"}, context=context)
        assert written.status == 200
        origin = {"Origin": f"http://127.0.0.1:{server.admin_port}"}
        assert server.http("GET", WHO, headers=origin, context=context).status == 403
        large = b"x" * 100 + b" " * (1 << 20)
        assert server.http("PUT", "/api/v1/log-level", body=large, context=context).status == 400
        assert b"HTTP/1.1 200" not in raw(server, b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")

        context.set_ciphers("ALL:@SECLEVEL=0")  # which allows the client what is too old for the server
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        assert server.http("GET", WHO, context=context).status == 200
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
            server.http("GET", WHO, context=context)


def test_a_certificate_that_cannot_be_used_ends_the_start(tmp_path, certificate):
    other = tmp_path / "other.pem"
    subprocess.run(["openssl", "genrsa", "-out", other, "2048"], check=True, capture_output=True)
    for number, (change, text) in enumerate((
            ({"zabd.admin.tlsKey": "/nowhere.pem"}, "/nowhere.pem"), ({"zabd.admin.tlsKey": other}, "other.pem"))):
        server = harness.zabd(tmp_path / str(number),
                              config=admin_config(harness.free_port()) | tls_config(certificate) | change)
        server.launch()
        assert server.process.wait(20) == EXIT_USAGE
        assert text in server.log_text()


# --- a server in trouble ---


def test_a_member_without_a_quorum_is_alive_but_not_ready(tmp_path):
    """Nobody would be helped by a restart of it; but clients are better sent elsewhere."""
    ports = [harness.free_port() for _ in range(4)]
    members = {f"server.{n}": f"127.0.0.1:{ports[2 * n - 2]}:{ports[2 * n - 1]}" for n in (1, 2)}
    members["server.3"] = f"127.0.0.1:{harness.free_port()}:{harness.free_port()}"
    server = admin_server(tmp_path, config=members, initLimit=10, syncLimit=5)
    server.data_dir.mkdir(parents=True)
    (server.data_dir / "myid").write_text("1\n")
    server.launch()
    try:
        deadline = time.monotonic() + 20
        while not harness.listens(server.pid, server.admin_port):
            assert time.monotonic() < deadline, server.log_text()
            time.sleep(0.05)
        assert server.http("GET", "/livez", token=None).status == 200
        answer = server.http("GET", "/readyz", token=None)
        checks = {check["name"]: check for check in answer.json()["checks"]}
        assert answer.status == 503 and answer.json()["status"] == "fail"
        assert checks["answers"]["ok"] and checks["disk"]["ok"] and not checks["serving"]["ok"]
        assert "leader" in checks["serving"]["reason"]
        assert server.get("/api/v1/whoami")[0] == 200
    finally:
        server.kill()


def test_the_end_is_not_held_up_by_open_connections(tmp_path):
    with admin_server(tmp_path) as server:
        with socket.create_connection((harness.HOST, server.admin_port)), \
                server.stream("/api/v1/events") as response:
            response.read(1)
            start = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - start < 2
