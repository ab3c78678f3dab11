// Value to text and back through the TypeScript package: prints both medians in microseconds.
const { readFileSync } = require("node:fs");
const { LibSodiumEncryptionService } = require("@inngest/middleware-encryption/strategies/libSodium");

const payload = JSON.parse(readFileSync(process.argv[2], "utf8"));
const seconds = Number(process.argv[3]);
const service = new LibSodiumEncryptionService("a passphrase of the benchmark");

const envelope = async () =>
  JSON.stringify({
    __ENCRYPTED__: true,
    __STRATEGY__: service.identifier,
    data: await service.encrypt(payload),
  });

async function median(work) {
  const figures = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end || figures.length < 3) {
    const started = performance.now();
    await work();
    figures.push((performance.now() - started) * 1000);
  }
  figures.sort((a, b) => a - b);
  return figures[figures.length >> 1];
}

(async () => {
  const text = await envelope();
  const opened = await service.decrypt(JSON.parse(text).data);
  if (JSON.stringify(opened) !== JSON.stringify(payload)) throw new Error("it does not open");
  console.log(await median(envelope));
  console.log(await median(async () => service.decrypt(JSON.parse(text).data)));
})();
