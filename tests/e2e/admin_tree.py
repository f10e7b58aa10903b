"""The tree over HTTP, for tests: a server with users, kazoo's view of it, and asking as somebody."""

import base64
import hashlib
import re

import pytest
from kazoo.client import KazooClient

from admin import admin_server, node_path

OPEN_ACL = [{"scheme": "world", "id": "anyone", "perms": "cdrwa"}]
DEEP = "?recursive=true"


def digest(user_and_password):
    """As superDigest is written."""
    user = user_and_password.split(":")[0]
    return f"{user}:{base64.b64encode(hashlib.sha1(user_and_password.encode()).digest()).decode()}"


def basic(user_and_password):
    return {"Authorization": "Basic " + base64.b64encode(user_and_password.encode()).decode()}


BEN, EVE, AMY, SUPER = "ben:ben's secret", "eve:eve's secret", "amy:amy's secret", "super:the super secret"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    config = {"extendedTypesEnabled": "true", "znode.container.checkIntervalMs": 300, "maxClientCnxns": 0,
              "zabd.admin.operators": f"{digest(BEN)},{digest(EVE)}", "zabd.admin.readers": digest(AMY),
              "DigestAuthenticationProvider.superDigest": digest(SUPER)}
    with admin_server(tmp_path_factory.mktemp("tree"), config=config) as running:
        yield running


@pytest.fixture(scope="module")
def zk(server):
    client = KazooClient(server.address, auth_data=[("digest", SUPER)])
    client.start()
    yield client
    client.stop()
    client.close()


@pytest.fixture
def base(server, zk, request):
    """An empty node for the test alone."""
    path = "/" + re.sub(r"\W+", "-", request.node.name)
    zk.create(path)
    yield path
    deleted = Tree(server, basic(SUPER)).ask("DELETE", path, "?recursive=true")  # kazoo goes node by node
    assert deleted.status == 200, deleted


class Tree:
    """/api/v1/tree of a server, as somebody."""

    def __init__(self, server, headers=None, **who):
        self._server, self._headers, self._who = server, headers, who

    def ask(self, method, path, query="", body=None, under="tree"):
        return self._server.http(method, f"/api/v1/{under}{node_path(path)}{query}", headers=self._headers, body=body,
                                 **self._who)

    def get(self, path, query=""):
        answer = self.ask("GET", path, query)
        assert answer.status == 200, answer
        return answer.json()

    def create(self, path, **body):
        return self.ask("POST", path, body=body)

    def set(self, path, text, version=-1):
        return self.ask("PUT", path, body={"data": {"format": "text", "value": text}, "version": version})


@pytest.fixture
def tree(server):
    return Tree(server)


def refused(answer, status, code):
    assert (answer.status, answer.error) == (status, code), answer
    return answer.json()["error"]["message"]


def export(tree, path, query=DEEP):
    answer = tree.ask("GET", path, query)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-ndjson"), answer
    *lines, end = answer.lines()
    assert end == {"end": True, "nodes": len(lines)}
    return lines
