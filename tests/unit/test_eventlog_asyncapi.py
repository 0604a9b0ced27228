"""The AsyncAPI document against the models, by a validator of its own."""

from datetime import UTC, datetime

import jsonschema
import pytest
import yaml

from shared import asyncapi
from shared.errors import Poison
from shared.events import BY_TYPE, DATA_TYPES, TOPICS, AlertDelivered, Data, LinkChecked, decode, encode, envelope

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DOCUMENT = yaml.safe_load(asyncapi.PATH.read_text())
SAMPLES: list[Data] = [
    LinkChecked(
        link_id="lnk_a", check_id="chk_1", url="https://a.example/", final_url=None, checked_at=NOW, outcome="ok",
        reason="content", http_status=200, confidence=1, status="live",
    ),
    AlertDelivered(
        alert_id="alr_1", citation_ids=("cit_1",), severity="info", occurred_at=NOW, delivery_id="dlv_1", channel="mail"
    ),
]  # fmt: skip


def schema(model: type[Data]) -> dict:
    return {**DOCUMENT["components"]["messages"][model.__name__]["payload"], "components": DOCUMENT["components"]}


def test_the_file_is_what_the_models_make():
    assert asyncapi.PATH.read_text() == asyncapi.text(), "run: python -m shared.asyncapi > shared/asyncapi.yaml"


def test_every_topic_and_type_is_in_it():
    assert [channel["address"] for channel in DOCUMENT["channels"].values()] == list(TOPICS)
    assert {message["name"] for message in DOCUMENT["components"]["messages"].values()} == set(BY_TYPE)


def test_every_reference_leads_somewhere():
    def references(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if "$ref" in node else []
            return own + [each for value in node.values() for each in references(value)]
        return [each for value in node for each in references(value)] if isinstance(node, list) else []

    for reference in references(DOCUMENT):
        place = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


@pytest.mark.parametrize("data", SAMPLES, ids=lambda data: data.TYPE)
def test_what_we_send_is_valid_by_the_document(data: Data):
    event = envelope(data, event_id="evt_1", source="/test", time=NOW)
    jsonschema.validate(yaml.safe_load(encode(event)), schema(type(data)), jsonschema.Draft202012Validator)
    assert decode(encode(event)).payload() == data


@pytest.mark.parametrize("model", DATA_TYPES, ids=lambda model: model.TYPE)
def test_an_empty_event_is_not(model: type[Data]):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"type": model.TYPE}, schema(model), jsonschema.Draft202012Validator)


def test_fields_of_a_newer_producer_are_let_through_and_versions_are_not():
    event = envelope(SAMPLES[0], event_id="evt_1", source="/test", time=NOW)
    newer = encode(event).replace(b'"data":{', b'"comment":"x","data":{"colour":"red",')
    assert decode(newer).payload() == SAMPLES[0]
    with pytest.raises(Poison, match="unknown event type"):
        decode(encode(event).replace(b".checked.v1", b".checked.v2")).payload()
