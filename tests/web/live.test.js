import assert from "node:assert/strict";
import { test } from "node:test";
import { createLive } from "../../agent/tillkeeper/web/static/shared/live.js";
import { FakeTime } from "./fakes.js";

/** Sockets that open, talk, hang or die when the test says so. */
function world({ refuse = () => false } = {}) {
  const time = new FakeTime();
  const sockets = [];
  const heard = [];
  const states = [];
  class Socket {
    constructor(url, protocols) {
      Object.assign(this, { url, protocols, closed: false });
      sockets.push(this);
      if (refuse()) time.later(() => this.onclose?.({ code: 1006 }), 1);
    }
    close() { this.closed = true; }
    say(message) { this.onmessage?.({ data: typeof message === "string" ? message : JSON.stringify(message) }); }
    die(code = 1006) { this.onclose?.({ code }); }
  }
  const live = createLive({ url: () => "ws://x/v1/live", protocols: () => ["tillkeeper.v1"], onMessage: (message) => heard.push(message.type), onState: (state) => states.push([state, time.now()]),
    Socket, later: time.later, cancel: time.cancel, random: () => 0.5 });
  live.start();
  return { time, sockets, heard, states, live };
}

test("nothing counts before the snapshot", () => {
  const w = world();
  w.sockets[0].say({ type: "check" });
  w.sockets[0].say({ type: "snapshot" });
  w.sockets[0].say({ type: "check" });
  assert.deepEqual(w.heard, ["snapshot", "check"]);
  assert.equal(w.live.state, "live");
});

test("it is back within a second of the agent, however long that was away", async () => {
  let down = false;
  const w = world({ refuse: () => down });
  w.sockets[0].say({ type: "snapshot" });
  down = true;
  w.sockets[0].die(1012);
  assert.equal(w.live.state, "lost");
  await w.time.pass(120_000);
  assert.ok(w.sockets.length > 100, "it kept trying");
  down = false;
  const back = w.time.now();
  while (w.sockets.at(-1).closed || w.time.now() === back) await w.time.pass(50);
  w.sockets.at(-1).say({ type: "snapshot" });
  assert.equal(w.live.state, "live");
  assert.ok(w.time.now() - back <= 1000, `${w.time.now() - back} ms`);
});

test("a connection that hangs is replaced; one that only was quiet is not missed for a moment", async () => {
  const w = world();
  w.sockets[0].say({ type: "snapshot" });
  await w.time.pass(15_000);
  assert.equal(w.sockets.length, 2);
  assert.equal(w.live.state, "live", "not lost yet: the new one has to be given its chance");
  w.sockets[1].say({ type: "snapshot" });
  assert.equal(w.sockets[0].closed, true);
  assert.deepEqual(w.states.map(([state]) => state), ["live"]);
  await w.time.pass(15_000);
  await w.time.pass(4000);
  assert.equal(w.live.state, "lost", "the second silence was a real one");
});

test("words that are no words end the connection, and stopping ends everything", async () => {
  const w = world();
  w.sockets[0].say("{not json");
  assert.equal(w.live.state, "lost");
  await w.time.pass(1000);
  assert.equal(w.sockets.length, 2);
  w.live.stop();
  await w.time.pass(60_000);
  assert.equal(w.sockets.length, 2);
  assert.equal(w.time.timers.size, 0);
});
