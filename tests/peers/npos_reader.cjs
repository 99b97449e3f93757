// A printer that never answers: it takes one connection after the other at a TCP port and says how `npos` reads what came.
//
//     node npos_reader.cjs FOLDER        (the folder that has node_modules)
//
// Standard output, a JSON object a line: {"port": n} first; after each connection {"error": text | null, "commands":
// [[name, bytes in hex], ...]}, where the name of text is "TEXT".
"use strict";
const net = require("net");
const path = require("path");

const library = path.join(process.argv[2], "node_modules", "npos", "lib");
const Parser = require(path.join(library, "parser"));
const rules = require(path.join(library, "parser", "rules"));
const symbols = require(path.join(library, "parser", "symbols"));

// What its rules lack of what is sent, added in the way its own README names: GS ( k, as long as its other GS ( commands.
rules[symbols.GS]["(k"] = [0, "d16"];

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const server = net.createServer((socket) => {
  const pieces = [];
  socket.on("data", (data) => pieces.push(data));
  socket.on("error", () => {});
  socket.on("close", () => {
    const raw = Buffer.concat(pieces);
    if (!raw.length) return;
    const read = new Parser(rules).analyze(raw);
    say({
      error: read.error ? read.error.message : null,
      commands: (read.tree || []).map((node) => [
        node.ascii === "STX" ? "TEXT" : `${node.ascii} ${node.fn}`.trim(),
        raw.subarray(node.offset, node.offset + node.length).toString("hex"),
      ]),
    });
  });
});
server.listen(0, "127.0.0.1", () => say({ port: server.address().port }));
process.stdin.on("end", () => process.exit(0)).resume();
