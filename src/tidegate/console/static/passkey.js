// Registers passkeys and signs in with them. The node checks everything; this only carries bytes between it and the browser.

const decode = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));

const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const post = async (path, body, csrf) => {
  const headers = { "content-type": "application/json", accept: "application/json" };
  if (csrf) headers["x-csrf-token"] = csrf;
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error((await answer.json()).detail);
  return answer.json();
};

const written = (credential) => {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = encode(credential.response[name]);
  }
  return { id: credential.id, rawId: encode(credential.rawId), type: credential.type, response };
};

const signIn = async () => {
  const options = await post("/sign-in/passkey/options", {});
  options.challenge = decode(options.challenge);
  delete options.allowCredentials;
  const credential = await navigator.credentials.get({ publicKey: options });
  return post("/sign-in/passkey", written(credential));
};

const register = async (form) => {
  const csrf = form.elements.csrf.value;
  const options = await post("/account/passkey/options", {}, csrf);
  options.challenge = decode(options.challenge);
  options.user.id = decode(options.user.id);
  for (const held of options.excludeCredentials ?? []) held.id = decode(held.id);
  const credential = await navigator.credentials.create({ publicKey: options });
  return post("/account/passkey", { label: form.elements.label.value, answer: written(credential) }, csrf);
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const status = form.querySelector("[role=status]");
    status.textContent = "";
    try {
      const done = form.dataset.passkey === "sign-in" ? await signIn() : await register(form);
      window.location.assign(done.next);
    } catch (error) {
      status.textContent = `${status.dataset.failed} ${error.message ?? ""}`;
    }
  });
}
