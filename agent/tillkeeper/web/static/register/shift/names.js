// @ts-check
/** Employees by name; an id that the roster does not know (any more) stands for itself. */

import { useEffect, useState } from "../../vendor/preact.js";

/** @param {any} desk @returns {(employee: string) => string} */
export function useNames(desk) {
  const [names, setNames] = useState(/** @type {Record<string, string>} */ ({}));
  useEffect(() => {
    let gone = false;
    const take = (found) => gone || setNames(Object.fromEntries(found.staff.map((one) => [one.employee, one.name])));
    desk.api.get("/v1/staff").then(take, () => {});
    return () => { gone = true; };
  }, []);
  return (employee) => names[employee] ?? employee;
}
