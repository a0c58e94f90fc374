// Signing in without a name where there is only the shared account, then going on to the chat whose address was opened,
// and changing one's own password.
"use strict";

(() => {
  const text = kimi.text;
  let asked = false;

  // The chat that was opened, until the page has a connection, and so a login.
  const WANTED = "kimi-wanted";
  if (/^\/thread\/[\w-]+$/.test(location.pathname)) sessionStorage.setItem(WANTED, location.pathname);
  kimi.wanted = () => sessionStorage.getItem(WANTED) ?? "/";
  kimi.connected = () => sessionStorage.removeItem(WANTED);

  // Called by the form. Until the answer comes it asks for a name, as Chainlit's does.
  kimi.signIn = async () => {
    if (asked) return;
    asked = true;
    const reply = await fetch("/api/sign-in").catch(() => null);
    const name = document.getElementById("email");
    if (!name) return;
    // What a browser's password manager looks for.
    name.autocomplete = "username";
    document.getElementById("password").autocomplete = "current-password";
    if (!reply?.ok || (await reply.json()).names) return;
    // React notices a value only by its own setter.
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(name, "shared");
    name.dispatchEvent(new Event("input", { bubbles: true }));
    name.parentElement.style.display = "none";
    const note = Object.assign(document.createElement("p"), { className: "sign-in-note", textContent: text.sharedNote });
    name.form.append(note);
    document.getElementById("password").focus();
  };

  const element = (tag, attributes, ...children) => {
    const made = Object.assign(document.createElement(tag), attributes);
    made.append(...children);
    return made;
  };

  function field(label, autocomplete) {
    const input = element("input", { type: "password", required: true, autocomplete });
    return [input, element("label", {}, label, input)];
  }

  // `done` shows a sentence.
  kimi.changePassword = (done) => {
    const [old, oldLabel] = field(text.oldPassword, "current-password");
    const [fresh, freshLabel] = field(text.newPassword, "new-password");
    const [again, againLabel] = field(text.newPasswordAgain, "new-password");
    const fault = element("p", { className: "panel-fault" });
    fault.setAttribute("role", "alert");
    const cancel = element("button", { type: "button", textContent: text.cancel });
    const save = element("button", { type: "submit", textContent: text.save });
    const title = element("h2", { id: "password-title", textContent: text.changePassword });
    const form = element("form", {}, title, oldLabel, freshLabel, againLabel, fault, cancel, save);
    const dialog = element("dialog", { className: "panel" }, form);
    dialog.setAttribute("aria-labelledby", title.id);
    cancel.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (fresh.value !== again.value) return void (fault.textContent = text.passwordsDiffer);
      save.disabled = true;
      try {
        const headers = { "content-type": "application/json" };
        const body = JSON.stringify({ old: old.value, new: fresh.value });
        const reply = await fetch("/api/password", { method: "POST", headers, body });
        if (!reply.ok) return void (fault.textContent = (await reply.json()).detail);
        dialog.close();
        done(text.passwordChanged);
      } catch {
        fault.textContent = text.requestFailed;
      } finally {
        save.disabled = false;
      }
    });
    document.body.append(dialog);
    dialog.showModal();
  };
})();
