// @ts-check
/**
 * The connection to one register's display door. It says that the register is lost after three beats of silence, and tries again
 * at most a second later, for ever. A connection that does not say welcome in time is given up and replaced.
 */

/**
 * @typedef {"connecting"|"live"|"lost"|"replaced"} LinkState `replaced`: another page has taken this display; nobody fights
 * @param {{url: string, protocols: string[], hello: () => object, onFrame: (frame: any) => void, onState: (state: LinkState) => void,
 *   Socket?: typeof WebSocket, openMs?: number, retryMs?: number, random?: () => number,
 *   later?: (work: () => void, ms: number) => any, cancel?: (timer: any) => void}} options
 */
export function createLink({ url, protocols, hello, onFrame, onState, Socket = globalThis.WebSocket, openMs = 2500, retryMs = 1000,
  random = Math.random, later = setTimeout, cancel = clearTimeout }) {
  /** @type {LinkState} */
  let state = "connecting";
  let socket = null;
  let watch = null; // gives a silent connection up
  let retry = null;
  let beatMs = 1500;
  let stopped = true;

  function become(fresh) {
    if (state === fresh) return;
    state = fresh;
    onState(fresh);
  }

  function drop() {
    cancel(watch);
    cancel(retry);
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    try {
      socket.close();
    } catch {
      // it was still being opened
    }
    socket = null;
  }

  function connect() {
    drop();
    try {
      socket = new Socket(url, protocols);
    } catch {
      lost(); // no such address
      return;
    }
    const mine = socket;
    watch = later(lost, openMs);
    mine.onopen = () => mine.send(JSON.stringify({ type: "hello", ...hello() }));
    mine.onmessage = (event) => mine === socket && heard(event.data);
    mine.onclose = () => mine === socket && lost();
    mine.onerror = () => {}; // a close follows
  }

  function lost() {
    drop();
    if (stopped) return;
    become("lost");
    retry = later(connect, retryMs * (0.3 + 0.7 * random()));
  }

  function heard(text) {
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      lost();
      return;
    }
    if (frame.type === "bye" && frame.reason === "replaced") {
      drop();
      become("replaced");
      return;
    }
    if (frame.type === "welcome") beatMs = Math.max(100, frame.beat_s * 1000);
    cancel(watch);
    watch = later(lost, 3 * beatMs);
    if (frame.type === "welcome") become("live");
    onFrame(frame);
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
      drop();
    },
    /** Connect now: the browser is online again, or a person takes the display back. */
    again() {
      if (!stopped && state !== "live") connect();
    },
    /** Connect anew, whatever the state: this very page had taken the display from itself. */
    restart() {
      become("connecting");
      connect();
    },
    /** @param {object} frame @returns {boolean} whether it went out */
    send(frame) {
      if (!socket || state !== "live" || socket.readyState !== 1) return false;
      socket.send(JSON.stringify(frame));
      return true;
    },
  };
}
