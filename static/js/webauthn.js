// Security keys: what the server asks of the browser is handed to it, and its answer goes back in the form.
// [data-webauthn-create] asks as soon as it arrives in a dialog; [data-webauthn-get] is a button on the way in.
import { t } from "./words.js";

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

document.addEventListener("htmx:afterSwap", ({ target }) => {
  const place = target.querySelector?.("[data-webauthn-create]");
  if (place) register(place);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-webauthn-get]");
  if (button) use(button);
});

async function register(place) {
  const { publicKey } = JSON.parse(place.dataset.webauthnCreate);
  publicKey.challenge = bytes(publicKey.challenge);
  publicKey.user.id = bytes(publicKey.user.id);
  publicKey.excludeCredentials = known(publicKey.excludeCredentials);
  const form = place.closest("form");
  await answered(form, () => navigator.credentials.create({ publicKey }), (made) => {
    form.elements.value.value = JSON.stringify({
      ...bare(made),
      response: {
        attestationObject: text(made.response.attestationObject),
        clientDataJSON: text(made.response.clientDataJSON),
        transports: made.response.getTransports?.() ?? [],
      },
    });
  });
}

async function use(button) {
  const { publicKey } = JSON.parse(button.dataset.webauthnGet);
  publicKey.challenge = bytes(publicKey.challenge);
  publicKey.allowCredentials = known(publicKey.allowCredentials);
  const form = button.closest("form");
  await answered(form, () => navigator.credentials.get({ publicKey }), (given) => {
    const { authenticatorData, clientDataJSON, signature, userHandle } = given.response;
    form.elements.answer.value = JSON.stringify({
      ...bare(given),
      response: {
        authenticatorData: text(authenticatorData),
        clientDataJSON: text(clientDataJSON),
        signature: text(signature),
        userHandle: userHandle ? text(userHandle) : null,
      },
    });
  });
}

const known = (credentials = []) => credentials.map((one) => ({ ...one, id: bytes(one.id) }));
const bare = (credential) => ({
  id: credential.id,
  rawId: text(credential.rawId),
  type: credential.type,
  clientExtensionResults: credential.getClientExtensionResults(),
});

async function answered(form, ask, fill) {
  const says = form.querySelector("[data-webauthn-says]");
  try {
    fill(await ask());
    form.noValidate = true;
    form.requestSubmit();
  } catch (error) {
    const words = { NotAllowedError: t("The key was not used in time, or you declined."), InvalidStateError: t("This key is registered already.") };
    if (says) says.textContent = words[error.name] ?? t("This browser or address cannot use security keys. They need a host name, not an IP address.");
  }
}
