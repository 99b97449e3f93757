// @ts-check

/** @param {number | null} seenMs wall clock @param {number} nowMs @returns {string} when this register heard the device last */
export function lastHeard(seenMs, nowMs) {
  if (seenMs === null) return "not heard since the register was started";
  const seconds = Math.max(0, Math.round((nowMs - seenMs) / 1000));
  if (seconds < 120) return `heard ${seconds} s ago`;
  if (seconds < 7200) return `heard ${Math.round(seconds / 60)} min ago`;
  if (seconds < 172_800) return `heard ${Math.round(seconds / 3600)} h ago`;
  return `heard ${Math.round(seconds / 86_400)} days ago`;
}
