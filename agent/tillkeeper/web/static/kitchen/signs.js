// @ts-check
/** The full-width signs above the tickets: what a cook has to know about the screen itself. Pure. */

import { UNKEPT } from "../shared/keeping.js";
import { clock, counted, sentence } from "../shared/words.js";

/**
 * @typedef {{id: string, level: "bad"|"warn"|"info", title: string, words: string, action?: string}} Sign
 * @param {{registers: import("./kitchen.js").Register[], unsent: number, dropped: number, sound: "on"|"off"|"none", muted: boolean,
 *   zone: string, unpaired: string, elsewhere: string[], network?: {phase: string, headline: string, works: string} | null, late?: {subject: string, text: string}[], survives?: boolean}} facts
 *   `elsewhere`: codes of cards with a STOP that are not on this page; `network`: what the register's prober says, null where it is not heard;
 *   `late`: the register's advisories of tickets that have not come out; `survives`: the page loads while the register is away
 * @returns {Sign[]} the most urgent first
 */
export function signsOf({ registers, unsent, dropped, sound, muted, zone, unpaired, elsewhere, network = null, late = [], survives = true }) {
  /** @type {Sign[]} */
  const signs = [];
  const away = registers.filter((register) => register.state === "lost");
  const live = registers.filter((register) => register.state === "live");
  const taken = registers.filter((register) => register.state === "replaced");
  if (taken.length) {
    signs.push({ id: "replaced", level: "bad", title: "THIS DISPLAY IS OPEN ON ANOTHER SCREEN",
      words: "New tickets go there and not here.", action: "Use this screen" });
  } else if (unpaired && !live.length) {
    signs.push({ id: "unpaired", level: "bad", title: "NOT PAIRED", words: unpaired });
  } else if (away.length && !live.length) {
    const since = Math.min(...away.map((register) => register.since));
    const kept = unsent ? ` ${counted(unsent, "bump")} kept, to be sent when it is back.` : " Bumps are kept and sent when it is back.";
    signs.push({ id: "lost", level: "bad", title: `NO CONNECTION TO ${registers.length > 1 ? "ANY REGISTER" : "THE REGISTER"} since ${clock(since, zone)}`,
      words: `New orders do not arrive here. What is on the screen stays.${kept}` });
  } else {
    for (const register of away) {
      signs.push({ id: "register-lost", level: "warn", title: `No connection to ${register.name} since ${clock(register.since, zone)}`,
        words: "Its new orders do not arrive here. The other registers go on." });
    }
  }
  for (const one of live.length ? late : []) {
    signs.push({ id: `late-${one.subject}`, level: "bad", title: "A TICKET HAS NOT COME OUT", words: one.text });
  }
  if (elsewhere.length) {
    signs.push({ id: "stop", level: "bad", title: `STOP: ${elsewhere.slice(0, 6).join(", ")}${elsewhere.length > 6 ? " …" : ""}`,
      words: "Cancelled while it was being made.", action: "Show" });
  }
  if (muted || sound !== "on") {
    const none = sound === "none";
    signs.push({ id: "sound-off", level: "warn", title: "SOUND OFF", words: none ? "This browser makes no sound." : "Tap here to hear new tickets.",
      ...(none ? {} : { action: "Sound on" }) });
  }
  if (live.length && network?.phase === "confirmed") {
    signs.push({ id: "network", level: "info", title: sentence(network.headline), words: network.works });
  }
  if (!survives) signs.push({ id: "unkept", level: "warn", ...UNKEPT });
  if (dropped) {
    signs.push({ id: "dropped", level: "warn", title: `${counted(dropped, "oldest ticket")} left the screen`, words: "There were too many. See Recall." });
  }
  return signs;
}
