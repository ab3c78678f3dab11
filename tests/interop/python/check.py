"""Checks an endpoint with the code of Inngest's Python SDK.

Usage: check.py URL KEY FALLBACK REGISTERED, where REGISTERED is the file of an out-of-band registration.
Prints `ok <case>` for each case; ends with an error at the first that fails.
"""

import json
import sys
import time

import httpx
from inngest._internal import net, server_lib, transforms

import wire

URL, KEY, FALLBACK, REGISTERED = sys.argv[1:]
WRONG = "signkey-test-77777777"
CLOUD = server_lib.ServerKind.CLOUD
CANONICAL = b'{"ctx":{"run_id":"r"},"event":{"data":{"n":1},"name":"t/event"},"steps":{}}'
# The same values: other order, blanks, escapes, numbers in another form, more than ASCII.
OTHERWISE = (
    ' { "steps" : {} , "event": {"name": "t\\/event", "data": {"z": 1.50, "a": 1e2, "n": -0.0,'
    ' "text": "\\u00fc \u00fc \U0001f424 \\u001f", "big": 9007199254740991}},\n\t"ctx": {"run_id": "r"} } '
).encode()
EXPECTED = {"z": 1.5, "a": 100, "n": 0, "text": "\u00fc \u00fc \U0001f424 \x1f", "big": 9007199254740991}

client = httpx.Client(trust_env=False)


def send(method, query="", body=b"", key=None, at=None, **headers):
    if key is not None:
        signature = net.sign_request(body, key, at)
        assert isinstance(signature, str), signature
        headers["x-inngest-signature"] = signature
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.request(method, URL + query, content=body, headers=headers)


def call(body, key, at=None):
    return send("POST", "?fnId=t-echo&stepId=step", body, key, at)


def validated(response, key, body=None):
    """The key, if the SDK takes the response as signed with it."""
    headers = net.normalize_headers(dict(response.headers))
    result = net.validate_response_sig(
        body=response.content if body is None else body, headers=headers, mode=CLOUD, signing_key=key
    )
    return None if isinstance(result, Exception) else result


def accepts_canonical_json():
    response = call(CANONICAL, KEY)
    assert (response.status_code, response.json()) == (200, {"n": 1}), response.text


def accepts_json_that_is_not_canonical():
    assert transforms.canonicalize(OTHERWISE) != OTHERWISE
    response = call(OTHERWISE, KEY)
    assert (response.status_code, response.json()) == (200, EXPECTED), response.text


def accepts_the_fallback_key():
    for body in (CANONICAL, OTHERWISE):
        response = call(body, FALLBACK)
        assert response.status_code == 200, response.text
        assert validated(response, FALLBACK) == FALLBACK
        assert validated(response, KEY) is None


def refuses_a_wrong_key():
    for body in (CANONICAL, OTHERWISE):
        response = call(body, WRONG)
        assert response.status_code == 500, response.text
        assert response.json()["code"] == server_lib.ErrorCode.SIG_VERIFICATION_FAILED.value


def refuses_an_old_signature():
    response = call(CANONICAL, KEY, round(time.time()) - 301)
    assert (response.status_code, response.json()["code"]) == (500, "sig_expired"), response.text


def refuses_another_body():
    signature = net.sign_request(CANONICAL, KEY)
    response = send("POST", "?fnId=t-echo", OTHERWISE, x_inngest_signature=signature)
    assert response.status_code == 500, response.text


def signs_results():
    response = call(CANONICAL, KEY)
    assert validated(response, KEY) == KEY
    assert validated(response, WRONG) is None
    assert validated(response, KEY, response.content + b" ") is None


def signs_operations_and_errors():
    body = CANONICAL.replace(b'"n":1', b'"n":"\xc3\xbc"')
    for function, status in (("t-step", 206), ("t-fails", 500), ("t-unknown", 500)):
        response = send("POST", f"?fnId={function}&stepId=step", body, KEY)
        assert response.status_code == status, response.text
        assert validated(response, KEY) == KEY, function


def answers_a_probe_of_trust():
    response = send("POST", "?probe=trust", b"", KEY)
    assert response.status_code == 200 and validated(response, KEY) == KEY, response.text


def has_the_headers_that_the_sdk_writes():
    response = call(CANONICAL, KEY)
    ours = set(net.normalize_headers(dict(response.headers)))
    theirs = set(net.create_headers(env=None, framework=server_lib.Framework.FAST_API, server_kind=CLOUD))
    assert theirs - {"user-agent"} <= ours, theirs - ours


def is_inspected_by_anybody():
    model = wire.parsed(server_lib.UnauthenticatedInspection, send("GET").json())
    assert (model.function_count, model.mode, model.has_signing_key) == (5, CLOUD, True)


def is_inspected_by_the_holder_of_a_key():
    response = send("GET", key=KEY)
    assert validated(response, KEY) == KEY
    model = wire.parsed(server_lib.AuthenticatedInspection, response.json())
    for key, shown in ((KEY, model.signing_key_hash), (FALLBACK, model.signing_key_fallback_hash)):
        # With the prefix, which the SDK leaves away in both places.
        assert shown.removeprefix("signkey-test-") == transforms.hash_signing_key(key)
    assert model.event_key_hash == transforms.hash_event_key("test")
    wire.is_in(response.json(), model.to_dict())


def answers_an_in_band_sync():
    body = json.dumps({"url": "https://proxy.example/x?token=1"}).encode()
    response = send("PUT", "", body, KEY, x_inngest_sync_kind=server_lib.SyncKind.IN_BAND.value)
    assert response.status_code == 200, response.text
    assert validated(response, KEY) == KEY
    model = wire.accepted(server_lib.InBandSynchronizeResponse, server_lib.FunctionConfig, response.json())
    assert len(model.functions) == 5 and model.app_id == "t"
    urls = [step.runtime.url for function in model.functions for step in function.steps.values()]
    assert all(url.startswith("https://proxy.example/x?token=1&fnId=t-") for url in urls), urls


def registers_out_of_band():
    with open(REGISTERED, encoding="utf-8") as file:
        message = json.load(file)
    model = wire.accepted(server_lib.SynchronizeRequest, server_lib.FunctionConfig, message)
    assert model.deploy_type is server_lib.DeployType.PING
    assert len(model.functions) == 5 and model.app_name == "t"


CASES = [
    accepts_canonical_json,
    accepts_json_that_is_not_canonical,
    accepts_the_fallback_key,
    refuses_a_wrong_key,
    refuses_an_old_signature,
    refuses_another_body,
    signs_results,
    signs_operations_and_errors,
    answers_a_probe_of_trust,
    has_the_headers_that_the_sdk_writes,
    is_inspected_by_anybody,
    is_inspected_by_the_holder_of_a_key,
    answers_an_in_band_sync,
    registers_out_of_band,
]

for case in CASES:
    case()
    print("ok", case.__name__)
