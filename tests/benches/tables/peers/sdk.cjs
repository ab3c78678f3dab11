// Benchmark peer: the official TypeScript SDK on its own node:http adapter.
// Serves app "bench" with the one function "bench-two-steps" at
// http://127.0.0.1:$PORT/api/inngest. Start: PORT=3002 node sdk.cjs
process.env.INNGEST_DEV ??= "1";

const { createServer } = require("node:http");
const { Inngest } = require("inngest");
const { serve } = require("inngest/node");

const mute = () => {};
const quiet = { info: mute, warn: mute, error: mute, debug: mute };
// Checkpointing is on by default in v4 and wraps the result in a 206 operation; off, the answer
// is the plain 200 that the other SDKs give.
const client = new Inngest({ id: "bench", checkpointing: false, logger: quiet });

const twoSteps = client.createFunction(
  { id: "bench-two-steps", triggers: [{ event: "bench/two.steps" }] },
  async ({ step }) => {
    await step.run("first step", () => ({ ok: true, n: 1 }));
    await step.run("second step", () => ({ ok: true, n: 2 }));
    return { done: true };
  },
);

// One handler for all requests: the SDK's own createServer() builds a new one per request.
const handler = serve({ client, functions: [twoSteps] });
createServer((req, res) => {
  if (req.url.split("?", 1)[0] === "/api/inngest") return handler(req, res);
  res.writeHead(404).end();
}).listen(Number(process.env.PORT), "127.0.0.1");
