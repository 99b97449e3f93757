// @ts-check
/** Who has copies of this register's events, as people read it. Pure. What is not known is never shown as fine. */

import { sentence } from "./words.js";

/** @typedef {{name: string, kind: string, reachable: boolean, behind: number | null, words: string, sends?: boolean}} Sink */

export const LEVELS = {
  good: { mark: "✓", kind: "good-text" }, busy: { mark: "…", kind: "" }, bad: { mark: "!", kind: "bad-text strong" }, unknown: { mark: "?", kind: "muted" },
};

/** @param {Sink} sink @param {string} link of this page to the register @returns {keyof typeof LEVELS} */
export function level(sink, link) {
  if (link !== "live") return "unknown";
  if (!sink.reachable) return sink.words.startsWith("never heard") ? "unknown" : "bad";
  if (sink.sends === false) return "busy"; // heard, but it is others that it gets copies from
  if (typeof sink.behind !== "number") return "unknown";
  return sink.behind === 0 ? "good" : "busy";
}

/** @param {Sink} sink @returns {string} "HQ", "Register side" */
export const title = (sink) => (sink.kind === "hq" ? sink.name : `Register ${sink.name}`);

/** @param {Sink} sink @param {string} link @returns {string} */
export const words = (sink, link) => (link === "live" ? sentence(sink.words) : `Not known now. Before: ${sink.words}.`);

/**
 * How much each was behind at most since it last had everything: what progress is measured by.
 * @param {Record<string, number>} peaks @param {Sink[]} sinks @returns {Record<string, number>}
 */
export function grown(peaks, sinks) {
  return Object.fromEntries(sinks.filter((sink) => (sink.behind ?? 0) > 0).map((sink) => [key(sink), Math.max(peaks[key(sink)] ?? 0, sink.behind ?? 0)]));
}

/** @param {Sink} sink */
export const key = (sink) => `${sink.kind}.${sink.name}`;

/** What only this machine holds, and whether that is a matter of concern. @param {any} status @param {string} link @returns {{bad: boolean, words: string}} */
export function onlyHere(status, link) {
  if (link !== "live") return { bad: true, words: `Not known now. Before: ${status.only_here_words}.` };
  if (!status.sinks?.length) return { bad: status.only_here > 0, words: `${sentence(status.only_here_words)} No other machine gets copies of what is sold here.` };
  return { bad: status.only_here > 0, words: sentence(status.only_here_words) };
}
