// kimi.drafts: the words and files of a question that is not sent yet, for each chat. They are still there after another
// chat, a new chat and a reload. `public/draft-store.js` keeps them; Chainlit's composer shows those of one chat.
"use strict";

kimi.drafts = (() => {
  const NEW = "new"; // the chat that has no address yet

  const known = new Map(); // the drafts that this page has shown, by chat
  let person = null;
  let shown = null; // the draft in the composer
  let composer = null; // the composer's attachments, and Chainlit's functions to change them and the words
  let count = 0;

  // Attachments of a chat that was left, or of an earlier page, are uploaded when their question is sent.
  function attachment(file, draft) {
    const id = `kept-${Date.now()}-${(count += 1)}`;
    const remove = () => composer.attach((all) => all.filter((other) => other.id !== id));
    const { name, type, size } = file;
    kimi.keepFile(id, file);
    return { id, serverId: id, name, type, size, file, draft, remove, uploaded: true, uploadProgress: 100 };
  }

  // Puts a draft into the composer.
  function show(draft) {
    shown = draft;
    const attachments = draft.files.map((file) => attachment(file, draft));
    draft.awaited = new Set(attachments.map(({ id }) => id));
    composer.attach(attachments);
    kimi.draft = draft.words;
    composer.field.current?.setValueExtern(draft.words);
  }

  async function go(who, chat) {
    if (who !== person) {
      if (person !== null) [shown, kimi.draft] = [{ files: [] }, ""];
      known.clear();
      person = who;
    } else if (shown?.chat === chat) {
      return;
    } else {
      keepWords();
    }
    if (known.has(chat)) return show(known.get(chat));
    const draft = { chat, words: "", files: [], awaited: new Set() };
    known.set(chat, draft);
    if (shown) {
      show(draft);
    } else {
      // What was written and attached before it was known who is here.
      shown = draft;
      composer.attach((all) => all.map((one) => ({ ...one, draft: one.draft ?? draft })));
    }
    const stored = await kimi.draftStore.get(who, chat);
    if ((stored.words || stored.files.length) && known.get(draft.chat) === draft) restore(draft, stored);
  }

  // Adds what an earlier page has kept to what is there by now.
  function restore(draft, { words, files }) {
    const joined = (now) => [words, now].filter(Boolean).join("\n");
    if (shown === draft) {
      const attachments = files.map((file) => attachment(file, draft));
      attachments.forEach(({ id }) => draft.awaited.add(id));
      composer.attach((all) => [...attachments, ...all]);
      kimi.draft = joined(kimi.draft);
      composer.field.current?.setValueExtern(kimi.draft);
    } else {
      draft.words = joined(draft.words);
      draft.files = [...files, ...draft.files];
      kimi.draftStore.putWords(person, draft.chat, draft.words);
      kimi.draftStore.putFiles(person, draft.chat, draft.files);
    }
  }

  function keepWords() {
    if (!shown || kimi.draft === shown.words) return;
    shown.words = kimi.draft;
    kimi.draftStore.putWords(person, shown.chat, shown.words);
  }

  function keepFiles(attached, fail) {
    const ids = new Set(attached.map(({ id }) => id));
    // React shows a change of the attachments later than it was made.
    if (attached.some(({ draft }) => draft !== shown) || [...shown.awaited].some((id) => !ids.has(id))) return;
    shown.awaited.clear();
    const files = attached.map(({ file }) => file);
    if (files.length === shown.files.length && files.every((file, at) => file === shown.files[at])) return;
    shown.files = files;
    if (!kimi.draftStore.putFiles(person, shown.chat, files)) fail(kimi.text.draftTooLarge);
  }

  // Called whenever the composer is drawn. `fail` shows a sentence.
  function use({ useEffect }, { person: who, words, attached, attach, field, fail }) {
    composer = { attached, attach, field };
    const chat = /\/thread\/([^/]+)/.exec(location.pathname)?.[1] ?? NEW;
    useEffect(() => {
      if (who) go(who, chat);
    }, [who, chat]);
    useEffect(() => {
      if (!shown || !who) return;
      keepWords();
      keepFiles(attached, fail);
    }, [who, words, attached]);
    useEffect(() => kimi.ahead.changed(attached), [attached]);
  }

  // A new chat has got its address; what is in the composer is now that chat's draft.
  function named(chat) {
    if (shown?.chat !== NEW) return;
    for (const id of [NEW, chat]) {
      const gone = id === NEW;
      kimi.draftStore.putWords(person, id, gone ? "" : shown.words);
      kimi.draftStore.putFiles(person, id, gone ? [] : shown.files);
    }
    known.delete(NEW);
    known.set(chat, shown);
    shown.chat = chat;
  }

  // Takes the attachments out of the composer, as references for a question.
  function take() {
    const references = composer.attached.map(({ id, serverId, file }) => {
      if (!serverId) kimi.keepFile(id, file);
      return { id: serverId ?? id };
    });
    composer.attach([]);
    return references;
  }

  return {
    use,
    named,
    take,
    shown: () => shown,
    attached: () => composer?.attached ?? [],
    clear: () => (person === null ? null : kimi.draftStore.clear(person)),
  };
})();
