// kimi.draftStore: drafts in the browser's database, by person and chat. Nothing here fails, and nobody waits for a
// database that hangs: without one, drafts last as long as the page.
"use strict";

kimi.draftStore = (() => {
  const PATIENCE = 10_000; // milliseconds for the database to open, and for a draft to be read
  const PATIENCE_SIGNING_OUT = 2000;
  const MOST = 50; // drafts in the browser
  const MOST_BYTES = { words: 4_000_000, files: 256_000_000 };
  const KINDS = Object.keys(MOST_BYTES);
  const OLDEST = 30 * 24 * 60 * 60 * 1000; // milliseconds
  const NEW = "new"; // the chat without an address, of which each tab has its own

  let opening = null;

  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });

  const within = (milliseconds, work, otherwise) =>
    Promise.race([work, new Promise((resolve) => setTimeout(resolve, milliseconds, otherwise))]);

  function open() {
    const request = indexedDB.open("kimi-drafts", 1);
    request.onupgradeneeded = () => KINDS.forEach((kind) => request.result.createObjectStore(kind));
    return within(PATIENCE, done(request), null);
  }

  // Runs `work` on the database; the result is `otherwise` if there is none, or if it fails.
  async function use(work, otherwise) {
    try {
      opening ??= open();
      const database = await opening;
      return database ? await work(database) : otherwise;
    } catch {
      return otherwise;
    }
  }

  const keyOf = async (person, chat) => [person, chat === NEW ? `${NEW}-${await kimi.tab.id}` : chat];
  const ofPerson = (person) => IDBKeyRange.bound([person], [person, []]);

  const draftOf = (words, files) => ({ words: words?.value ?? "", files: files?.value ?? [] });

  // A draft's words and files; null if there is none.
  async function kept(database, key) {
    const transaction = database.transaction(KINDS);
    const found = await Promise.all(KINDS.map((kind) => done(transaction.objectStore(kind).get(key))));
    return found.some(Boolean) ? draftOf(...found) : null;
  }

  // Gives this tab the latest draft of a new chat whose tab is gone.
  async function adopt(database, person, key) {
    const alive = new Set([...(await kimi.tab.others())].map((id) => `${NEW}-${id}`));
    const transaction = database.transaction(KINDS, "readwrite");
    const stores = KINDS.map((kind) => transaction.objectStore(kind));
    const drafts = await Promise.all(
      stores.map(async (store) => {
        const all = [store.getAllKeys(ofPerson(person)), store.getAll(ofPerson(person))];
        const [keys, entries] = await Promise.all(all.map(done));
        return new Map(keys.map(([, chat], at) => [chat, entries[at]]));
      }),
    );
    const left = drafts.flatMap((kind) => [...kind]).filter(([chat]) => chat.startsWith(NEW) && !alive.has(chat));
    const [latest] = left.filter(([chat]) => chat !== key[1]).sort(([, one], [, other]) => other.at - one.at);
    if (!latest) return null;
    const found = drafts.map((kind) => kind.get(latest[0]));
    stores.forEach((store, at) => {
      store.delete([person, latest[0]]);
      // What was written in this tab meanwhile is joined with it by the composer, which then keeps both.
      if (found[at] && !drafts[at].has(key[1])) store.put(found[at], key);
    });
    return draftOf(...found);
  }

  // The draft of a chat: its words and its files.
  function get(person, chat) {
    const none = { words: "", files: [] };
    const reading = use(async (database) => {
      const key = await keyOf(person, chat);
      return (await kept(database, key)) ?? (chat === NEW ? await adopt(database, person, key) : null) ?? none;
    }, none);
    return within(PATIENCE, reading, none);
  }

  // Removes what is too old, and the oldest until a new draft of `bytes` fits.
  function makeRoom(store, bytes, most) {
    let count = 0;
    let sum = bytes;
    const entries = [];
    return new Promise((resolve) => {
      store.openCursor().onsuccess = ({ target: { result: cursor } }) => {
        if (cursor) {
          entries.push({ key: cursor.key, bytes: cursor.value.bytes, at: cursor.value.at });
          return cursor.continue();
        }
        for (const entry of entries.sort((one, other) => other.at - one.at)) {
          count += 1;
          sum += entry.bytes;
          if (count >= MOST || sum > most || Date.now() - entry.at > OLDEST) store.delete(entry.key);
        }
        resolve();
      };
    });
  }

  // Keeps `value`, of a size in bytes; `null` removes it. Returns whether it is not too large, without waiting.
  function put(kind, person, chat, value, bytes) {
    const fits = bytes <= MOST_BYTES[kind];
    use(async (database) => {
      const key = await keyOf(person, chat);
      const transaction = database.transaction(kind, "readwrite");
      const store = transaction.objectStore(kind);
      await done(store.delete(key));
      if (value === null || !fits) return;
      await makeRoom(store, bytes, MOST_BYTES[kind]);
      await done(store.put({ value, bytes, at: Date.now() }, key));
    });
    return fits;
  }

  // Removes all drafts of a person.
  function clear(person) {
    const clearing = use((database) => {
      const transaction = database.transaction(KINDS, "readwrite");
      return Promise.all(KINDS.map((kind) => done(transaction.objectStore(kind).delete(ofPerson(person)))));
    });
    return within(PATIENCE_SIGNING_OUT, clearing);
  }

  return {
    get,
    clear,
    putWords: (person, chat, words) => put("words", person, chat, words || null, 2 * words.length),
    putFiles: (person, chat, files) =>
      put("files", person, chat, files.length ? files : null, files.reduce((sum, { size }) => sum + size, 0)),
  };
})();
