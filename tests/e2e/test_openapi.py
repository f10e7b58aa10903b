"""The document that the server gives of its API, held against the server: routes, statuses, bodies."""

import json
import re

import pytest
from jsonschema import Draft202012Validator, RefResolver
from kazoo.client import KazooClient
from kazoo.exceptions import NodeExistsError

from admin import READER, admin_server, events

METHODS = {"get", "post", "put", "delete"}
OPEN_ACL = [{"scheme": "world", "id": "anyone", "perms": "cdrwa"}]
TEXT = {"format": "text", "value": "x"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    config = {"audit.enable": "true"}
    with admin_server(tmp_path_factory.mktemp("openapi"), config=config) as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    """With an ephemeral, a watch and a lock."""
    client = KazooClient(server.address)
    client.start()
    client.ensure_path("/a/b")
    client.create("/a/e", b"x", ephemeral=True)
    client.get("/a", watch=lambda event: None)
    client.ensure_path("/locks")
    client.Lock("/locks", "me").acquire()
    with pytest.raises(NodeExistsError):  # for the audit log
        client.create("/a")
    yield client
    client.stop()
    client.close()


@pytest.fixture(scope="module")
def document(server):
    answer = server.http("GET", "/api/v1/openapi.json", token=READER)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    return answer.json()


def operations(document):
    """(path, method, operation) of each."""
    return [(path, method, operation) for path, methods in document["paths"].items()
            for method, operation in methods.items()]


def resolved(document, thing):
    while "$ref" in thing:
        steps = thing["$ref"].removeprefix("#/").split("/")
        thing = document
        for step in steps:
            thing = thing[step]
    return thing


def validate(document, schema, value):
    Draft202012Validator(schema, resolver=RefResolver("", document)).validate(value)


# --- the document by itself ------------------------------------------------------------------------------------------

def test_the_document_is_well_formed(document):
    assert document["openapi"].startswith("3.1.")
    assert re.fullmatch(r"\d+\.\d+\.\d+", document["info"]["version"])
    identifiers = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(identifiers) == len(set(identifiers))
    for name, schema in document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)):
        assert resolved(document, {"$ref": reference}), reference


def test_every_operation_is_described_whole(document):
    schemes = set(document["components"]["securitySchemes"])
    for path, method, operation in operations(document):
        assert method in METHODS and operation["summary"] and operation["responses"]
        parameters = [resolved(document, parameter) for parameter in operation.get("parameters", [])]
        in_path = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path)), path
        for parameter in parameters:
            Draft202012Validator.check_schema(parameter["schema"])
        for status, response in operation["responses"].items():
            for media in resolved(document, response)["content"].values():
                Draft202012Validator.check_schema(media["schema"])
        assert all(set(requirement) <= schemes for requirement in operation["security"])
        needs_header = "X-Zabd-Request" in {parameter["name"] for parameter in parameters}
        assert needs_header == (method != "get")
        assert ({} in operation["security"]) == (method == "get")


# --- and the server --------------------------------------------------------------------------------------------------

def test_every_route_is_described_and_nothing_else(document):
    def plain(path):
        """/a/{b}, /a/* and /a* are all what is below /a; each command has a route of its own."""
        return re.sub(r"(/?\*|/{\w+}|(?<=^/commands)/\w+)$", "", path) or "/"

    routes = {(route["method"].lower(), plain(route["pattern"])) for route in document["x-routes"]}
    described = {(method, plain(path)) for path, method, _ in operations(document)}
    assert routes == described


def address(path, value="x"):
    return re.sub(r"{\w+}", value, path)


def test_other_methods_are_refused_with_those_that_are_allowed(server, document):
    for path, described in document["paths"].items():
        allowed = {method.upper() for method in described} | ({"HEAD"} if "get" in described else set())
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - allowed:
            answer = server.http(method, address(path))
            assert answer.status == 405, (method, path, answer)
            assert set(re.split(r",\s*", answer.headers["allow"])) == allowed, path


@pytest.mark.parametrize("path", ["/api", "/api/v1", "/api/v1/", "/api/v2/tree", "/api/v1/trees", "/api/v1/treehouse",
                                  "/api/v1/nothing", "/api/v1/sessions/x/y", "/nothing", "/metrics/x", "/livez/x"])
def test_what_is_not_described_is_not_found(server, path):
    answer = server.http("GET", path)
    assert (answer.status, answer.error) == (404, "NotFound"), answer


# Of each operation: what to ask, and the status; in an order in which they go. "SESSION" stands for a session's id.
CASES = {
    "readTree": [("/api/v1/tree/a", 200), ("/api/v1/tree", 200), ("/api/v1/tree/a?search=b", 200),
                 ("/api/v1/tree/a?size=true", 200), ("/api/v1/tree/a?recursive=true&data=true&acl=true", 200),
                 ("/api/v1/tree/zookeeper/quota?format=hex", 200), ("/api/v1/tree/none", 404),
                 ("/api/v1/tree/a?limit=0", 400)],
    "createNode": [("/api/v1/tree/n", {"data": TEXT, "acl": OPEN_ACL, "mode": "persistent", "sequential": False}, 201),
                   ("/api/v1/tree/n", {}, 409), ("/api/v1/tree/none/n", {}, 404), ("/api/v1/tree//", {}, 400)],
    "setData": [("/api/v1/tree/n", {"data": TEXT, "version": 0}, 200),
                ("/api/v1/tree/n", {"data": TEXT, "version": 0}, 409)],
    "setAcl": [("/api/v1/acl/n", {"acl": OPEN_ACL, "version": -1}, 200),
               ("/api/v1/acl/n", {"acl": [], "version": -1}, 400)],
    "deleteNode": [("/api/v1/tree/n?version=0", 409), ("/api/v1/tree/n?version=1", 200),
                   ("/api/v1/tree/none?recursive=true", 404), ("/api/v1/tree/a/b?recursive=true", 200)],
    "followEvents": [("/api/v1/events?path=relative", 400)],
    "listSessions": [("/api/v1/sessions", 200), ("/api/v1/sessions?limit=1", 200), ("/api/v1/sessions?limit=x", 400)],
    "readSession": [("/api/v1/sessions/SESSION", 200), ("/api/v1/sessions/0x1", 404)],
    "listConnections": [("/api/v1/connections", 200)],
    "listWatches": [("/api/v1/watches", 200), ("/api/v1/watches?by=path&below=/a", 200),
                    ("/api/v1/watches?by=session", 200), ("/api/v1/watches?by=nothing", 400)],
    "listLocks": [("/api/v1/locks", 200), ("/api/v1/locks?below=/locks", 200), ("/api/v1/locks?below=/none", 404)],
    "readEnsemble": [("/api/v1/ensemble", 200)],
    "stepDown": [("/api/v1/step-down", 409)],
    "readStorage": [("/api/v1/storage", 200)],
    "readConfig": [("/api/v1/config", 200)],
    "readTop": [("/api/v1/top", 200), ("/api/v1/top?by=writes&limit=1", 200), ("/api/v1/top?by=x", 400)],
    "readHistory": [("/api/v1/history", 200), ("/api/v1/history?seconds=5", 200), ("/api/v1/history?seconds=x", 400)],
    "readLogLevel": [("/api/v1/log-level", 200)],
    "setLogLevel": [("/api/v1/log-level", {"level": "info"}, 200), ("/api/v1/log-level", {"level": "loud"}, 400)],
    "searchAudit": [("/api/v1/audit", 200), ("/api/v1/audit?operation=create&limit=1", 200)],
    "readStages": [("/api/v1/stages", 200)],
    "readCaller": [("/api/v1/whoami", 200)],
    "readDescription": [("/api/v1/openapi.json", 200)],
    "isLive": [("/livez", 200)],
    "isReady": [("/readyz", 200)],
    "readMetrics": [("/metrics", 200)],
    "listCommands": [("/commands", 200)],
    "runCommand": [("/commands/ruok", 200), ("/commands/none", 200)],
    "readPage": [("/", 200)],
    "readPageFile": [("/ui/none", 404)],
    "closeSession": [("/api/v1/sessions/0x1", 404), ("/api/v1/sessions/SESSION", 200)],
}


def test_every_operation_has_its_cases(document):
    assert set(CASES) == {operation["operationId"] for _, _, operation in operations(document)}


# What must not be empty, lest nothing of it be held against its schema.
FILLED = {"listSessions": ["sessions"], "listConnections": ["connections"], "listWatches": ["paths", "sessions"],
          "listLocks": ["locks"], "readEnsemble": ["servers"], "readConfig": ["settings"], "searchAudit": ["records"],
          "readStages": ["stages"], "isReady": ["checks"]}


def body_of(answer):
    return answer.json() if answer.headers["content-type"] == "application/json" and answer.status == 200 else {}


def check_body(document, path, answer, content):
    media = answer.headers["content-type"].split(";")[0]
    schema = (content.get(media) or content.get("*/*") or {}).get("schema")
    assert schema is not None, f"{path}: {media} is not among {set(content)}"
    if media == "application/json":
        validate(document, schema, answer.json())
    elif media == "application/x-ndjson":
        for line in answer.lines():
            validate(document, {"$ref": "#/components/schemas/TreeLine"}, line)


def test_answers_are_as_described(server, document, client):
    """One after the other as in CASES, with all that does not fit at the end."""
    unfit = []
    session = hex(client.client_id[0])
    described = {operation["operationId"]: (method, operation) for _, method, operation in operations(document)}
    for name, cases in CASES.items():
        method, operation = described[name]
        for asked, *body, status in cases:
            asked = asked.replace("SESSION", session)
            answer = server.http(method.upper(), asked, body=body[0] if body else None)
            try:
                assert answer.status == status, answer
                assert str(status) in operation["responses"], f"{status} is not described"
                if body and status != 400:
                    validate(document, operation["requestBody"]["content"]["application/json"]["schema"], body[0])
                assert not set(FILLED.get(name, ())) & {key for key, value in body_of(answer).items() if not value}
                check_body(document, asked, answer, resolved(document, operation["responses"][str(status)])["content"])
            except Exception as problem:
                unfit.append(f"{method} {asked}: {str(problem)[:600]}")
    assert not unfit, "\n\n".join(unfit)


def test_refusals_are_described_and_have_one_form(server, document):
    for path, method, operation in operations(document):
        for headers, token, status in (({"Host": "elsewhere.example"}, READER, 421), ({}, "wrong", 401),
                                       ({}, READER, 403)):
            everybody = {} in operation["security"] and operation.get("x-role") == "nobody"
            if status == 401 and everybody or status == 403 and method == "get":
                continue
            answer = server.http(method.upper(), address(path), headers=headers, token=token)
            assert answer.status == status, (method, path, answer)
            response = resolved(document, operation["responses"][str(status)])
            validate(document, response["content"]["application/json"]["schema"], answer.json())


def test_events_are_as_described(server, document):
    with server.stream("/api/v1/events") as response:
        seen = set()
        for name, data in events(response):
            validate(document, {"$ref": f"#/components/schemas/{name.capitalize()}Event"}, data)
            seen.add(name)
            if seen == {"role", "server"}:
                break
