// Adds and uses passkeys. Pages work without it: what needs it stays hidden, and a sentence says why.
(() => {
  const form = document.querySelector("form[data-passkey]");
  if (!form || !window.PublicKeyCredential) return;
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const part = form.parentElement, failed = form.nextElementSibling, needs = part.previousElementSibling;
  const makes = form.dataset.passkey === "make";
  const ask = async () => {
    const sent = new URLSearchParams({ csrf_token: form.elements.csrf_token.value });
    const answer = await fetch(form.dataset.options, { method: "POST", body: sent, credentials: "same-origin" });
    if (!answer.ok || answer.redirected) throw new Error("no options");
    const options = await answer.json();
    options.challenge = bytes(options.challenge);
    for (const key of [...(options.excludeCredentials || []), ...(options.allowCredentials || [])]) key.id = bytes(key.id);
    if (makes) options.user.id = bytes(options.user.id);
    const key = await navigator.credentials[makes ? "create" : "get"]({ publicKey: options });
    const response = {};
    for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
      if (key.response[part]) response[part] = text(key.response[part]);
    return JSON.stringify({ id: key.id, rawId: text(key.rawId), type: key.type, response });
  };
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    failed.hidden = true;
    try {
      form.elements.credential.value = await ask();
      form.submit();
    } catch {
      button.disabled = false;
      failed.hidden = false;
    }
  });
  part.hidden = false;
  needs.hidden = true;
})();
