"""What a reader must refuse, and other spellings of what it must accept. A part of make_vectors.py, as which `make` comes.

A wrong message is sealed as well as it can be: commitment and tag fit its wrong header, so that it is the named
check that refuses it.
"""

import base64
import json

STEP, EVENT, ERROR, REQUEST, RESPONSE, LAMBDA, ANSWER = 1, 0, 3, 6, 7, 8, 9


def refused(make, key, other, vectors):
    wrong = []
    step, event = vectors[STEP], vectors[EVENT]

    def add(name, reason, of=step, failure="not authentic", **changed):
        """The vector `of`, with another place or another text."""
        entry = {field: of[field] for field in ("class", "namespace", "context", "request_commitment")}
        entry |= {"name": name, "reason": reason, "failure": failure, "keys": [key.text]}
        text = {"error_text": of["error_text"]} if "error_text" in of else {"envelope": of["envelope"]}
        wrong.append(entry | ({} if {"envelope", "error_text"} & changed.keys() else text) | changed)

    def encode(message):
        return make.to_json(base64.b64encode(message).decode())

    def sealed(suite=1, kind=2, context=None, origin=None, salt=b"\x51" * 32, plaintext=b"null", **other):
        context = make.strings(context or [step["namespace"]] + step["context"])
        origin = make.strings(step["origin"]) if origin is None else origin
        return make.message(key, suite, kind, context, origin, salt, plaintext, **other)

    def header(name, reason, **parts):
        add(name, reason, envelope=encode(sealed(**parts)["message"]))

    # The header.
    header("version 0", "unknown version", version=0)
    header("version 2", "unknown version", version=2)
    for suite in (0, 3):
        for cipher in (1, 2):
            header(f"suite {suite} with the cipher of {cipher}", "unknown suite", suite=suite, cipher=cipher)
    for bit in range(8):
        header(f"flag {1 << bit:02x}", "unknown flag", flags=1 << bit)
    for kind in (0, 11):
        header(f"class {kind}", "unknown class", kind=kind)
        add(f"class {kind} where class {kind} is asked for", "unknown class", **{"class": kind},
            envelope=encode(sealed(kind=kind)["message"]))

    # The origin.
    for count in (0, 7, 9):
        header(f"an origin of {count} strings", "the origin is not eight strings", origin=make.strings([""] * count))
    header("a byte behind the origin's strings", "the origin is not eight strings",
           origin=make.strings([""] * 8) + b"\0")
    header("a string longer than the origin", "overrun", origin=make.strings([""] * 7) + b"\x00\x01")
    header("an origin that is not UTF-8", "not UTF-8", origin=make.strings([b"\xff"] + [""] * 7))
    header("an origin with a surrogate", "not UTF-8", origin=make.strings([b"\xed\xa0\x80"] + [""] * 7))
    header("an origin with an overlong character", "not UTF-8", origin=make.strings([b"\xc0\x80"] + [""] * 7))

    # Lengths and changed bytes.
    good = base64.b64decode(step["message"])
    start = len(bytes.fromhex(step["header"]))
    overrun = bytearray(good)
    overrun[8:10] = b"\xff\xff"
    add("an origin longer than the message", "overrun", envelope=encode(bytes(overrun)))
    add("no byte", "truncated", envelope=make.to_json(""))
    lengths = {"version only": 1, "key id only": 8, "half of the origin": 30, "half of the salt": start - 16,
               "half of the commitment": start + 16, "the commitment alone": start + 32,
               "a tag of 15 bytes": start + 47, "without the last byte": len(good) - 1}
    for name, length in lengths.items():
        add(name, "truncated", envelope=encode(good[:length]))
    add("a further byte", "changed", envelope=encode(good + b"\0"))
    places = {"suite": 1, "class": 3, "key id": 4, "origin": 12, "salt": start - 1, "commitment": start,
              "ciphertext": start + 32, "tag": len(good) - 1}
    for name, place in places.items():
        changed = bytearray(good)
        changed[place] ^= 3 if name == "suite" else 1
        unknown = name == "key id"
        add(f"a bit of the {name}", "unknown key" if unknown else "changed",
            failure="unknown key" if unknown else "not authentic", envelope=encode(bytes(changed)))
    parts = sealed()
    forged = parts["header"] + bytes(32) + parts["ciphertext"] + parts["tag"]
    add("a commitment of zeros before a good tag", "the commitment is checked", envelope=encode(forged))

    # Keys.
    add("another key", "unknown key", failure="unknown key", keys=[other.text])
    header("the id of another key of the set", "keys are looked up and never tried", key_id=other.id)
    wrong[-1]["keys"] = [key.text, other.text]

    # Other places.
    def moved(name, of, context, **changed):
        add(name, "another place", of=of, context=context, **changed)

    add("another namespace", "another place", namespace="other")
    moved("another step", step, [step["context"][0], "0" * 40])
    moved("the step of another function", step, ["shop-other", step["context"][1]])
    moved("another event", event, ["shop/order.paid", "encrypted"])
    moved("another field", event, ["shop/order.placed", "note"])
    moved("a boundary between strings moved", event, ["shop/order.placede", "ncrypted"])
    moved("an event as an invocation", event, event["context"], **{"class": 6})
    moved("a step as its error", step, step["context"], **{"class": 4})
    moved("the output of a function as that of a step", vectors[2], step["context"], **{"class": 2})
    moved("an error as the output of the step", dict(vectors[ERROR]), vectors[ERROR]["context"], **{"class": 2},
          envelope=make.to_json(vectors[ERROR]["message"]))
    requests = {"the other suite's request": vectors[REQUEST + 10]["commitment"], "no request": None}
    for name, commitment in requests.items():
        add(f"a response for {name}", "another place", of=vectors[RESPONSE], request_commitment=commitment)
    add("a Lambda response for another event", "another place", of=vectors[ANSWER],
        request_commitment=vectors[LAMBDA + 10]["commitment"])
    add("a request as its response", "another place", of=vectors[REQUEST], **{"class": 8},
        request_commitment=vectors[REQUEST]["commitment"])
    moved("another method", vectors[REQUEST], ["PUT", "/orders/{id}"])
    moved("the path in place of the route", vectors[REQUEST], ["POST", "/orders/7"])

    # The JSON and the base64. The message of this one has every character that matters.
    salts = (bytes([salt]) * 32 for salt in range(256))
    made = (base64.b64encode(sealed(salt=salt, plaintext=b"false")["message"]).decode() for salt in salts)
    data = next(text for text in made if "+" in text and "/" in text and text.endswith("="))
    strategy = '"__STRATEGY__":"hookstack/v1"'
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    bare = data.rstrip("=")
    loose = bare[:-1] + alphabet[alphabet.index(bare[-1]) + 1] + data[len(bare):]
    assert base64.b64decode(loose) == base64.b64decode(data) and loose != data
    texts = {
        "base64 without padding": make.to_json(bare),
        "base64 with further padding": make.to_json(data + "="),
        "base64url": make.to_json(data.replace("+", "-").replace("/", "_")),
        "base64 with loose bits": make.to_json(loose),
        "base64 with a space": make.to_json(" " + data),
        "base64 with a line break": make.to_json(data[:76] + "\\n" + data[76:]),
        "a further key": make.to_json(data)[:-1] + ',"x":1}',
        "the data twice": make.to_json(data)[:-1] + f',"data":"{data}"}}',
        "the marker twice": '{"__ENCRYPTED__":true,' + make.to_json(data)[1:],
        "the strategy twice": "{" + strategy + "," + make.to_json(data)[1:],
        "a key twice, once with escapes": make.to_json(data)[:-1] + f',"d\\u0061ta":"{data}"}}',
        "the marker false": make.to_json(data).replace("true", "false"),
        "the marker a string": make.to_json(data).replace("true", '"true"'),
        "the marker 1": make.to_json(data).replace("true", "1"),
        "the marker null": make.to_json(data).replace("true", "null"),
        "without the marker": "{" + strategy + f',"data":"{data}"}}',
        "without the strategy": f'{{"__ENCRYPTED__":true,"data":"{data}"}}',
        "without the data": f'{{"__ENCRYPTED__":true,{strategy}}}',
        "another strategy": make.to_json(data).replace("hookstack/v1", "hookstack/v2"),
        "the strategy in other letters": make.to_json(data).replace("hookstack/v1", "Hookstack/v1"),
        "keys in other letters": make.to_json(data).replace('"data"', '"Data"'),
        "data that is no string": f'{{"__ENCRYPTED__":true,{strategy},"data":["{data}"]}}',
        "data that is null": f'{{"__ENCRYPTED__":true,{strategy},"data":null}}',
        "text behind the object": make.to_json(data) + "x",
        "a second object": make.to_json(data) * 2,
        "a comma before the end": make.to_json(data)[:-1] + ",}",
        "an array around it": "[" + make.to_json(data) + "]",
        "a string around it": json.dumps(make.to_json(data)),
        "the form of an error": "hookstack/v1:" + data,
        "nothing": "",
    }
    for name, text in texts.items():
        add(name, "not the JSON of an envelope", envelope=text)

    error = vectors[ERROR]
    errors = {
        "an error without padding": error["error_text"].rstrip("=") if error["message"].endswith("=") else None,
        "an error with text behind it": error["error_text"] + " ",
        "an error with text before it": " " + error["error_text"],
        "an error with another prefix": error["error_text"].replace("v1", "v2", 1),
        "an error with bad base64": "hookstack/v1:" + "%" * 8,
        "an error with nothing": "hookstack/v1:",
        "an error without prefix": error["message"],
        "an error in the JSON of an envelope": make.to_json(error["message"]),
        "the error of a function as that of a step": vectors[4]["error_text"],
    }
    for name, text in errors.items():
        if text is not None:
            add(name, "not the text of an error for this place", of=error, error_text=text)

    # Spellings of one envelope that a server may give it.
    data = base64.b64encode(sealed()["message"]).decode()
    spellings = {
        "keys sorted": f'{{"__ENCRYPTED__":true,{strategy},"data":"{data}"}}',
        "another order": f'{{"data":"{data}",{strategy},"__ENCRYPTED__":true}}',
        "white space": f' {{ "data" :\t"{data}" ,\r\n{strategy} , "__ENCRYPTED__" : true }}\n',
        "white space behind it": make.to_json(data) + "\n",
        "a slash with an escape": make.to_json(data).replace("/", "\\/"),
        "escapes in the data": make.to_json("".join(f"\\u{ord(char):04x}" for char in data)),
        "escapes in keys": make.to_json(data).replace('"data"', '"\\u0064ata"').replace("EN", "\\u0045N"),
    }
    same = [
        {"name": name, "key": key.text, "class": 2, "namespace": step["namespace"], "context": step["context"],
         "request_commitment": None, "origin": step["origin"], "plaintext": "null", "envelope": text}
        for name, text in spellings.items()
    ]

    text = key.text
    keys = {
        "hex": key.secret.hex(), "a passphrase": "correct horse battery staple", "nothing": "", "the prefix": "hs1_",
        "another prefix": "hs2_" + text[4:], "an upper-case prefix": "HS1_" + text[4:], "without prefix": text[4:],
        "without the last character": text[:-1], "a further character": text + "A", "padding": text + "=",
        "another first character": "hs1_B" + text[5:], "another check": text[:-1] + ("A" if text[-1] != "A" else "B"),
        "no check": "hs1_" + base64.urlsafe_b64encode(key.secret).decode().rstrip("="),
        "the other alphabet": other.text.replace("-", "+").replace("_", "/").replace("hs1/", "hs1_"),
        "a space before it": " " + text, "a line break after it": text + "\n",
    }
    assert keys["the other alphabet"] != other.text
    return wrong, same, [{"name": name, "text": text} for name, text in keys.items()]
