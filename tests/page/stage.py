"""A live ensemble for the page's tests, and what other clients do to it meanwhile.

    with Stage(directory) as stage:            # three servers with their pages, one of them found by admin_ports
        run_something(env={**os.environ, "ZABD_PAGE_STAGE": stage.url})

Who knows `url` gives orders over HTTP on loopback: POST with a JSON object, answered by one; see ORDERS. Run by itself,
it prints the addresses of the pages and stays until it is interrupted:
ZABD_BINARY=build/release/server/zabd /usr/bin/python3 tests/page/stage.py
"""

import contextlib
import http.server
import json
import pathlib
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from kazoo.client import KazooClient  # noqa: E402

import admin  # noqa: E402
import harness  # noqa: E402
from ensemble import Ensemble  # noqa: E402

SECONDS = 20
CONFIG = {"tickTime": 200, "maxSessionTimeout": 20000, "audit.enable": "true"}
NODES = {
    "/app": "",
    "/app/config": '{"name":"orders","replicas":3,"big":99999999999999999999,"tags":["a","b"],"on":true}',
    "/app/flags": "# feature flags\nnew_checkout=on\ndark_mode=off\nrollout=25\n",
    "/app/workers": "",
    "/app/<img src=x onerror=alert(1)>": "<script>document.title='broken into'</script>",
}
MANY = 250


class EnsembleWithPages(Ensemble):
    """`admin_ports`: number -> port of the page."""

    def _configure(self):
        self.admin_ports = {}
        super()._configure()

    def _member(self, directory, number, port, common):
        self.admin_ports[number] = harness.free_port()
        return super()._member(directory, number, port, {**common, **admin.admin_config(self.admin_ports[number])})


class Stage:
    def __init__(self, directory):
        self.ensemble = EnsembleWithPages(directory, config=CONFIG)
        self._contenders = {}

    def __enter__(self):
        with contextlib.ExitStack() as ends:
            ends.enter_context(self.ensemble)
            self._client = ends.enter_context(self._connected())
            self._fill()
            self._serve(ends)
            ends.callback(self._end_contenders)
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *exception):
        return self._ends.__exit__(*exception)

    # --- orders ---

    def tell(self, _):
        """Where the pages are, and who leads."""
        pages = {number: f"http://{harness.HOST}:{port}" for number, port in self.ensemble.admin_ports.items()}
        return {"pages": pages, "leader": self.ensemble.leader(), "followers": self.ensemble.followers(),
                "operator": admin.OPERATOR, "reader": admin.READER}

    def set(self, order):
        """The data of a node, whatever its version; it is made if it is not there. Done when every page has it."""
        path = order["path"]
        self._client.ensure_path(path)
        zxid = self._client.set(path, order["data"].encode()).mzxid
        self.ensemble.eventually(lambda: all(self._seen(n, path) >= zxid for n in self.ensemble.awake()),
                                 f"not all have {path}", SECONDS)
        return self.get(order)

    def get(self, order):
        """As the leader has it."""
        self._client.sync(order["path"])
        data, stat = self._client.get(order["path"])
        return {"data": data.decode(), "version": stat.version}

    def delete(self, order):
        self._client.delete(order["path"], recursive=True)
        return {}

    def contend(self, order):
        """A client of its own goes for the lock at `path`; done when it stands in the queue."""
        client = self._new_client()
        self._contenders[order["name"]] = client
        before = len(self._queue(order["path"]))
        lock = client.Lock(order["path"], order["name"])
        threading.Thread(target=self._acquire, args=(lock,), daemon=True).start()
        self.ensemble.eventually(lambda: len(self._queue(order["path"])) > before, "nobody new in the queue", SECONDS)
        return {"session": hex(client.client_id[0])}

    def leave(self, order):
        """The client called `name` closes its session."""
        self._stop(self._contenders.pop(order["name"]))
        return {}

    def kill_leader(self, _):
        """As a power cut; does not wait for the next one."""
        leader = self.ensemble.leader()
        self.ensemble.kill(leader)
        return {"killed": leader}

    def kill(self, order):
        self.ensemble.kill(order["number"])
        return {}

    def start(self, order):
        """A killed one again; done when all serve."""
        self.ensemble.launch(order["number"])
        self.ensemble.await_all_in()
        return {"leader": self.ensemble.leader()}

    ORDERS = {name: method for name, method in list(locals().items()) if not name.startswith("_")}

    # --- inside ---

    def _fill(self):
        for path, data in NODES.items():
            self._client.ensure_path(path)
            self._client.set(path, data.encode())
        self._client.set("/app", b"\x00\x01\xff")
        for number in range(MANY):
            self._client.create(f"/app/workers/worker-{number:04}", f"10.0.0.{number}:8080".encode())

    def _seen(self, number, path):
        """The zxid at which the member's page has the node's data; 0: it has no such node."""
        answer = admin.http(self.ensemble.admin_ports[number], "GET", f"/api/v1/tree{admin.node_path(path)}?limit=1")
        return int(answer.json()["stat"]["mzxid"], 16) if answer.status == 200 else 0

    def _queue(self, path):
        return self._client.get_children(path) if self._client.exists(path) else []

    @staticmethod
    def _acquire(lock):
        with contextlib.suppress(Exception):       # its session ends while it waits or holds: that is the play
            lock.acquire()

    def _new_client(self):
        client = KazooClient(hosts=self.ensemble.hosts(), timeout=10)
        client.start(timeout=SECONDS)
        return client

    @contextlib.contextmanager
    def _connected(self):
        client = self._new_client()
        try:
            yield client
        finally:
            self._stop(client)

    @staticmethod
    def _stop(client):
        client.stop()
        client.close()

    def _end_contenders(self):
        for client in self._contenders.values():
            self._stop(client)

    def _serve(self, ends):
        stage = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                order = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
                try:
                    status, answer = 200, stage.ORDERS[self.path.lstrip("/")](stage, order)
                except Exception as error:         # told to the test, which fails with it
                    status, answer = 500, {"error": repr(error)}
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer((harness.HOST, 0), Handler)
        self.url = f"http://{harness.HOST}:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ends.callback(server.server_close)
        ends.callback(server.shutdown)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as own, Stage(pathlib.Path(own) / "stage") as running:
        print(json.dumps({**running.tell({}), "stage": running.url}, indent=2), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
