// @ts-check
/** Sounds made by the browser itself (Web Audio): no file, no network. Browsers stay silent until somebody has touched the page. */

/** Notes: [frequency in Hz, start in s, length in s]. New, late and void are told apart without looking. */
const TUNES = {
  new: { shape: "sine", notes: [[880, 0, 0.14], [1320, 0.16, 0.22]] },
  late: { shape: "triangle", notes: [[440, 0, 0.35], [440, 0.45, 0.35]] },
  void: { shape: "square", notes: [[980, 0, 0.12], [660, 0.15, 0.12], [980, 0.3, 0.12], [660, 0.45, 0.2]] },
};
const APART_MS = 400; // twenty tickets at once make one sound

/** @param {{Audio?: typeof AudioContext, steady: () => number, onChange: () => void}} browser */
export function createSound({ Audio = globalThis.AudioContext, steady, onChange }) {
  /** @type {AudioContext | null} */
  let context = null;
  const last = {};

  function open() {
    if (!Audio) return;
    if (!context) {
      context = new Audio();
      context.onstatechange = onChange;
    }
    if (context.state !== "running") context.resume().then(onChange, onChange);
  }

  return {
    /** Call within a tap or a key press. */
    open,
    /** @returns {"on"|"off"|"none"} `off` until the first tap; `none` where the browser can not */
    get state() {
      if (!Audio) return "none";
      return context?.state === "running" ? "on" : "off";
    },
    /** @param {"new"|"late"|"void"} kind @returns {boolean} whether it was heard */
    play(kind) {
      if (context?.state !== "running" || steady() - (last[kind] ?? -APART_MS) < APART_MS) return false;
      last[kind] = steady();
      const { shape, notes } = TUNES[kind];
      for (const [frequency, start, length] of notes) {
        const tone = context.createOscillator();
        const loudness = context.createGain();
        const at = context.currentTime + start;
        tone.type = /** @type {OscillatorType} */ (shape);
        tone.frequency.value = frequency;
        loudness.gain.setValueAtTime(0, at);
        loudness.gain.linearRampToValueAtTime(shape === "square" ? 0.25 : 0.6, at + 0.01);
        loudness.gain.linearRampToValueAtTime(0, at + length);
        tone.connect(loudness).connect(context.destination);
        tone.onended = () => loudness.disconnect();
        tone.start(at);
        tone.stop(at + length + 0.02);
      }
      return true;
    },
  };
}
