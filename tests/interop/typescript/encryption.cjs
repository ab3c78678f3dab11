// The encryption middleware for TypeScript, for `encryption_interop.rs`.
//
// Usage: node encryption.cjs MODULES, where MODULES is the folder with `node_modules`. Reads requests from
// standard input and answers them as `../python/encryption.py` does.

const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { join } = require("node:path");

const installed = createRequire(join(process.argv[2], "package.json"));
const { encryptionMiddleware } = installed("@inngest/middleware-encryption");
const { Inngest } = installed("inngest");

const client = new Inngest({ id: "peer", isDev: true });

function middleware({ key, fallbacks, field }) {
  const options = { key, fallbackDecryptionKeys: fallbacks, eventEncryptionField: field };
  return new (encryptionMiddleware(options))({ client });
}

async function encrypt(mw, slot, data) {
  if (slot === "event") {
    const sent = await mw.transformSendEvent({ events: [{ name: "shared", data }] });
    return sent.events[0].data;
  }
  const step = { stepInfo: { stepType: "invoke" }, input: [{ payload: { data } }] };
  return (await mw.transformStepInput(step)).input[0].payload.data;
}

async function decrypt(mw, data) {
  const event = { name: "shared", data };
  const { ctx } = await mw.transformFunctionInput({ ctx: { event, events: [event] } });
  if (JSON.stringify(ctx.event.data) !== JSON.stringify(ctx.events[0].data)) {
    throw new Error("the events differ");
  }
  return ctx.event.data;
}

async function main() {
  for (const line of readFileSync(0, "utf8").trim().split("\n")) {
    const request = JSON.parse(line);
    const mw = middleware(request);
    const answer = {
      encrypted: await encrypt(mw, request.slot, request.encrypt),
      decrypted: await decrypt(mw, request.decrypt),
    };
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
}

main();
