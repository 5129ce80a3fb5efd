"""The API describes itself truly: OpenAPI 3.1, every route with its need, and no answer of ours is a stack trace."""

from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator

from running import Running
from tidegate.people.model import Scope
from tidegate.run import DOORS
from tidegate.web.door import Door, Listener


def test_the_document_is_openapi_and_names_every_platform_route(node: Running) -> None:
    document: dict[str, Any] = node.platform().client.get("/openapi.json").json()
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1")
    assert DOORS
    declared = {(row.method.lower(), row.path) for row in Door.every if row.listener is Listener.PLATFORM}
    described = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert described == declared
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["x-needs"]
            assert operation["description"] or operation["summary"]


def test_made_up_requests_never_break_the_node(node: Running) -> None:
    """A short campaign; longer ones only change the number of examples."""
    update = {"match_without_record": True, "match_per_minute": 100_000}
    node.node.settings = node.node.settings.model_copy(update=update)
    platform = node.platform(scopes=frozenset(Scope) - {Scope.MATCH})
    matching = node.platform(scopes=frozenset({Scope.MATCH})).client.headers["authorization"]
    document = platform.client.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    authorization = platform.client.headers["authorization"]

    for operation in schema.get_all_operations():
        made: Any = operation.ok()  # type: ignore[union-attr]  # an Err has no such method and fails the test
        key = matching if made.definition.raw["x-needs"] == Scope.MATCH else authorization
        _try_out(made, node.addresses.platform, key)


def _try_out(operation: Any, address: str, authorization: str) -> None:
    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def one(case: Any) -> None:
        answer = case.call(base_url=address, headers={"Authorization": authorization})
        assert answer.status_code < 500, (operation.label, answer.status_code, answer.text)
        if answer.status_code >= 400 and "hma" in operation.definition.raw["tags"]:
            assert answer.headers["content-type"][0] == "application/json", operation.label
        elif answer.status_code >= 400:
            assert answer.headers["content-type"][0].startswith("application/problem+json"), operation.label

    given(case=operation.as_strategy())(one)()
