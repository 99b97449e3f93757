// @ts-check
/** A page of which a file did not come - this machine got another address, the register went away in between - loads itself anew once
 * the register answers. A script of its own and before all else, for of modules none runs where one is missing. */
(() => {
  const AGAIN_MS = 1000;
  const PATIENCE_MS = 3000;
  let waiting = false;

  const again = () => setTimeout(() => {
    fetch(location.pathname, { method: "HEAD", signal: AbortSignal.timeout(PATIENCE_MS) }).then(() => location.reload(), again);
  }, AGAIN_MS);

  addEventListener("error", ({ target }) => {
    if (waiting || !(target instanceof HTMLScriptElement || target instanceof HTMLLinkElement)) return;
    waiting = true;
    again();
  }, true); // such an event goes down to its element and never up
})();
