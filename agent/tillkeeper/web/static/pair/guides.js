// @ts-check
/** How the store's certificate is installed, by kind of device. */

/** @typedef {{id: string, title: string, steps: string[]}} Guide @type {Guide[]} */
export const GUIDES = [
  {
    id: "ipad", title: "iPad, iPhone",
    steps: ["Open this page in Safari and tap the button above: a profile is downloaded.",
      "Settings › General › VPN & Device Management › the downloaded profile › Install.",
      "Compare its SHA-256 fingerprint with the one at the register (More Details › the certificate).",
      "Settings › General › About › Certificate Trust Settings: switch it on. Without this last step nothing changes.",
      "Come back and reload this page."],
  },
  {
    id: "android", title: "Android",
    steps: ["Tap the button above and keep the file.",
      "Settings › Security › More security settings › Encryption & credentials › Install a certificate › CA certificate › Install anyway. (Names differ a little between makers: search the settings for “CA certificate”.)",
      "Choose the file. A screen lock has to be set on the tablet.",
      "Trusted credentials › User shows it: compare the SHA-256 fingerprint with the one at the register.",
      "Come back and reload this page. Use Chrome; Firefox trusts it only after its secret settings say so."],
  },
  {
    id: "windows", title: "Windows",
    steps: ["Click the button above and open the file › Install Certificate.",
      "Local Machine › Place all certificates in the following store › Trusted Root Certification Authorities.",
      "Details › Thumbprint is SHA-1: for the SHA-256 one use certutil -hashfile on the file, and compare it with the one at the register.",
      "Close the browser (Edge, Chrome), open it again and come back."],
  },
  {
    id: "chromeos", title: "ChromeOS",
    steps: ["Click the button above and keep the file.",
      "chrome://certificate-manager › Local certificates › Installed by you › Trusted certificates › Import.",
      "Compare the SHA-256 fingerprint with the one at the register.",
      "Come back and reload this page. A managed Chromebook gets it from the Admin console."],
  },
  {
    id: "linux", title: "Linux",
    steps: ["Click the button above and keep the file.",
      "Chromium: chrome://certificate-manager › Local certificates › Installed by you › Import. Or: certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n tillkeeper -i authority.crt",
      "openssl x509 -inform der -in authority.crt -noout -fingerprint -sha256: compare it with the one at the register.",
      "Close the browser, open it again and come back."],
  },
];

/** @param {string} agent `navigator.userAgent` @param {number} touches `navigator.maxTouchPoints` @returns {string} the id of the guide that fits */
export function guideFor(agent, touches) {
  if (/iPad|iPhone/.test(agent) || (/Macintosh/.test(agent) && touches > 1)) return "ipad"; // an iPad says that it is a Mac
  if (/Android/.test(agent)) return "android";
  if (/CrOS/.test(agent)) return "chromeos";
  if (/Windows/.test(agent)) return "windows";
  return "linux";
}

/** As it is typed: twelve letters and digits in groups of four. @param {string} text @returns {string} */
export function grouped(text) {
  const digits = text.toUpperCase().replaceAll(/[^0-9A-Z]/g, "").slice(0, 12);
  return digits.replaceAll(/(.{4})(?=.)/g, "$1-");
}
