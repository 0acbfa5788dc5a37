// Reads an AsyncAPI document with the project's own parser; prints what it says of it as JSON, one diagnostic a line, then a summary.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
for (const { severity, message, path } of diagnostics) console.log(JSON.stringify({ severity, message, path: path.join("/") }));
const messages = document?.allMessages().all() ?? [];
console.log(JSON.stringify({
  version: document?.version(),
  channels: (document?.allChannels().all() ?? []).map((channel) => channel.address()),
  messages: messages.map((message) => message.name()),
  payloads: messages.filter((message) => message.payload()?.type() === "object").length,
}));
