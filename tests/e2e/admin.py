"""The HTTP endpoint of a server under test.

    with admin_server(directory) as server:                    # has OPERATOR and READER tokens
        status, body = server.get("/api/v1/ensemble")          # as the operator, JSON already parsed
        answer = server.http("PUT", "/api/v1/tree/a", body={...}, token=READER)
        answer.status, answer.headers["content-type"], answer.body, answer.json()

Requests carry the operator's token unless they say otherwise (token=None: none), X-Zabd-Request where they are not GET,
and a Content-Type where they have a body; `headers` wins over all of that, and a header that is None there is left out.
"""

import contextlib
import http.client as http_client
import json
import time
import urllib.parse

import harness

OPERATOR = "operator-token-for-tests-0123456789"
READER = "reader-token-for-tests-0123456789"
ANSWER_SECONDS = 30


class Answer:
    """A whole response: status, headers by their names in lower case, body as bytes."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)

    def lines(self):
        """Of application/x-ndjson."""
        return [json.loads(line) for line in self.body.splitlines()]

    @property
    def error(self):
        """The code of an error, such as 'NoNode'."""
        return self.json()["error"]["code"]

    def __repr__(self):
        return f"<{self.status} {self.body[:400]!r}>"


def node_path(path):
    """A znode's path as part of a URL."""
    return urllib.parse.quote(path, safe="/")


def http(port, method, path, headers=None, body=None, token=OPERATOR, host=harness.HOST, timeout=ANSWER_SECONDS,
         context=None):
    """One request, its whole answer. `body`: bytes as they are, anything else as JSON. `context`: TLS."""
    fields = {} if token is None else {"Authorization": f"Bearer {token}"}
    if method not in ("GET", "HEAD"):
        fields["X-Zabd-Request"] = "1"
    if body is not None:
        fields["Content-Type"] = "application/json"
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
    fields.update(headers or {})
    fields = {name: value for name, value in fields.items() if value is not None}
    connection = _connection(host, port, timeout, context)
    with contextlib.closing(connection):
        connection.request(method, path, body=body, headers=fields)
        response = connection.getresponse()
        return Answer(response.status, _headers(response), response.read())


@contextlib.contextmanager
def stream(port, path, token=OPERATOR, host=harness.HOST, timeout=ANSWER_SECONDS):
    """A GET whose body is read as it comes: gives the http.client.HTTPResponse."""
    connection = _connection(host, port, timeout, None)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={} if token is None else {"Authorization": f"Bearer {token}"})
        yield connection.getresponse()


def events(response):
    """Server-Sent Events of stream(), one by one: (name, parsed data)."""
    name, data = "message", []
    while line := response.readline():
        line = line.decode().rstrip("\n")
        if line.startswith("event:"):
            name = line[len("event:"):].strip()
        elif line.startswith("data:"):
            data.append(line[len("data:"):].strip())
        elif line == "" and data:
            yield name, json.loads("\n".join(data))
            name, data = "message", []


def _connection(host, port, timeout, context):
    if context is not None:
        return http_client.HTTPSConnection(host, port, timeout=timeout, context=context)
    return http_client.HTTPConnection(host, port, timeout=timeout)


def _headers(response):
    return {name.lower(): value for name, value in response.getheaders()}


class WithAdmin:
    """A harness.Server and its endpoint; what is not here is asked of the server."""

    def __init__(self, server, admin_port):
        self.server, self.admin_port = server, admin_port

    def __getattr__(self, name):
        return getattr(self.server, name)

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *exception):
        return self.server.__exit__(*exception)

    def http(self, method, path, headers=None, body=None, token=OPERATOR, **more):
        return http(self.admin_port, method, path, headers, body, token, **more)

    def get(self, path, token=OPERATOR, **more):
        """(status, parsed JSON)."""
        answer = self.http("GET", path, token=token, **more)
        return answer.status, answer.json()

    def stream(self, path, token=OPERATOR, **more):
        return stream(self.admin_port, path, token, **more)

    def await_answer(self, path, holds, token=OPERATOR, seconds=20):
        """Asks again until holds(parsed JSON) of a 200; gives that JSON."""
        deadline = time.monotonic() + seconds
        while True:
            answer = self.http("GET", path, token=token)
            if answer.status == 200 and holds(answer.json()):
                return answer.json()
            assert time.monotonic() < deadline, f"not within {seconds} s: {answer!r}"
            time.sleep(0.05)


def admin_config(port, tokens=True, **more):
    """Keys of zoo.cfg for an endpoint on `port`; `more`: further keys, with __ for a dot."""
    config = {"admin.enableServer": "true", "admin.serverPort": str(port)}
    if tokens:
        config |= {"zabd.admin.operatorToken": OPERATOR, "zabd.admin.readerToken": READER}
    return config | {key.replace("__", "."): value for key, value in more.items()}


def admin_server(directory, config=None, tokens=True, **cfg):
    """A zabd with its endpoint on a free port, not yet started; `config` and `cfg` as of harness.zabd."""
    port = harness.free_port()
    server = harness.zabd(directory, config={**admin_config(port, tokens), **(config or {})}, **cfg)
    return WithAdmin(server, port)
