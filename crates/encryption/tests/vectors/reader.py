"""A reader of the envelope in one page, after FORMAT.md, without any code of the crate or of make_vectors.py.

    pip install cryptography
    python reader.py envelope_v1.json      opens what must open, refuses what must be refused, and counts
"""

import base64
import hashlib
import hmac
import json
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305


class NotAuthentic(Exception):
    pass


class UnknownKey(NotAuthentic):
    pass


def require(condition):
    if not condition:
        raise NotAuthentic


def canonical(text, decode, encode):
    """The bytes, if their one encoding is `text`."""
    try:
        data = decode(text.encode("ascii"))
    except ValueError:
        raise NotAuthentic from None
    require(encode(data).decode() == text)
    return data


def hkdf(prk, info, length):
    return hmac.digest(prk, info + b"\x01", "sha256")[:length]


def parse_key(text):
    """PRK and id of a key in its text form."""
    require(text.startswith("hs1_") and len(text) == 52)
    data = canonical(text[4:], base64.urlsafe_b64decode, base64.urlsafe_b64encode)
    require(len(data) == 36 and hashlib.sha256(b"hs1 key check" + data[:32]).digest()[:4] == data[32:])
    prk = hmac.digest(b"hookstack/e2e/v1 extract", data[:32], "sha256")
    return hkdf(prk, b"hs1 kid", 4), prk


def message_of_json(text):
    def once(pairs):
        require(len(dict(pairs)) == len(pairs))
        return dict(pairs)

    try:
        envelope = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise NotAuthentic from None
    require(isinstance(envelope, dict) and envelope.keys() == {"__ENCRYPTED__", "__STRATEGY__", "data"})
    require(envelope["__ENCRYPTED__"] is True and envelope["__STRATEGY__"] == "hookstack/v1")
    require(isinstance(envelope["data"], str))
    return canonical(envelope["data"], base64.b64decode, base64.b64encode)


def message_of_error(text):
    require(text.startswith("hookstack/v1:"))
    return canonical(text.removeprefix("hookstack/v1:"), base64.b64decode, base64.b64encode)


def take(data, length):
    require(len(data) >= length)
    return data[:length], data[length:]


def take_string(data):
    length, data = take(data, 2)
    return take(data, int.from_bytes(length, "big"))


def open_message(message, keys, expected_class, context):
    """Plaintext, origin, salt and key id. `context` is a list of strings, or bytes for a commitment."""
    (version, suite, flags, kind), rest = take(message, 4)
    require(version == 1 and flags == 0 and suite in (1, 2) and 1 <= kind <= 10)
    key_id, rest = take(rest, 4)
    origin, rest = take_string(rest)
    salt, rest = take(rest, 32)
    header = message[: len(message) - len(rest)]
    commitment, sealed = take(rest, 32)
    require(len(sealed) >= 16)
    strings = []
    for _ in range(8):
        string, origin = take_string(origin)
        try:
            strings.append(string.decode())
        except UnicodeDecodeError:
            raise NotAuthentic from None
    require(not origin and kind == expected_class)
    if key_id not in keys:
        raise UnknownKey
    prk = keys[key_id]
    context = [string.encode() if isinstance(string, str) else string for string in context]
    context = b"".join(struct.pack(">H", len(string)) + string for string in context)
    lengths = [struct.pack(">I", len(part)) for part in (header, context)]
    transcript = hashlib.sha256(b"hookstack/e2e/v1\0" + lengths[0] + header + lengths[1] + context).digest()
    require(hmac.compare_digest(commitment, hkdf(prk, b"hs1 com" + transcript, 32)))
    cipher = (AESGCM if suite == 1 else ChaCha20Poly1305)(hkdf(prk, b"hs1 key" + transcript, 32))
    try:
        return cipher.decrypt(bytes(12), sealed, transcript), strings, salt, key_id
    except InvalidTag:
        raise NotAuthentic from None


def open_fields(data, fields, keys, namespace, event, event_id):
    """The data object of an event that is sealed by fields."""
    data = json.loads(data)
    senders = set()
    for field in fields:
        require(isinstance(data.get(field), dict) and "__ENCRYPTED__" in data[field])
        message = message_of_json(json.dumps(data[field]))
        plaintext, origin, salt, key_id = open_message(message, keys, 1, [namespace, event, field])
        require(origin[3] != "" and origin[3] == event_id)
        senders.add((salt[:16], key_id, *origin))
        if plaintext:
            data[field] = json.loads(plaintext)
        else:
            del data[field]
    require(len(senders) == 1)
    for taken in ("_inngest", "__hookstack_trace"):
        data.pop(taken, None)
    return data


# From here on: the vectors.


def read(entry):
    keys = dict(map(parse_key, entry["keys"] if "keys" in entry else [entry["key"]]))
    context = [entry["namespace"], *entry["context"]]
    if entry["request_commitment"] is not None:
        context.append(bytes.fromhex(entry["request_commitment"]))
    message = message_of_json(entry["envelope"]) if "envelope" in entry else message_of_error(entry["error_text"])
    plaintext, origin, _, _ = open_message(message, keys, entry["class"], context)
    return plaintext.decode(), origin


def failure_of(action, *arguments):
    try:
        action(*arguments)
    except UnknownKey:
        return "unknown key"
    except NotAuthentic:
        return "not authentic"


def main(path):
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)
    for entry in vectors.get("vectors", []) + vectors.get("same", []):
        assert read(entry) == (entry["plaintext"], entry["origin"]), entry["name"]
    for entry in vectors.get("refused", []):
        assert failure_of(read, entry) == entry["failure"], entry["name"]
    for entry in vectors.get("refused_keys", []):
        assert failure_of(parse_key, entry["text"]) == "not authentic", entry["name"]
    for entry in vectors.get("data_objects", []):
        arguments = (entry["data"], entry["fields"], dict([parse_key(entry["key"])]), entry["namespace"],
                     entry["event"], entry["event_id"])
        if entry["opened"] is None:
            assert failure_of(open_fields, *arguments) == "not authentic", entry["name"]
        else:
            assert open_fields(*arguments) == json.loads(entry["opened"]), entry["name"]
    counts = {name: len(entries) for name, entries in vectors.items() if isinstance(entries, list)}
    print(json.dumps(counts))


if __name__ == "__main__":
    main(sys.argv[1])
