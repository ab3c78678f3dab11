"""The encryption middleware for Python, for `encryption_interop.rs`.

Reads requests from standard input, a JSON object a line, and answers each with a line. A request has the
middleware's settings (`key`, `hex`, `fallbacks`, `field`), the `slot` (`event` or `invoke`), and data: to
`encrypt` as a function of this SDK would send it, and to `decrypt` as one would receive it.
"""

import json
import logging
import sys
import types

import inngest
from inngest._internal import middleware_lib, server_lib
from inngest._internal import types as inngest_types
from inngest_encryption import EncryptionMiddleware

client = inngest.Inngest(app_id="peer", is_production=False, logger=logging.getLogger("peer"))


def middleware(request):
    def key(text):
        return text.encode() if request["hex"] else text

    return EncryptionMiddleware(
        client,
        None,
        key(request["key"]),
        event_encryption_field=request["field"],
        fallback_decryption_keys=[key(text) for text in request["fallbacks"]],
    )


def encrypt(mw, slot, data):
    if slot == "event":
        event = inngest.Event(name="shared", data=data)
        mw.before_send_events([event])
        return event.data
    step = middleware_lib.TransformOutputStepInfo(
        id="call", op=server_lib.Opcode.INVOKE, opts={"function_id": "f", "payload": {"data": data}}
    )
    result = inngest.TransformOutputResult(
        error=None, output=inngest_types.empty_sentinel, step=step
    )
    mw.transform_output(result)
    return result.step.opts["payload"]["data"]


def decrypt(mw, data):
    events = [inngest.Event(name="shared", data=data) for _ in range(2)]
    context = types.SimpleNamespace(event=events[0], events=events[1:])
    mw.transform_input(context, None, {})
    assert context.event.data == context.events[0].data
    return context.event.data


# Not `splitlines`, which ends lines at characters that JSON may have in its strings.
for line in sys.stdin.read().split("\n"):
    request = json.loads(line)
    mw = middleware(request)
    answer = {
        "encrypted": encrypt(mw, request["slot"], request["encrypt"]),
        "decrypted": decrypt(mw, request["decrypt"]),
    }
    print(json.dumps(answer))
