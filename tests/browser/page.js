// A web client in cookie mode: the access token is in memory alone, the refresh token in a cookie that no script sees.
const API = new URLSearchParams(location.search).get("api") ?? localStorage.getItem("api");
localStorage.setItem("api", API);
const $ = (id) => document.getElementById(id);
let accessToken = null;
let mfaToken = null;

async function call(method, path, body) {
  const answer = await fetch(`${API}/v1${path}`, {
    method,
    credentials: "include",
    headers: {
      "tenantry-tokens": "cookie",
      ...(body && { "content-type": "application/json" }),
      ...(accessToken && { authorization: `Bearer ${accessToken}` }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const json = answer.headers.get("content-type")?.includes("json") ? await answer.json() : {};
  if (!answer.ok) throw new Error(`${answer.status} ${json.code}`);
  return json;
}

function show(section, status) {
  for (const id of ["anonymous", "second", "reset", "account"]) $(id).hidden = id !== section;
  $("status").textContent = status;
}

/** What every way of logging in answers: tokens, or a question for the second factor. */
async function enter(answer) {
  if (answer.mfaRequired) {
    mfaToken = answer.mfaToken;
    $("methods").textContent = answer.methods.join(" ");
    return show("second", "second factor");
  }
  accessToken = answer.accessToken;
  await showAccount("logged in");
}

async function showAccount(status) {
  const { user } = await call("GET", "/auth/me");
  $("me").textContent = user.email;
  $("verified").textContent = String(user.emailVerifiedAt !== null);
  const [, claims] = accessToken.split(".");
  $("amr").textContent = JSON.parse(atob(claims.replace(/-/g, "+").replace(/_/g, "/"))).amr.join(
    " ",
  );
  const { items } = await call("GET", "/auth/sessions");
  $("sessions").replaceChildren(...items.map(sessionItem));
  show("account", status);
}

function sessionItem({ id, current, deviceName, ip }) {
  const item = document.createElement("li");
  item.textContent = `${deviceName} at ${ip}${current ? " (this one)" : ""} `;
  if (current) return item;
  const end = document.createElement("button");
  end.textContent = "End";
  end.onclick = () =>
    act(() => call("DELETE", `/auth/sessions/${id}`).then(() => showAccount("ended")));
  item.append(end);
  return item;
}

async function act(work) {
  $("status").textContent = "…";
  try {
    await work();
  } catch (err) {
    $("status").textContent = `failed: ${err.message}`;
  }
}

function onSubmit(id, work) {
  $(id).addEventListener("submit", (event) => {
    event.preventDefault();
    void act(() => work(Object.fromEntries(new FormData(event.target)), event.submitter));
  });
}
const onClick = (id, work) => $(id).addEventListener("click", () => act(work));

async function assertion(options) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await navigator.credentials.get({ publicKey })).toJSON();
}

onSubmit("register", async ({ slug, ...owner }) =>
  enter(await call("POST", "/auth/register", { ...owner, tenant: { name: slug, slug } })),
);
onSubmit("login", async (input) => enter(await call("POST", "/auth/login", input)));
onSubmit("forgot", async (input) => {
  await call("POST", "/auth/forgot-password", input);
  show("anonymous", "look into your mailbox");
});
onSubmit("magic", async (input) => {
  await call("POST", "/auth/magic-link", input);
  show("anonymous", "look into your mailbox");
});
onClick("passkey-login", async () => {
  const response = await assertion(await call("POST", "/auth/passkey/options"));
  await enter(await call("POST", "/auth/passkey/login", { response }));
});
onSubmit("second-code", async ({ code }, { value: method }) =>
  enter(await call("POST", "/auth/mfa/verify", { mfaToken, method, code })),
);
onClick("second-passkey", async () => {
  const response = await assertion(await call("POST", "/auth/mfa/passkey-options", { mfaToken }));
  await enter(await call("POST", "/auth/mfa/verify", { mfaToken, method: "passkey", response }));
});
onSubmit("new-password", async ({ newPassword }) => {
  await call("POST", "/auth/reset-password", { token: mailed(), newPassword });
  show("anonymous", "password set");
});
onSubmit("verify", async ({ code }) => {
  await call("POST", "/auth/me/email/verify", { code });
  await showAccount("verified");
});
onClick("totp", async () => {
  $("secret").textContent = (await call("POST", "/auth/me/totp")).secret;
  $("status").textContent = "secret shown";
});
onSubmit("totp-confirm", async ({ code }) => {
  const { recoveryCodes } = await call("POST", "/auth/me/totp/confirm", { code });
  const items = recoveryCodes.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  });
  $("recovery-codes").replaceChildren(...items);
  await showAccount("authenticator set up");
});
onClick("passkey", async () => {
  const options = await call("POST", "/auth/me/passkeys/options");
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const response = (await navigator.credentials.create({ publicKey })).toJSON();
  await call("POST", "/auth/me/passkeys", { name: "Virtual", response });
  await showAccount("passkey added");
});
onSubmit("again", async (input) => enter(await call("POST", "/auth/reauthenticate", input)));
onClick("logout", async () => {
  await call("POST", "/auth/logout");
  accessToken = null;
  show("anonymous", "logged out");
});

/** The token of a mail's link stands after the #, which is sent to no server. */
function mailed() {
  return new URLSearchParams(location.hash.slice(1)).get("token");
}

async function start() {
  if (location.pathname === "/reset-password") return show("reset", "choose a password");
  if (location.pathname === "/magic-link")
    return enter(await call("POST", "/auth/magic-link/verify", { token: mailed() }));
  try {
    accessToken = (await call("POST", "/auth/refresh", {})).accessToken;
  } catch {
    return show("anonymous", "welcome");
  }
  if (location.pathname === "/verify-email")
    await call("POST", "/auth/me/email/verify", { token: mailed() });
  await showAccount("welcome back");
}
void act(start);
