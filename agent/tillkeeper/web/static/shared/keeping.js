// @ts-check
/** Keeps this page in the browser, so that it loads while the register is away: by a service worker, which browsers have over HTTPS. */

/**
 * @param {{navigator: Navigator, location: Location, secure: boolean}} browser `secure`: `isSecureContext`
 * @returns {{survives: boolean, update: () => void, kept: Promise<boolean>}} `survives`: this page may be kept; on the register itself
 *   it need not be. `kept`: whether the browser trusts the register enough to keep it. `update`: look for a newer version.
 */
export function keepPage({ navigator, location, secure }) {
  const wanted = location.protocol === "https:" && Boolean(navigator.serviceWorker);
  /** @type {ServiceWorkerRegistration | null} */
  let registration = null;
  const kept = !wanted ? Promise.resolve(false) : navigator.serviceWorker.register("/sw.js", { updateViaCache: "none" }).then(
    (made) => {
      registration = made;
      return true;
    },
    () => false, // the certificate is not installed on this device
  );
  return { survives: secure, kept, update: () => void registration?.update().catch(() => {}) };
}

/** What a page without HTTPS says of itself. */
export const UNKEPT = {
  title: "THIS PAGE WILL NOT SURVIVE A RELOAD",
  words: "It came without HTTPS: while the register is away it does not load again, and anybody on the network can listen. See [lan] in the register's configuration.",
};
