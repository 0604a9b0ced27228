"""The AsyncAPI document of the events, made from their models: `python -m shared.asyncapi > shared/asyncapi.yaml`."""

import sys
from pathlib import Path
from typing import Any

import yaml
from pydantic.json_schema import models_json_schema

from shared.events import DATA_TYPES, TOPICS, Data, Event

PATH = Path(__file__).with_name("asyncapi.yaml")
_REFERENCE = "#/components/schemas/{model}"


def document() -> dict[str, Any]:
    """AsyncAPI 3.0: one channel a topic and one for its dead letters, one message an event type."""
    _, schemas = models_json_schema(
        [(model, "serialization") for model in (*DATA_TYPES, Event)], ref_template=_REFERENCE
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Citewatch events",
            "version": "1",
            "description": "What the services tell each other. CloudEvents 1.0 in structured JSON; the key of a record "
            "is the event's subject, and events of one key are in order. Types carry a version: fields are only ever "
            "added to one, and readers drop what they do not know.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {_name(topic): _channel(topic) for topic in TOPICS},
        "operations": {
            f"publish_{_name(topic)}": {"action": "send", "channel": {"$ref": f"#/channels/{_name(topic)}"}}
            for topic in TOPICS
        },
        "components": {
            "messages": {_title(model): _message(model) for model in DATA_TYPES},
            "schemas": schemas["$defs"],
        },
    }


def text() -> str:
    """The document as YAML."""
    head = "# Made by `python -m shared.asyncapi`; a test holds it to the models of shared/events.py.\n"
    return head + yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120)


def _name(topic: str) -> str:
    return topic.rpartition(".")[2]


def _title(model: type[Data]) -> str:
    return model.__name__


def _channel(topic: str) -> dict[str, Any]:
    models = [model for model in DATA_TYPES if topic == model.TOPIC]
    return {
        "address": topic,
        "description": f"What cannot be handled goes to {topic}.dlq as it came, with the error and its place in the "
        "headers citewatch-consumer, citewatch-error and citewatch-position.",
        "messages": {_title(model): {"$ref": f"#/components/messages/{_title(model)}"} for model in models},
    }


def _message(model: type[Data]) -> dict[str, Any]:
    envelope = {"$ref": _REFERENCE.format(model="Event")}
    kind = {"properties": {"type": {"const": model.TYPE}, "data": {"$ref": _REFERENCE.format(model=model.__name__)}}}
    return {
        "name": model.TYPE,
        "summary": " ".join((model.__doc__ or "").split()),
        "contentType": "application/cloudevents+json",
        "payload": {"allOf": [envelope, kind]},
    }


if __name__ == "__main__":
    sys.stdout.write(text())
