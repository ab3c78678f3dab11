"""Reads what goes over the wire into the models of Inngest's Python SDK.

The models only know how to write the wire's form: names become aliases, times become duration strings. This
is the way back, and nothing else.
"""

import enum
import inspect
import re

import pydantic
from inngest._internal import server_lib

TIMES = {"timeout", "period", "start", "finish"}
UNITS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def snake(name):
    """The model's name of a field."""
    special = {"if": "if_exp", "appname": "app_name"}
    return special.get(name) or re.sub("([A-Z])", r"_\1", name).lower()


def milliseconds(text):
    parts = re.findall(r"(\d+)([smhdw])", text)
    assert parts and "".join(n + unit for n, unit in parts) == text, f"not a duration: {text}"
    return sum(int(n) * UNITS[unit] for n, unit in parts)


def fields(value):
    """Fields of a message under the models' names, with times as numbers."""
    if isinstance(value, list):
        return [fields(item) for item in value]
    if not isinstance(value, dict):
        return value
    read = {}
    for name, item in value.items():
        is_time = snake(name) in TIMES and isinstance(item, str)
        read[snake(name)] = milliseconds(item) if is_time else fields(item)
    return read


def is_in(ours, theirs, path="$"):
    """Everything of ours is in theirs, which may have more."""
    if isinstance(ours, dict):
        assert isinstance(theirs, dict), path
        for name, value in ours.items():
            assert name in theirs, f"{path}.{name} was lost"
            is_in(value, theirs[name], f"{path}.{name}")
    elif isinstance(ours, list):
        assert isinstance(theirs, list) and len(ours) == len(theirs), path
        for index, pair in enumerate(zip(ours, theirs)):
            is_in(*pair, f"{path}[{index}]")
    else:
        assert ours == theirs, f"{path}: {ours!r} became {theirs!r}"


def aliases(model):
    return {field.serialization_alias or name for name, field in model.model_fields.items()}


def typed(model, read):
    """The message with members for values and the right kind of trigger: the models are strict, read no text
    as an enumeration, and cannot choose between kinds."""
    for function in read.get("functions", []):
        function["triggers"] = [
            server_lib.TriggerCron(**trigger) if "cron" in trigger else server_lib.TriggerEvent(**trigger)
            for trigger in function["triggers"]
        ]
    for name, field in model.model_fields.items():
        kind = field.annotation
        if name not in read or not inspect.isclass(kind):
            continue
        if issubclass(kind, enum.Enum):
            read[name] = kind(read[name])
        elif issubclass(kind, pydantic.BaseModel):
            typed(kind, read[name])
    return read


def parsed(model, message):
    read = model.from_raw(typed(model, fields(message)))
    assert not isinstance(read, Exception), read
    return read


def accepted(model, function_config, message):
    """The message as the model; written again it says the same."""
    message = dict(message, functions=[dict(function) for function in message["functions"]])
    for function in message["functions"]:
        unknown = set(function) - aliases(function_config)
        assert not unknown, f"the SDK does not know {unknown}"
    said = fields(message)
    for function in message["functions"]:
        # They must be there for the models, though the wire leaves out what is not set.
        for name, field in function_config.model_fields.items():
            function.setdefault(field.serialization_alias or name, None)
    model = parsed(model, message)
    written = model.to_dict()
    assert not isinstance(written, Exception), written
    is_in(said, fields(written))
    return model
