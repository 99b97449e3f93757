// @ts-check
/**
 * The live connection of a page: a snapshot and then changes (`WS /v1/live`). It comes back within a second of the agent, and
 * notices a connection that hangs by its silence: the register says something every few seconds, so after `silenceMs` without a
 * word a new connection is made and the old one closed once the new one has its snapshot.
 */

/**
 * @typedef {"connecting" | "live" | "lost"} LiveState
 * @param {{url: () => string, protocols: () => string[], onMessage: (message: any) => void, onState: (state: LiveState, facts: {code?: number}) => void,
 *   Socket?: typeof WebSocket, silenceMs?: number, openMs?: number, retryMs?: number, random?: () => number,
 *   later?: (work: () => void, ms: number) => any, cancel?: (timer: any) => void}} options
 * @returns {{start: () => void, stop: () => void, retry: () => void, readonly state: LiveState}}
 */
export function createLive({ url, protocols, onMessage, onState, Socket = globalThis.WebSocket, silenceMs = 15000, openMs = 4000,
  retryMs = 700, random = Math.random, later = setTimeout, cancel = clearTimeout }) {
  /** @type {LiveState} */
  let state = "connecting";
  let current = null; // the socket whose messages count
  let next = null; // one that has not sent its snapshot yet
  let quiet = null;
  let patience = null;
  let retry = null;
  let stopped = true;

  function become(fresh, facts = {}) {
    if (state === fresh) return;
    state = fresh;
    onState(fresh, facts);
  }

  function close(socket) {
    if (!socket) return;
    socket.onmessage = socket.onclose = socket.onerror = null;
    try {
      socket.close();
    } catch {
      // closed while it was being opened
    }
  }

  function connect() {
    cancel(retry);
    cancel(patience);
    close(next);
    let socket;
    try {
      socket = new Socket(url(), protocols());
    } catch {
      failed(null, {});
      return;
    }
    next = socket;
    patience = later(() => failed(socket, {}), openMs);
    socket.onmessage = (event) => heard(socket, event.data);
    socket.onclose = (event) => failed(socket, { code: event.code });
    socket.onerror = () => {}; // a close follows
  }

  function heard(socket, data) {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      failed(socket, {});
      return;
    }
    if (socket === next) {
      if (message.type !== "snapshot") return;
      cancel(patience);
      close(current);
      current = next;
      next = null;
    }
    if (socket !== current) return;
    cancel(quiet);
    quiet = later(connect, silenceMs);
    become("live");
    onMessage(message);
  }

  function failed(socket, facts) {
    if (stopped) return;
    if (socket === next) {
      cancel(patience);
      close(next);
      next = null;
      close(current); // it was silent before the new one was tried
      current = null;
    } else if (socket === current) {
      close(current);
      current = null;
    }
    if (next) return;
    cancel(quiet);
    become("lost", facts);
    cancel(retry);
    retry = later(connect, retryMs * (0.6 + random() * 0.4));
  }

  return {
    get state() {
      return state;
    },
    start() {
      stopped = false;
      connect();
    },
    stop() {
      stopped = true;
      for (const timer of [quiet, patience, retry]) cancel(timer);
      close(current);
      close(next);
      current = next = null;
    },
    /** Try at once: the browser says that it is online again, or the page is looked at again. */
    retry() {
      if (!stopped && state !== "live") connect();
    },
  };
}
