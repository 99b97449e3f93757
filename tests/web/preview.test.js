import assert from "node:assert/strict";
import { test } from "node:test";
import { firstChoice, hasCopies, hasStation, inWords, languageTitle, paperTitle, picturePath } from "../../agent/tillkeeper/web/static/preview/choice.js";

const OPTIONS = {
  documents: ["receipt", "kitchen_ticket"], stations: { grill: "Grill" }, languages: ["de", "en"], columns: [32, 48], language: "en",
};
const plain = { document: "receipt", station: "", language: "", columns: "", training: false, copy: false };

test("the address chooses, and what the register does not know is left to it", () => {
  assert.deepEqual(firstChoice(OPTIONS, new URLSearchParams()), plain);
  const asked = new URLSearchParams("document=kitchen_ticket&station=grill&language=xx&columns=7&training=true&copy=1");
  assert.deepEqual(firstChoice(OPTIONS, asked), { ...plain, document: "kitchen_ticket", station: "grill", training: true, copy: true });
});

test("the route carries only what means something for the document", () => {
  assert.equal(picturePath(plain), "/v1/preview/receipt");
  const all = { document: "kitchen_ticket", station: "grill", language: "de", columns: "32", training: true, copy: true };
  assert.equal(picturePath(all), "/v1/preview/kitchen_ticket?station=grill&language=de&columns=32&training=true");
  assert.equal(picturePath({ ...all, document: "receipt" }), "/v1/preview/receipt?language=de&columns=32&training=true&copy=1");
  assert.equal(picturePath({ ...plain, document: "a/b?c" }), "/v1/preview/a%2Fb%3Fc");
});

test("words for those who do not see the picture", () => {
  assert.equal(inWords({ ...plain, document: "kitchen_ticket", station: "grill", columns: "32" }, OPTIONS), "Kitchen ticket, Grill, English, 58 mm, 32 characters");
  assert.equal(inWords({ ...plain, language: "de", training: true, copy: true }, OPTIONS), "Receipt, German, training, as a copy");
});

test("documents, papers and languages have titles", () => {
  assert.ok(hasStation("change_slip") && !hasStation("receipt"));
  assert.ok(hasCopies("z_report") && !hasCopies("kitchen_ticket"));
  assert.equal(paperTitle(48), "80 mm, 48 characters");
  assert.equal(paperTitle(56), "56 characters");
  assert.equal(languageTitle("de"), "German");
  assert.equal(languageTitle("!"), "!");
});
