// What the tests of the kitchen page have in common: tickets, a clock that is turned by hand, a browser's storage, a socket.

export function ticket(over = {}) {
  return { check_id: "c1", ticket_code: "B-001", revision: 1, station: "grill", order_type: "TAKEOUT", items: [item("l1")], fired_at_ms: 0,
    table: "", server: "", terminal: "", name: "", covers: 0, note: "", rush: false, check_number: null, ...over };
}

export const item = (line_id, over = {}) => ({ line_id, quantity: 1, name: "Burger", action: "add", modifiers: [], note: "", seat: null,
  course: 1, order_type: "", previous_quantity: null, ...over });

let jobs = 0;
export const frame = (over = {}, frameOver = {}) => ({ type: "ticket", seq: ++jobs, job_id: frameOver.job_id ?? `j${jobs}`, marks: [], replay: false, ...frameOver, ticket: ticket(over) });

export const put = (register, one, born = 0) => ({ type: "ticket", register, frame: one, born });

export function memoryStorage(room = Infinity) {
  const map = new Map();
  return {
    get length() { return map.size; },
    key: (n) => [...map.keys()][n] ?? null,
    getItem: (name) => map.get(name) ?? null,
    setItem(name, text) {
      if (text.length > room) throw new DOMException("full", "QuotaExceededError");
      map.set(name, String(text));
    },
    removeItem: (name) => void map.delete(name),
    map,
  };
}

/** Timers that go off when `pass` turns the clock. */
export function handClock() {
  let now = 0;
  let count = 0;
  const timers = new Map();
  return {
    now: () => now,
    later: (work, ms) => (timers.set(++count, { at: now + ms, work }), count),
    cancel: (id) => timers.delete(id),
    waiting: () => timers.size,
    pass(ms) {
      const until = now + ms;
      for (;;) {
        const due = [...timers].filter(([, timer]) => timer.at <= until).sort((a, b) => a[1].at - b[1].at)[0];
        if (!due) break;
        now = due[1].at;
        timers.delete(due[0]);
        due[1].work();
      }
      now = until;
    },
  };
}

/** A WebSocket whose other end is the test. All that were ever made are in `all`. */
export function socketClass() {
  const all = [];
  class FakeSocket {
    constructor(url, protocols) {
      Object.assign(this, { url, protocols, readyState: 0, sent: [], closed: false });
      all.push(this);
    }
    send(text) {
      if (this.readyState !== 1) throw new Error("not open");
      this.sent.push(JSON.parse(text));
    }
    close() {
      this.closed = true;
      this.readyState = 3;
    }
    opens() {
      this.readyState = 1;
      this.onopen?.();
    }
    says(message) {
      this.onmessage?.({ data: JSON.stringify(message) });
    }
    welcome(over = {}) {
      this.opens();
      this.says({ type: "welcome", device: "kitchen", epoch: "e1", seq: 0, beat_s: 1.5, now_ms: 1_000_000, register: "front", ...over });
      this.says({ type: "board", open: [], bumped: [], stop_seen: [], ...over.board });
    }
    breaks() {
      this.readyState = 3;
      this.onclose?.({ code: 1006 });
    }
  }
  return { Socket: FakeSocket, all };
}
