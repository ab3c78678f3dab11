"""Benchmark peer: the official Python SDK (FastAPI on uvicorn, one worker).

Serves app "bench" with the one function "bench-two-steps" at
http://127.0.0.1:$PORT/api/inngest. Start: PORT=3001 python sdk.py
"""

import logging
import os

os.environ.setdefault("INNGEST_DEV", "1")

import fastapi
import inngest
import inngest.fast_api
import uvicorn

quiet = logging.getLogger("bench")
quiet.setLevel(logging.CRITICAL)
client = inngest.Inngest(app_id="bench", logger=quiet)


async def first() -> dict[str, object]:
    return {"ok": True, "n": 1}


async def second() -> dict[str, object]:
    return {"ok": True, "n": 2}


@client.create_function(
    fn_id="bench-two-steps",
    trigger=inngest.TriggerEvent(event="bench/two.steps"),
)
async def two_steps(ctx: inngest.Context) -> dict[str, bool]:
    await ctx.step.run("first step", first)
    await ctx.step.run("second step", second)
    return {"done": True}


app = fastapi.FastAPI()
inngest.fast_api.serve(app, client, [two_steps])

if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        workers=1,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
