// @ts-check
/** How much room there is for tickets, in the units that `paginate` counts in. */

import { useLayoutEffect, useRef, useState } from "../vendor/preact.js";

const COLUMN_EM = 15.5; // the least width of a column
const GAP_EM = 0.6;
const LETTER_EM = 0.53; // the width of a letter, on average
const TOUCH_PX = 44;

/**
 * @param {any[]} changes measure again when one of these changes
 * @param {any} content texts that turn out higher than thought make the next drawing more careful
 * @returns {{box: {current: any}, screen: {columns: number, height: number, room: number, touch: number, slack: number}}}
 */
export function useColumns(changes, content) {
  const box = useRef(/** @type {any} */ (null));
  const [screen, setScreen] = useState({ columns: 3, height: 24, room: 28, touch: 3, slack: 1 });

  useLayoutEffect(() => {
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = box.current;
      const em = parseFloat(getComputedStyle(box.current).fontSize);
      const columns = Math.max(1, Math.floor((width / em + GAP_EM) / (COLUMN_EM + GAP_EM)));
      const room = ((width / em - (columns - 1) * GAP_EM) / columns - 1.6) / LETTER_EM;
      const touch = TOUCH_PX / em;
      setScreen((before) => (before.columns === columns && before.height === height / em && before.room === room && before.touch === touch
        ? before : { columns, height: height / em, room, touch, slack: 1 }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, changes);

  useLayoutEffect(() => {
    const over = [...box.current.querySelectorAll(".column")].some((column) => column.scrollHeight > column.clientHeight + 1
      && column.querySelectorAll(".line").length > 1); // one line that is higher than the screen is scrolled
    if (over) setScreen((before) => (before.slack < 2 ? { ...before, slack: before.slack + 0.08 } : before));
  }, [content, screen]);

  return { box, screen };
}
