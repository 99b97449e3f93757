// @ts-check
/** What can be chosen on the preview page, as plain values: no DOM here. */

/** @typedef {{documents: string[], stations: Record<string, string>, languages: string[], columns: number[], language: string}} Options */
/** @typedef {{document: string, station: string, language: string, columns: string, training: boolean, copy: boolean}} Choice */

export const DOCUMENTS = {
  receipt: "Receipt", refund_receipt: "Refund receipt", kitchen_ticket: "Kitchen ticket", change_slip: "Change slip",
  test_slip: "Test slip", x_report: "X report", z_report: "Z report",
  day_report: "End of day",
};
const FOR_STATIONS = ["kitchen_ticket", "change_slip"];
const COPIED = ["receipt", "refund_receipt", "x_report", "z_report", "day_report"];
const PAPERS = { 32: "58 mm, 32 characters", 40: "76 mm, 40 characters", 42: "80 mm, 42 characters", 48: "80 mm, 48 characters" };

/** @param {string} document @returns {boolean} whether it is printed at a station, with the station's layout and language */
export const hasStation = (document) => FOR_STATIONS.includes(document);

/** @param {string} document @returns {boolean} whether there are copies of it */
export const hasCopies = (document) => COPIED.includes(document);

/** @param {number} columns @returns {string} the paper in words */
export const paperTitle = (columns) => PAPERS[columns] ?? `${columns} characters`;

/**
 * @param {string} tag "de-CH"
 * @param {string} [reader] the language to name it in
 * @returns {string} "German (Switzerland)", or the tag where nobody knows it
 */
export function languageTitle(tag, reader = "en") {
  try {
    return new Intl.DisplayNames([reader], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/**
 * @param {Options} options
 * @param {URLSearchParams} asked the page's address: `?document=kitchen_ticket&language=de`
 * @returns {Choice} what is shown first; what the register does not know is left to its own choice
 */
export function firstChoice(options, asked) {
  const one = (/** @type {string} */ name, /** @type {string[]} */ known, fallback = "") =>
    known.includes(asked.get(name) ?? "") ? /** @type {string} */ (asked.get(name)) : fallback;
  return {
    document: one("document", options.documents, options.documents[0] ?? "receipt"),
    station: one("station", Object.keys(options.stations)),
    language: one("language", options.languages),
    columns: one("columns", options.columns.map(String)),
    training: asked.get("training") === "true",
    copy: asked.get("copy") === "1",
  };
}

/** @param {Choice} choice @returns {URLSearchParams} only what means something for this document */
export function query(choice) {
  const asked = new URLSearchParams();
  if (choice.station && hasStation(choice.document)) asked.set("station", choice.station);
  if (choice.language) asked.set("language", choice.language);
  if (choice.columns) asked.set("columns", choice.columns);
  if (choice.training) asked.set("training", "true");
  if (choice.copy && hasCopies(choice.document)) asked.set("copy", "1");
  return asked;
}

/** @param {Choice} choice @returns {string} the route of its picture */
export function picturePath(choice) {
  const asked = query(choice).toString();
  return `/v1/preview/${encodeURIComponent(choice.document)}${asked ? `?${asked}` : ""}`;
}

/** @param {Choice} choice @param {Options} options @returns {string} the picture in words, for those who do not see it */
export function inWords(choice, options) {
  const parts = [DOCUMENTS[choice.document] ?? choice.document];
  if (choice.station && hasStation(choice.document)) parts.push(options.stations[choice.station] ?? choice.station);
  parts.push(languageTitle(choice.language || options.language));
  if (choice.columns) parts.push(paperTitle(Number(choice.columns)));
  if (choice.training) parts.push("training");
  if (choice.copy && hasCopies(choice.document)) parts.push("as a copy");
  return parts.join(", ");
}
