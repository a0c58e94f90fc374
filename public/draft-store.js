// kimi.draftStore: drafts in the browser's database, by person and chat. Nothing here fails, and nobody waits for a
// database that hangs: without one, drafts last as long as the page.
"use strict";

kimi.draftStore = (() => {
  const PATIENCE = 10_000; // milliseconds for the database to open, and for a draft to be read
  const PATIENCE_SIGNING_OUT = 2000;
  const MOST = 50; // drafts in the browser
  const MOST_BYTES = { words: 4_000_000, files: 256_000_000 };
  const OLDEST = 30 * 24 * 60 * 60 * 1000; // milliseconds

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
    request.onupgradeneeded = () => Object.keys(MOST_BYTES).forEach((kind) => request.result.createObjectStore(kind));
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

  const kept = (database, kind, key) => done(database.transaction(kind).objectStore(kind).get(key));

  // The draft of a chat: its words and its files.
  function get(person, chat) {
    const none = { words: "", files: [] };
    const reading = use(async (database) => {
      const key = [person, chat];
      const [words, files] = await Promise.all(Object.keys(MOST_BYTES).map((kind) => kept(database, kind, key)));
      return { words: words?.value ?? none.words, files: files?.value ?? none.files };
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
      const transaction = database.transaction(kind, "readwrite");
      const store = transaction.objectStore(kind);
      await done(store.delete([person, chat]));
      if (value === null || !fits) return;
      await makeRoom(store, bytes, MOST_BYTES[kind]);
      await done(store.put({ value, bytes, at: Date.now() }, [person, chat]));
    });
    return fits;
  }

  // Removes all drafts of a person.
  function clear(person) {
    const clearing = use((database) => {
      const own = IDBKeyRange.bound([person], [person, []]);
      const kinds = Object.keys(MOST_BYTES);
      const transaction = database.transaction(kinds, "readwrite");
      return Promise.all(kinds.map((kind) => done(transaction.objectStore(kind).delete(own))));
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
