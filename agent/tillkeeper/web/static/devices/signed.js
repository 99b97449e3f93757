// @ts-check
/** Who is signed in on this page. On the register itself whoever is signed in at the register page counts here too. */

const SESSION = "tk.session.";

/** @param {Storage | null} storage @param {string} terminal of the page's address, empty where it names none */
export function createSigned(storage, terminal) {
  let at = terminal;
  let session = "";

  function read(name) {
    try {
      return JSON.parse(storage?.getItem(name) ?? "null")?.session ?? "";
    } catch {
      return "";
    }
  }

  session = read(SESSION + at);
  if (!session) {
    const names = Array.from({ length: storage?.length ?? 0 }, (_, index) => storage?.key(index) ?? "").filter((name) => name.startsWith(SESSION));
    const found = names.find(read);
    if (found) {
      at = found.slice(SESSION.length);
      session = read(found);
    }
  }
  return {
    get terminal() {
      return at;
    },
    get session() {
      return session;
    },
    /** @param {string} place where somebody is about to sign in */
    goTo(place) {
      at = place;
    },
    /** @param {any} view the answer of a sign-in */
    begin(view) {
      session = view.session;
      at = view.terminal;
      try {
        storage?.setItem(SESSION + at, JSON.stringify(view));
      } catch {
        // full: it lasts as long as the page
      }
    },
    end() {
      session = "";
    },
  };
}
