// @ts-check
/** How a page knows its register: the token from the link (`#token=...`), or the one that a paired device made (pair/), kept in the
 * browser and taken out of the address. */

export const TOKEN = "tk.token";

/** @returns {Storage | null} the browser's storage, null where it is forbidden or refuses to take anything */
export function openStorage() {
  try {
    const probe = "tk.probe";
    localStorage.setItem(probe, "1");
    localStorage.removeItem(probe);
    return localStorage;
  } catch {
    return null;
  }
}

/**
 * A part of the browser's storage under a name of its own: the register's page may be open in the same browser.
 * @param {Storage | null} storage @param {string} scope @returns {Storage | null}
 */
export function scoped(storage, scope) {
  if (!storage) return null;
  const inner = (index) => storage.key(index);
  return /** @type {any} */ ({
    get length() {
      return storage.length;
    },
    key: (index) => (inner(index)?.startsWith(scope) ? inner(index).slice(scope.length) : ""),
    getItem: (name) => storage.getItem(scope + name),
    setItem: (name, text) => storage.setItem(scope + name, text),
    removeItem: (name) => storage.removeItem(scope + name),
  });
}

/**
 * @param {{location: Location, history: History, storage: Storage | null}} browser
 * @returns {{token: string, terminal: string, params: URLSearchParams}} `token` is empty where the page was never paired
 */
export function pair({ location, history, storage }) {
  const params = new URLSearchParams(location.search);
  const secret = new URLSearchParams(location.hash.startsWith("#token=") ? location.hash.slice(1) : "");
  const given = secret.get("token") ?? "";
  if (given) {
    history.replaceState(null, "", location.pathname + location.search);
    try {
      storage?.setItem(TOKEN, given);
    } catch {
      // full: the token then lasts as long as the page; whoever needs the storage says so
    }
  }
  const token = given || read(storage);
  return { token, terminal: params.get("terminal") ?? "", params };
}

function read(storage) {
  try {
    return storage?.getItem(TOKEN) ?? "";
  } catch {
    return "";
  }
}

/** @returns {string} 256 random bits, base64url: what a device makes for itself when it is paired */
export function newToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {string} path @returns {string} the WebSocket address of this register */
export const wsUrl = (path) => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;

/** @param {string} token @returns {string[]} sub-protocols that carry the token, for browsers can set no header there */
export const wsProtocols = (token) => ["tillkeeper.v1", `bearer.${token}`];
