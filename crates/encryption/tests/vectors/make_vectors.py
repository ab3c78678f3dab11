"""Writes the vectors of the format, after FORMAT.md, without any code of the crate or of the reader.

    pip install cryptography
    python make_vectors.py envelope_v1.json           the vectors, the same each time
    python make_vectors.py --fresh FILE               one of each kind, with keys, salts and data of now
"""

import base64
import hashlib
import hmac
import json
import os
import struct
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from refused import refused

CLASSES = {
    1: "event", 2: "step", 3: "function output", 4: "step error", 5: "function error", 6: "invoke",
    7: "HTTP request", 8: "HTTP response", 9: "Lambda event", 10: "Lambda response",
}
HASH = hashlib.sha1(b"pay").hexdigest()
CALL = ["shop-order", "01JRUN", "7d" * 32, ""]
INVOKER = ["shop-checkout", "01JPARENT", "3e" * 32, hashlib.sha1(b"order").hexdigest()]
NOBODY = [""] * 4

# Per class: the strings of the context after the namespace, the origin, the plaintext.
PLACES = {
    1: (["shop/order.placed", "encrypted"], CALL[:3] + ["event-1"] + NOBODY, '{"card":"4111 1111"}'),
    2: (["shop-order", HASH], CALL + INVOKER, "null"),
    3: (["shop-order"], CALL + INVOKER, '[1,2.5,"\u00fc"]'),
    4: (["shop-order", HASH], CALL + NOBODY, '{"name":"Declined","message":"no \\ud83d\\udcb3","stack":"at pay"}'),
    5: (["shop-order"], CALL + INVOKER, '{"name":"Error","message":"m","data":{"n":1},"cause":[null]}'),
    6: (["shop-order", "encrypted"], INVOKER[:3] + [""] + INVOKER, "{}"),
    7: (["POST", "/orders/{id}"], [""] * 8, '{"quantity":2}'),
    8: (["POST", "/orders/{id}"], [""] * 8, '{"total":"12.30"}'),
    9: (["shop-nightly"], [""] * 8, '{"day":"2026-11-21"}'),
    10: (["shop-nightly"], [""] * 8, "true"),
}


def strings(values):
    """Each string with its length before it; bytes stay as they are."""
    out = b""
    for value in values:
        value = value.encode() if isinstance(value, str) else value
        out += struct.pack(">H", len(value)) + value
    return out


def extract(salt, secret):
    return hmac.new(salt, secret, hashlib.sha256).digest()


def expand(prk, info, length):
    # One block of HKDF is enough: nothing here is longer than 32 bytes.
    return hmac.new(prk, info + b"\x01", hashlib.sha256).digest()[:length]


class Key:
    def __init__(self, secret):
        self.secret = secret
        self.prk = extract(b"hookstack/e2e/v1 extract", secret)
        self.id = expand(self.prk, b"hs1 kid", 4)
        check = hashlib.sha256(b"hs1 key check" + secret).digest()[:4]
        self.text = "hs1_" + base64.urlsafe_b64encode(secret + check).decode()


def message(key, suite, kind, context, origin, salt, plaintext, version=1, flags=0, key_id=None, cipher=None):
    """All values of one message. What is given after the plaintext makes a wrong one that is sealed well."""
    header = bytes([version, suite, flags, kind]) + (key_id or key.id)
    header += struct.pack(">H", len(origin)) + origin + salt
    transcript = hashlib.sha256(
        b"hookstack/e2e/v1\0" + struct.pack(">I", len(header)) + header + struct.pack(">I", len(context)) + context
    ).digest()
    message_key = expand(key.prk, b"hs1 key" + transcript, 32)
    commitment = expand(key.prk, b"hs1 com" + transcript, 32)
    aead = {1: AESGCM, 2: ChaCha20Poly1305}[cipher or suite](message_key)
    sealed = aead.encrypt(bytes(12), plaintext, transcript)
    return {
        "header": header, "transcript": transcript, "message_key": message_key, "commitment": commitment,
        "ciphertext": sealed[:-16], "tag": sealed[-16:], "message": header + commitment + sealed,
    }


def to_json(data):
    return '{"__ENCRYPTED__":true,"__STRATEGY__":"hookstack/v1","data":"' + data + '"}'


def vector(name, key, suite, kind, context, origin, salt, plaintext, request=None):
    encoded = strings(context + ([request] if request else []))
    made = message(key, suite, kind, encoded, strings(origin), salt, plaintext.encode())
    text = base64.b64encode(made.pop("message")).decode()
    values = {
        "name": name, "suite": suite, "class": kind, "secret": key.secret, "key": key.text, "prk": key.prk,
        "key_id": key.id, "namespace": context[0], "context": context[1:], "request_commitment": request,
        "context_encoded": encoded, "origin": origin, "origin_encoded": strings(origin), "salt": salt,
    }
    values |= made | {"plaintext": plaintext, "message": text}
    if kind in (4, 5):
        values["error_text"] = "hookstack/v1:" + text
    else:
        values["envelope"] = to_json(text)
    return {key: value.hex() if isinstance(value, bytes) else value for key, value in values.items()}


def one_of_each(key, salt_of, plaintext_of, namespace):
    """Every class with both suites. `salt_of` is called for each one in turn."""
    vectors = []
    for suite in (1, 2):
        commitments = {}
        for kind, (context, origin, plaintext) in PLACES.items():
            request = commitments.get(kind - 1) if kind in (8, 10) else None
            made = vector(
                f"{CLASSES[kind]}, suite {suite}", key, suite, kind, [namespace] + context, origin, salt_of(),
                plaintext_of(plaintext), request,
            )
            commitments[kind] = bytes.fromhex(made["commitment"])
            vectors.append(made)
    return vectors


def edges(key, salt_of):
    """What a reader could get wrong with ordinary values."""
    event, origin, _ = PLACES[1]
    return [
        vector("strings of more bytes than characters", key, 1, 1, ["größe", "länder/neu.\u4e2d", "\U0001f511"],
               ["f-\u00e9", "", "", "\u00df", "", "", "", ""], salt_of(), '"\u2028\U0001f600"'),
        vector("an empty namespace and an empty field", key, 2, 1, ["", "e", ""], origin, salt_of(), "0"),
        vector("a slug of 300 bytes", key, 1, 3, ["default", "s" * 300], ["s" * 300] + [""] * 7, salt_of(), "1"),
        vector("a plaintext of three blocks and a byte", key, 1, 1, ["default"] + event, origin, salt_of(),
               json.dumps("x" * 47)),
        vector("a longer plaintext", key, 2, 1, ["default"] + event, origin, salt_of(), json.dumps("0123456789" * 100)),
    ]


def fields(key, salts):
    """Data objects sealed by fields: what the members are, and what a reader makes of them."""
    name, origin = "shop/order.placed", PLACES[1][1]

    def sealed(field, plaintext, salt, origin=origin):
        return vector("", key, 1, 1, ["default", name, field], origin, salt, plaintext)["envelope"]

    def entry(title, members, opened=None, event_id="event-1"):
        members = ",".join(f"{json.dumps(field)}:{text}" for field, text in members.items())
        return {"name": title, "key": key.text, "namespace": "default", "event": name, "event_id": event_id,
                "fields": ["card", "note"], "data": "{" + members + "}", "opened": opened}

    first, second = salts
    card = sealed("card", '"4111"', first + b"\x01" * 16)
    note = sealed("note", "", first + b"\x02" * 16)
    plain = {"id": "7", "_inngest": '{"fn_id":"x"}', "__hookstack_trace": '{"traceparent":"00"}'}
    other = origin[:1] + ["01JOTHER"] + origin[2:]
    nameless = origin[:3] + [""] + origin[4:]
    unbound = sealed("card", '"4111"', first + b"\x04" * 16, nameless)
    unbound_note = sealed("note", "", first + b"\x05" * 16, nameless)
    return [
        entry("two fields, one of them absent", plain | {"card": card, "note": note}, '{"id":7,"card":"4111"}'),
        entry("a field of another object of the same origin",
              plain | {"card": card, "note": sealed("note", '"x"', second + b"\x02" * 16)}),
        entry("a field of another run",
              plain | {"card": card, "note": sealed("note", '"x"', first + b"\x03" * 16, other)}),
        entry("fields swapped", plain | {"card": note, "note": card}),
        entry("a field was stripped", plain | {"card": card}),
        entry("a field in plaintext", plain | {"card": card, "note": '"x"'}),
        entry("under the id of another event", plain | {"card": card, "note": note}, event_id="event-2"),
        entry("without an id", plain | {"card": unbound, "note": unbound_note}, event_id=""),
    ]


def counting(first):
    """Salts that tell vectors apart: 32 bytes that count up from `first`, `first` + 1, …"""
    start = iter(range(first, 256))
    return lambda: bytes((step + index) % 256 for step in [next(start)] for index in range(32))


def fixed():
    key, other = Key(bytes(range(32))), Key(bytes(range(0xE0, 0x100)))
    vectors = one_of_each(key, counting(0x20), str, "default") + edges(other, counting(0x80))
    wrong, same, keys = refused(sys.modules[__name__], key, other, vectors)
    return {
        "about": "Vectors of the envelope, version 1; bytes in hex. Made by make_vectors.py; see FORMAT.md.",
        "vectors": vectors, "same": same, "refused": wrong,
        "data_objects": fields(key, (b"\xa1" * 16, b"\xa2" * 16)), "refused_keys": keys,
    }


def fresh():
    def plaintext_of(text):
        # An error has to stay one.
        return text if text.startswith('{"name"') else json.dumps({"fresh": os.urandom(99).hex()})

    vectors = one_of_each(Key(os.urandom(32)), lambda: os.urandom(32), plaintext_of, "fresh")
    return {"vectors": vectors}


if __name__ == "__main__":
    made = fresh() if sys.argv[1] == "--fresh" else fixed()
    with open(sys.argv[-1], "w", encoding="utf-8") as file:
        json.dump(made, file, indent=1, ensure_ascii=False)
        file.write("\n")
