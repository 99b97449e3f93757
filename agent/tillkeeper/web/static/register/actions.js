// @ts-check
/** What a person can do with orders and checks: each action asks for what it needs, gives the command, and says how it ended. */

import { CHECK_STATES } from "../shared/words.js";
import { Amount, Pick, REASONS, Reason } from "../shared/dialogs.js";
import { commandsOf, isEmpty } from "./order.js";
import { sentWords } from "./sent.js";
import { ifTheSame, payAlthough, take } from "./together/elsewhere.js";
import { FREEZES } from "./together/frozen.js";

const AGAIN_MS = 500;

const at = (check, rest) => `/v1/checks/${encodeURIComponent(check.check_id)}/${rest}`;

/** @param {any} desk */
export function createActions(desk) {
  const { drafts, outbox, store } = desk;
  const run = (check, rest, body, label, more = {}) => desk.command({ lane: check.check_id, path: at(check, rest), body, label: `${label} ${check.ticket_code}`, ...more });
  let asked = 0;
  const said = (result, words) => result.ok && desk.toast(words, "good");

  /** A name that stays while one draft is sent twice by two fingers. */
  async function give(draft, send) {
    const commands = commandsOf(draft, send);
    const who = desk.entering();
    const lane = draft.check_id || draft.id;
    let first = null;
    let second = null;
    try {
      first = outbox.add({ ...who, ...commands[0], lane, draft: draft.lines.length || !draft.check_id ? draft.id : "" });
      drafts.keep({ ...draft, sending: first.id });
      if (commands[1]) second = outbox.add({ ...who, ...commands[1], lane });
    } catch (error) {
      desk.toast(error.message, "bad");
      return { ok: false, problem: { words: error.message } };
    }
    desk.showDraft();
    const moved = setTimeout(() => movedOn(draft), 1500);
    const results = await Promise.all([desk.follow(first), second ? desk.follow(second, true) : null]);
    clearTimeout(moved);
    return results[0];
  }

  /** The register does not answer: the order is kept, and the next guest can be served. */
  function movedOn(draft) {
    if (drafts.current?.id !== draft.id) return;
    desk.ahead.end();
    drafts.start(desk.orderType());
    desk.showDraft();
    desk.toast("The register does not answer. The order is kept here and is sent by itself.", "info");
  }

  /** The check, as soon as the register answers; null where there is none, or the person has turned to something else. */
  async function found(ref) {
    asked += 1;
    const mine = asked;
    const { route } = store.get();
    for (let tries = 0; mine === asked && store.get().route === route; tries += 1) {
      const { check, final } = await desk.readCheck(ref, tries === 0);
      if (check || final) return check;
      await new Promise((go) => setTimeout(go, AGAIN_MS));
    }
    return null;
  }

  const actions = {
    /** @param {boolean} send false parks it @returns {Promise<any>} the result, or undefined */
    async send(send = true) {
      const draft = drafts.current;
      if (!draft || draft.sending || (isEmpty(draft) && !draft.check_id)) return undefined;
      return desk.once(`send.${draft.id}`, async () => {
        const wasCurrent = draft.id;
        const before = store.get().checks[draft.check_id] ?? null;
        const result = await give(draft, send);
        if (!result.ok) return undefined;
        const code = result.value.ticket_code || draft.ticket_code;
        desk.toast(send ? sentWords(code, draft.lines, before) : `${code} is parked.`, "good");
        if (!drafts.current || drafts.current.id === wasCurrent) drafts.start(desk.orderType());
        desk.showDraft();
        await ifTheSame(desk, result);
        return result.value;
      });
    },

    /** Send what is new, then ask for money. */
    async pay() {
      const draft = drafts.current;
      if (!draft || draft.sending) return;
      desk.ahead.begin();
      if (draft.check_id && !draft.lines.length) {
        desk.go("pay", draft.check_id);
        return;
      }
      const before = store.get().route;
      const result = await actions.send(true);
      const elsewhere = drafts.current && !isEmpty(drafts.current); // the next order has been begun meanwhile
      if (result && store.get().route === before && !elsewhere) desk.go("pay", result.check_id || draft.check_id);
      else desk.ahead.end();
    },

    /** Start afresh; what is in the current draft stays in the list of drafts. */
    fresh() {
      drafts.start(desk.orderType());
      desk.showDraft();
      desk.go("order");
    },

    /** Show a check in the order view, to ring more on it. @param {string} ref ticket code, number or long id */
    async recall(ref) {
      const check = await found(ref);
      if (!check) return null;
      if (check.elsewhere) {
        if (!await take(desk, check)) return null;
        return actions.recall(check.check_id);
      }
      if (check.state !== "open") {
        desk.toast(`${check.ticket_code} is ${CHECK_STATES[check.state].toLowerCase()}.`, "info");
        desk.go("check", check.check_id);
        return check;
      }
      drafts.forCheck(check);
      desk.showDraft();
      desk.go("order");
      return check;
    },

    fire: (check, body, label = "Fire") => desk.once(`fire.${check.check_id}`, async () => said(await run(check, "fire", body, label), "Fired.")),
    hold: (check, ids) => desk.once(`hold.${check.check_id}`, async () => said(await run(check, "hold", { line_ids: ids }, "Hold"), "On hold.")),
    orderType: (check, type) => run(check, "order-type", { order_type: type }, "Order type of"),
    receipt: (check) => desk.once(`receipt.${check.check_id}`, async () => said(await run(check, "receipt", {}, "Receipt of"), "The receipt prints again, marked as a copy.")),
    ticket: (check) => desk.once(`ticket.${check.check_id}`, async () => said(await run(check, "ticket", {}, "Kitchen ticket of"), "The last kitchen ticket prints again, marked.")),

    async voidLine(check, line) {
      let quantity = line.quantity;
      if (line.quantity > 1) {
        const options = Array.from({ length: Math.min(line.quantity, 30) }, (_, index) => ({ value: index + 1, label: `${index + 1} of ${line.quantity}` })).reverse();
        quantity = await desk.ask(Pick, { title: `Void how many of ${line.name}?`, options });
        if (!quantity) return;
      }
      const note = line.state === "fired" ? "The kitchen has it already: a STOP goes there." : "";
      const reason = await desk.ask(Reason, { title: `Void ${quantity} × ${line.name}`, presets: REASONS.void, note });
      if (!reason) return;
      const body = quantity === line.quantity ? { reason } : { reason, quantity };
      await desk.once(`void.${line.line_id}`, async () => said(await run(check, `lines/${encodeURIComponent(line.line_id)}/void`, body, `Void of ${line.name} on`), `${line.name}: void.`));
    },

    async voidCheck(check) {
      const note = check.totals.paid_minor ? `What was paid (${store.get().money(check.totals.paid_minor)}) is given back.` : "";
      const reason = await desk.ask(Reason, { title: `Void the whole check ${check.ticket_code}`, presets: REASONS.void, note, alarm: true });
      if (!reason) return;
      const result = await desk.once(`voidcheck.${check.check_id}`, () => run(check, "void", { reason }, "Void of"));
      if (!result?.ok) return;
      const back = result.value.refund_minor ? ` Give back ${store.get().money(result.value.refund_minor)}.` : "";
      desk.toast(`${check.ticket_code} is void.${back}`, "good");
      const draft = drafts.all().find((one) => one.check_id === check.check_id);
      if (draft) desk.dropDraft(draft.id);
    },

    async discount(check, line = null) {
      const { catalogue, money } = store.get();
      const scope = line ? "line" : "check";
      const offers = catalogue.discounts.filter((one) => one.scope === scope);
      const note = (one) => (one.rate_ppm ? `${one.rate_ppm / 10_000} %` : one.amount_minor ? money(one.amount_minor) : "amount on entry");
      const code = await desk.ask(Pick, { title: line ? `Discount on ${line.name}` : `Discount on ${check.ticket_code}`, testid: "discounts",
        options: offers.map((one) => ({ value: one.code, label: one.name, note: note(one) })), note: offers.length ? "" : "The catalogue has no discount for this." });
      const offer = offers.find((one) => one.code === code);
      if (!offer) return;
      const body = { code };
      if (line) body.line_id = line.line_id;
      if (offer.rate_ppm === null && offer.amount_minor === null) {
        body.amount_minor = await desk.ask(Amount, { title: offer.name, most: check.totals.subtotal_minor - check.totals.discount_minor });
        if (!body.amount_minor) return;
      }
      if (offer.needs_reason) {
        body.reason = await desk.ask(Reason, { title: offer.name, presets: REASONS.discount });
        if (!body.reason) return;
      }
      const result = await run(check, "discounts", body, "Discount on", { quiet: true });
      desk.toast(result.ok ? `${offer.name}: given.` : result.problem.words, result.ok ? "good" : "bad");
    },

    dropDiscount: (check, discount) => run(check, `discounts/${encodeURIComponent(discount.discount_id)}/remove`, {}, `No ${discount.name} on`),

    /** @param {any} check summary or view @param {string} tender @param {number | null} minor in the tender's currency; null: exactly what is due */
    tender: (check, tender, minor) => desk.once(`tender.${check.check_id}`, async () => {
      const body = minor === null ? { tender } : { tender, tendered_minor: minor };
      let result = await run(check, "tenders", body, `Payment by ${tender} on`, { quiet: true });
      if (!result.ok && result.problem.code === "may_be_paid" && await payAlthough(desk, result.problem)) result = await run(check, "tenders", { ...body, although_unreachable: true }, `Payment by ${tender} on`, { quiet: true });
      if (!result.ok) desk.toast(result.problem.words, "bad");
      if (!result.ok && FREEZES.includes(result.problem.code)) await desk.readCheck(check.check_id);
      if (result.ok) {
        desk.forgetTrouble();
        await desk.readCheck(check.check_id);
      }
      return result;
    }),

    awaitTender: (check, tender) => desk.once(`await.${check.check_id}`, async () => {
      const result = await run(check, "await", { tender }, tender ? "Settle later:" : "Back to open:");
      said(result, tender ? `${check.ticket_code} waits for its card payment. Find it under Checks, Awaiting card.` : `${check.ticket_code} is an open check again.`);
      return result;
    }),

    async refund(check, body, words) {
      const reason = await desk.ask(Reason, { title: `Refund ${words}`, presets: REASONS.refund });
      if (!reason) return false;
      const result = await desk.once(`refund.${check.check_id}`, () => run(check, "refunds", { ...body, reason }, "Refund of"));
      if (!result?.ok) return false;
      desk.toast(`Give back ${store.get().money(result.value.refund_minor ?? 0)}.`, "good");
      await desk.readCheck(check.check_id);
      return true;
    },

    async noSale() {
      const { drawer } = desk.place();
      if (!drawer) {
        desk.toast("This place has no drawer.", "info");
        return;
      }
      const reason = await desk.ask(Reason, { title: "Open the drawer without a sale", presets: REASONS.no_sale });
      if (reason) await desk.once("no-sale", async () => said(await desk.command({ lane: `drawer.${drawer}`, path: "/v1/no-sales", body: { drawer, reason }, label: "No sale" }), "The drawer opens."));
    },
  };
  return actions;
}
