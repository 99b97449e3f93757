// @ts-check
/** Draws at once, and then at most every `apartMs`: five hundred tickets after a restart are a dozen drawings, not five hundred. */

/**
 * @param {{steady: () => number, draw: () => void, apartMs?: number, later?: (work: () => void, ms: number) => any, hidden?: () => boolean}} parts
 * @returns {() => void} ask for a drawing
 */
export function createPainter({ steady, draw, apartMs = 50, later = setTimeout, hidden = () => document.hidden }) {
  let last = -Infinity;
  let asked = false;

  function now() {
    asked = false;
    last = steady();
    draw();
  }

  return function paint() {
    if (asked) return;
    asked = true;
    const rest = last + apartMs - steady();
    // Timers of a page that nobody looks at are slowed down to seconds, and its tickets are to be acknowledged all the same.
    if (rest <= 0 || hidden()) queueMicrotask(now);
    else later(now, rest);
  };
}
